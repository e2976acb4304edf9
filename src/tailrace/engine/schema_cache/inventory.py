"""What one schema has, in an order, so that rights to it can be asked for and told by position."""

from collections.abc import Iterable
from dataclasses import dataclass

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.schema_cache.cache import SchemaCache


@dataclass(frozen=True, slots=True)
class Inventory:
    """The oids are array literals, in the order of the names beside them."""

    tables: tuple[QualifiedName, ...]
    table_oids: bytes
    routine_oids: bytes
    routines: tuple[int, ...]


def take_inventory(cache: SchemaCache, schema: str) -> Inventory:
    tables = tuple(name for name in cache.tables if name.schema == schema)
    routines = tuple(
        routine.oid for name, overloads in cache.routines.items() if name.schema == schema for routine in overloads
    )
    return Inventory(
        tables=tables,
        table_oids=_array(cache.tables[name].oid for name in tables),
        routine_oids=_array(routines),
        routines=routines,
    )


def _array(oids: Iterable[int]) -> bytes:
    return ("{" + ",".join(map(str, oids)) + "}").encode()
