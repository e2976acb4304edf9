"""Primary keys, unique constraints and foreign keys of the whole database.

Also those of schemas that are not exposed: views of exposed schemas may read
their relations, and so inherit their keys. Relations are named by their oids
and columns by their numbers, as the catalog does.
"""

from array import array
from collections.abc import Iterator
from typing import NamedTuple

from tailrace.engine.schema_cache.text_format import numbers, text, value
from tailrace.engine.statement import Rows, Statement

KEYS = b"""
  select contype, conrelid, conkey, conname, confrelid, confkey
  from pg_constraint
  where contype in ('p', 'u') or contype = 'f' and conparentid = 0
  order by conrelid
"""
"""The copies that partitions have of their parent's foreign key have a parent themselves, and are left out."""


def keys_statement() -> Statement:
    return Statement(KEYS)


KIND, RELATION, COLUMNS, NAME, TARGET, TARGET_COLUMNS = range(6)
"""The columns of the rows."""
PRIMARY, FOREIGN = b"p", b"f"
ROW_BITS = 32
LAST_ROW = (1 << ROW_BITS) - 1


class Side(NamedTuple):
    """The columns of a key in one relation, in the key's order."""

    relation: int
    columns: tuple[int, ...]


class PrimaryKey(NamedTuple):
    constraint: str
    columns: tuple[int, ...]


class ForeignKey(NamedTuple):
    constraint: str
    side: Side
    foreign: Side


class Keys:
    """The keys by the oid of the relation that has them, or is referred to.

    They are read from their rows, of which those of one relation stand together,
    when they are asked for.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._first: dict[int, int] = {}
        """The first row of each relation."""
        self._referring: dict[int, int] = {}
        """Where in `_by_target` the keys that refer to a relation begin."""
        self._by_target: array[int] = array("l")
        self._arrays: dict[bytes, tuple[int, ...]] = {}
        self._read()

    def _read(self) -> None:
        get, before = self._rows.get_value, b""
        targets: list[int] = []
        for row in range(self._rows.ntuples):
            relation = get(row, RELATION) or b""
            if relation != before:
                before = relation
                self._first[int(relation)] = row
            if get(row, KIND) == FOREIGN:
                targets.append(int(get(row, TARGET) or 0) << ROW_BITS | row)
        targets.sort()
        for place, target in enumerate(targets):
            self._referring.setdefault(target >> ROW_BITS, place)
            self._by_target.append(target & LAST_ROW)

    def foreign(self, relation: int) -> Iterator[ForeignKey]:
        """The foreign keys that a relation has."""
        for row in self._rows_of(relation):
            if self._rows.get_value(row, KIND) == FOREIGN:
                yield self._foreign_key(row)

    def referring(self, relation: int) -> Iterator[ForeignKey]:
        """The foreign keys that refer to a relation."""
        start = self._referring.get(relation)
        if start is None:
            return
        for place in range(start, len(self._by_target)):
            key = self._foreign_key(self._by_target[place])
            if key.foreign.relation != relation:
                return
            yield key

    def all_foreign(self) -> Iterator[ForeignKey]:
        return (self._foreign_key(row) for row in self._by_target)

    def primary(self, relation: int) -> PrimaryKey | None:
        for row in self._rows_of(relation):
            if self._rows.get_value(row, KIND) == PRIMARY:
                return PrimaryKey(text(self._rows, row, NAME), self._columns(row, COLUMNS))
        return None

    def is_one_to_one(self, key: ForeignKey) -> bool:
        """Whether the key's columns are unique themselves."""
        columns = sorted(key.side.columns)
        return any(
            sorted(self._columns(row, COLUMNS)) == columns
            for row in self._rows_of(key.side.relation)
            if self._rows.get_value(row, KIND) != FOREIGN
        )

    def is_in_primary_key(self, key: ForeignKey) -> bool:
        """Whether all of the key's columns are part of their table's primary key."""
        primary = self.primary(key.side.relation)
        return primary is not None and all(column in primary.columns for column in key.side.columns)

    def _rows_of(self, relation: int) -> Iterator[int]:
        first = self._first.get(relation)
        if first is None:
            return
        name = self._rows.get_value(first, RELATION)
        for row in range(first, self._rows.ntuples):
            if self._rows.get_value(row, RELATION) != name:
                return
            yield row

    def _foreign_key(self, row: int) -> ForeignKey:
        rows = self._rows
        side = Side(int(value(rows, row, RELATION)), self._columns(row, COLUMNS))
        foreign = Side(int(value(rows, row, TARGET)), self._columns(row, TARGET_COLUMNS))
        return ForeignKey(text(rows, row, NAME), side, foreign)

    def _columns(self, row: int, place: int) -> tuple[int, ...]:
        array_text = value(self._rows, row, place)
        found = self._arrays.get(array_text)
        if found is None:
            found = self._arrays[array_text] = numbers(array_text)
        return found
