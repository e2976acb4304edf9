"""Parts of documents as JSON text, made once for each schema cache.

A document is different for every role, but what it says of one relation or
function is not; so those parts are kept, and a document is a matter of joining.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.response.openapi.definition import table_definition
from tailrace.engine.response.openapi.parameter import table_parameters
from tailrace.engine.response.openapi.path import routine_path, table_path
from tailrace.engine.response.openapi.swagger_type import members
from tailrace.engine.schema_cache.cache import SchemaCache
from tailrace.engine.schema_cache.catalog_routine import overload_rank, read_routine
from tailrace.engine.schema_cache.routine import Routine

KEPT = 10_000
"""So many relations, and so many functions, have their parts kept."""


@dataclass(frozen=True, slots=True)
class TableFragment:
    """Members of the objects `definitions`, `parameters` and `paths`."""

    definition: bytes
    parameters: bytes
    path: bytes


@dataclass(frozen=True, slots=True)
class RoutineFragment:
    """A member of `paths`; of overloads, which have one path, the one of the highest rank is shown."""

    oid: int
    name: str
    rank: tuple[Any, ...]
    path: bytes


class OpenApiFragments:
    """The parts of the documents of one schema cache."""

    def __init__(self, cache: SchemaCache) -> None:
        self._cache = cache
        self._tables: dict[QualifiedName, TableFragment] = {}
        self._routines: dict[bytes | QualifiedName, RoutineFragment] = {}

    def tables(self, names: Iterable[QualifiedName]) -> list[TableFragment]:
        """The parts of those among these relations that the schema cache knows."""
        kept = self._tables
        return [kept.get(name) or self._table(name) for name in names if name in self._cache.tables]

    def tables_of(self, schema: str) -> list[TableFragment]:
        return self.tables(name for name in self._cache.tables if name.schema == schema)

    def routines(self, rows: Iterable[bytes]) -> list[RoutineFragment]:
        """The parts of functions, from their rows as JSON, so that a row seen before is not even read."""
        kept = self._routines
        return [kept.get(row) or self._routine(row) for row in rows]

    def routines_of(self, schema: str) -> list[RoutineFragment]:
        """The parts of all functions of a schema that the schema cache knows."""
        kept = self._routines
        names = (name for name in self._cache.routines if name.schema == schema)
        return [kept.get(name) or self._keep(name, self._cache.routines[name][-1]) for name in names]

    def _table(self, name: QualifiedName) -> TableFragment:
        table = self._cache.tables[name]
        relationships = self._cache.relationships.get((name, name.schema), ())
        fragment = TableFragment(
            definition=members({table.name: table_definition(table, relationships)}),
            parameters=members(dict(table_parameters(table))),
            path=members({f"/{table.name}": table_path(table)}),
        )
        if len(self._tables) < KEPT:
            self._tables[name] = fragment
        return fragment

    def _routine(self, row: bytes) -> RoutineFragment:
        return self._keep(row, read_routine(json.loads(row)))

    def _keep(self, key: bytes | QualifiedName, routine: Routine) -> RoutineFragment:
        if len(self._routines) >= KEPT:
            self._routines.clear()
        fragment = self._routines[key] = routine_fragment(routine)
        return fragment


def routine_fragment(routine: Routine) -> RoutineFragment:
    path = members({f"/rpc/{routine.name}": routine_path(routine)})
    return RoutineFragment(routine.oid, routine.name, overload_rank(routine), path)
