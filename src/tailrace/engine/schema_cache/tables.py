"""The exposed relations by name; a `Table` is made when it is first asked for."""

from collections.abc import Iterator, Mapping

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.schema_cache.catalog_relation import NO_NAMES
from tailrace.engine.schema_cache.derive import Derivation
from tailrace.engine.schema_cache.table import Table

MAX_MADE = 5000
"""Tables that are kept once made; a dump of the schema asks for all, and plans keep what they need."""


class Tables(Mapping[QualifiedName, Table]):
    def __init__(self, derivation: Derivation) -> None:
        self._derivation = derivation
        self._exposed = derivation.relations.exposed
        self._tables: dict[QualifiedName, Table] = {}

    def __getitem__(self, name: QualifiedName) -> Table:
        found = self._tables.get(name)
        if found is None:
            if len(self._tables) >= MAX_MADE:
                self._tables.clear()
            found = self._tables[name] = self._make(self._exposed[name[0]][name[1]])
        return found

    def __iter__(self) -> Iterator[QualifiedName]:
        return (QualifiedName(schema, name) for schema, names in self._exposed.items() for name in names)

    def __len__(self) -> int:
        return sum(map(len, self._exposed.values()))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, tuple) and name[1] in self._exposed.get(name[0], NO_NAMES)

    def _make(self, oid: int) -> Table:
        relations = self._derivation.relations
        name, ability = relations.name(oid), relations.ability(oid)
        return Table(
            schema=name.schema,
            name=name.name,
            description=relations.description(oid),
            is_view=ability.is_view,
            insertable=ability.insertable,
            updatable=ability.updatable,
            deletable=ability.deletable,
            primary_key=self._derivation.primary_key(oid),
            columns=relations.columns(oid),
            oid=oid,
        )
