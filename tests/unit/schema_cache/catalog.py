"""A small catalog written by hand, and the rows that Postgres would answer for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.schema_cache.catalog_key import ForeignKey, Keys, Side
from tailrace.engine.schema_cache.catalog_relation import Relations
from tailrace.engine.schema_cache.catalog_view import Origin
from tailrace.engine.schema_cache.derive import Derivation
from tailrace.engine.schema_cache.view_key import ViewKeys
from tests.unit.schema_cache.result import rows

INTEGER = 23


@dataclass(frozen=True)
class Relation:
    """Columns are numbered from 1."""

    name: QualifiedName
    columns: tuple[str, ...]
    is_view: bool = False


@dataclass(frozen=True)
class UniqueKey:
    constraint: str
    side: Side
    is_primary: bool = False


@dataclass(frozen=True)
class Catalog:
    relations: Mapping[int, Relation]
    unique: Sequence[UniqueKey] = ()
    foreign: Sequence[ForeignKey] = ()
    views: Mapping[int, Sequence[Origin]] = field(default_factory=dict)

    def derivation(self, schemas: Sequence[str]) -> Derivation:
        relations = self._relations(schemas)
        return Derivation(relations, self._keys(), ViewKeys(self.views, is_exposed=relations.is_inside))

    def _relations(self, schemas: Sequence[str]) -> Relations:
        found: list[Sequence[object]] = [
            (None, str(INTEGER), "-1", None, None, None, None, ["integer", "integer", None, False, None, False, None])
        ]
        for oid, relation in self.relations.items():
            schema, name = relation.name
            if schema in schemas:
                columns = [[n, column, INTEGER, -1, False, None] for n, column in enumerate(relation.columns, 1)]
                found.append((str(oid), schema, name, "v" if relation.is_view else "r", None, None, None, columns))
            else:
                found.append((str(oid), schema, name, "-", None, None, None, None))
        return Relations(rows(*found))

    def _keys(self) -> Keys:
        found: list[tuple[int, Sequence[object]]] = []
        for one in self.unique:
            kind = "p" if one.is_primary else "u"
            found.append((one.side.relation, (kind, *_side(one.side), one.constraint, "0", None)))
        for constraint, side, foreign in self.foreign:
            relation, columns = _side(side)
            found.append((side.relation, ("f", relation, columns, constraint, *_side(foreign))))
        return Keys(rows(*(row for _, row in sorted(found, key=lambda pair: pair[0]))))


def _side(side: Side) -> tuple[str, str]:
    return str(side.relation), "{" + ",".join(map(str, side.columns)) + "}"
