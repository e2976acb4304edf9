"""Primary keys, unique constraints and foreign keys of the whole database.

Also the relations of schemas that are not exposed: views of exposed schemas
may read them, and so inherit their keys.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.schema_cache.text_format import document
from tailrace.engine.statement import Rows, Statement

KEYS = b"""
  select json_build_array(
    k.contype = 'p', k.conname, k.conrelid::int8, n.nspname, r.relname, k.conkey, own.names,
    k.confrelid::int8, fn.nspname, fr.relname, k.confkey, other.names, k.conparentid = 0)
  from pg_constraint k
  join pg_class r on r.oid = k.conrelid
  join pg_namespace n on n.oid = r.relnamespace
  left join pg_class fr on fr.oid = k.confrelid
  left join pg_namespace fn on fn.oid = fr.relnamespace
  cross join lateral (
    select array_agg(a.attname order by array_position(k.conkey, a.attnum)) as names
    from pg_attribute a where a.attrelid = k.conrelid and a.attnum = any(k.conkey)
  ) own
  left join lateral (
    select array_agg(a.attname order by u.place) as names from unnest(k.confkey) with ordinality u(number, place)
    join pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.number
  ) other on k.contype = 'f'
  where k.contype in ('p', 'u', 'f')
"""


def keys_statement() -> Statement:
    return Statement(KEYS)


class KeySide(NamedTuple):
    """The columns of a key in one relation, in the key's order: their numbers and names."""

    relation_id: int
    relation: QualifiedName
    numbers: tuple[int, ...]
    names: tuple[str, ...]


class UniqueKey(NamedTuple):
    """A primary key or unique constraint."""

    constraint: str
    is_primary: bool
    side: KeySide


class ForeignKey(NamedTuple):
    constraint: str
    side: KeySide
    foreign: KeySide
    is_root: bool
    """False for the copies that partitions have of their parent's foreign key."""


Key = UniqueKey | ForeignKey


def read_keys(rows: Rows) -> tuple[Key, ...]:
    names: dict[int, QualifiedName] = {}

    def side(oid: int, schema: str, relation: str, numbers: list[int], columns: list[str]) -> KeySide:
        if oid not in names:
            names[oid] = QualifiedName(schema, relation)
        return KeySide(oid, names[oid], tuple(numbers), tuple(columns))

    def key(body: Any) -> Key:
        is_primary, constraint, *own = body[:7]
        if body[7]:
            return ForeignKey(constraint, side(*own), side(*body[7:12]), body[12])
        return UniqueKey(constraint, is_primary, side(*own))

    return tuple(key(document(rows, row, 0)) for row in range(rows.ntuples))


def table_primary_keys(keys: Iterable[Key]) -> dict[QualifiedName, tuple[str, ...]]:
    """The primary keys of tables, their columns in order of name, as PostgREST has them."""
    return {
        key.side.relation: tuple(sorted(key.side.names))
        for key in keys
        if isinstance(key, UniqueKey) and key.is_primary
    }
