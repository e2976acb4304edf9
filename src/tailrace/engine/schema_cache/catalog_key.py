"""Primary keys, unique constraints and foreign keys of the whole database.

Also the relations of schemas that are not exposed: views of exposed schemas
may read them, and so inherit their keys.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.schema_cache.text_format import document, text, value
from tailrace.engine.statement import Rows, Statement

KEYS = b"""
  select k.contype, k.conname, k.conrelid, n.nspname, r.relname,
    nullif(k.confrelid, 0), fn.nspname, fr.relname, k.conparentid = 0,
    array_to_json(k.conkey), own.names, array_to_json(k.confkey), foreign_.names
  from pg_constraint k
  join pg_class r on r.oid = k.conrelid
  join pg_namespace n on n.oid = r.relnamespace
  left join pg_class fr on fr.oid = k.confrelid
  left join pg_namespace fn on fn.oid = fr.relnamespace
  cross join lateral (
    select json_agg(a.attname order by u.place) as names from unnest(k.conkey) with ordinality u(number, place)
    join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.number
  ) own
  cross join lateral (
    select json_agg(a.attname order by u.place) as names from unnest(k.confkey) with ordinality u(number, place)
    join pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.number
  ) foreign_
  where k.contype in ('p', 'u', 'f')
"""


def keys_statement() -> Statement:
    return Statement(KEYS)


@dataclass(frozen=True, slots=True)
class KeySide:
    """The columns of a key in one relation, in the key's order: their numbers and names."""

    relation_id: int
    relation: QualifiedName
    numbers: tuple[int, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UniqueKey:
    """A primary key or unique constraint."""

    constraint: str
    is_primary: bool
    side: KeySide


@dataclass(frozen=True, slots=True)
class ForeignKey:
    constraint: str
    side: KeySide
    foreign: KeySide
    is_root: bool
    """False for the copies that partitions have of their parent's foreign key."""


Key = UniqueKey | ForeignKey


def read_keys(rows: Rows) -> tuple[Key, ...]:
    names: dict[int, QualifiedName] = {}

    def side(row: int, relation: int, columns: int) -> KeySide:
        oid = int(value(rows, row, relation))
        if oid not in names:
            names[oid] = QualifiedName(text(rows, row, relation + 1), text(rows, row, relation + 2))
        return KeySide(oid, names[oid], tuple(document(rows, row, columns)), tuple(document(rows, row, columns + 1)))

    def key(row: int) -> Key:
        constraint, kind = text(rows, row, 1), value(rows, row, 0)
        if kind == b"f":
            return ForeignKey(constraint, side(row, 2, 9), side(row, 5, 11), value(rows, row, 8) == b"t")
        return UniqueKey(constraint, kind == b"p", side(row, 2, 9))

    return tuple(key(row) for row in range(rows.ntuples))


def table_primary_keys(keys: Iterable[Key]) -> dict[QualifiedName, tuple[str, ...]]:
    """The primary keys of tables, their columns in order of name, as PostgREST has them."""
    return {
        key.side.relation: tuple(sorted(key.side.names))
        for key in keys
        if isinstance(key, UniqueKey) and key.is_primary
    }
