"""Which column of which relation every column of a view shows, read from the view's definition.

Postgres keeps a view's definition as the text of a node tree. In its outermost
query's target list each entry tells the relation and column that it came from:

    ({QUERY ... :targetList ({TARGETENTRY :expr {...} :resno 1 ... :resorigtbl 16384 :resorigcol 1 ...} ...) ...})

A query within the query has such a list too, and stands deeper in the braces.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from tailrace.engine.schema_cache.text_format import value
from tailrace.engine.statement import Rows, Statement

VIEWS = b"""
  with definitions as materialized (
    select c.oid, rule.ev_action::text as tree
    from pg_class c
    join pg_rewrite rule on rule.ev_class = c.oid and rule.ev_type = '1'
    where c.relkind in ('v', 'm') and c.relnamespace = any($1::regnamespace[] || $2::regnamespace[])
  )
  select d.oid,
    case when split_part(d.tree, ' :targetList ', 3) = '' then split_part(d.tree, ' :targetList ', 2) else d.tree end
  from definitions d
"""
"""Most views hold no other query; of them only what follows `:targetList` is sent, a tenth of the tree."""

WHOLE_TREE = b"({QUERY "
TARGET_LIST = b" :targetList "
ESCAPED = re.compile(rb"\\.", re.DOTALL)
ENTRY = re.compile(rb" :resno (\d+) :resname \S+ :ressortgroupref \d+ :resorigtbl ([1-9]\d*) :resorigcol (\d+) ")


def views_statement(schemas: bytes, extra_search_path: bytes) -> Statement:
    """Both are arrays of quoted names. Errors: 3F000 of Postgres for a schema that does not exist."""
    return Statement(VIEWS, (schemas, extra_search_path))


class Origin(NamedTuple):
    """One column of a view, by number, and the column that it shows."""

    column: int
    relation: int
    relation_column: int


Views = Mapping[int, Sequence[Origin]]
"""The origins of views' columns, by the oids of the views."""
Entry = tuple[bytes, bytes, bytes]
"""The numbers of an origin as text."""


class PackedViews(Mapping[int, Sequence[Origin]]):
    """The origins of every view as one text of numbers, taken apart when asked for."""

    def __init__(self, rows: Rows) -> None:
        self._packed = {
            int(value(rows, row, 0)): b" ".join(chain.from_iterable(find_entries(value(rows, row, 1))))
            for row in range(rows.ntuples)
        }

    def __getitem__(self, view: int) -> Sequence[Origin]:
        numbers = map(int, self._packed[view].split())
        return tuple([Origin(*triple) for triple in zip(numbers, numbers, numbers, strict=True)])

    def __iter__(self) -> Iterator[int]:
        return iter(self._packed)

    def __len__(self) -> int:
        return len(self._packed)

    def __contains__(self, view: object) -> bool:
        return view in self._packed


def read_origins(tree: bytes) -> tuple[Origin, ...]:
    """The origins in a node tree, or in what follows the `:targetList` of a tree that has only one."""
    return tuple(Origin._make(map(int, entry)) for entry in find_entries(tree))


def find_entries(tree: bytes) -> list[Entry]:
    if b"\\" in tree:
        tree = ESCAPED.sub(b"", tree)
    if not tree.startswith(WHOLE_TREE):
        return ENTRY.findall(tree)
    entries: list[Entry] = []
    depth, position = 0, _outermost_target_list(tree)
    for entry in ENTRY.finditer(tree, position):
        depth += tree.count(b"{", position, entry.start()) - tree.count(b"}", position, entry.start())
        position = entry.start()
        if depth == 1:
            entries.append((entry[1], entry[2], entry[3]))
    return entries


def _outermost_target_list(tree: bytes) -> int:
    """Where the target list of the query that is in no other query begins."""
    depth = position = 0
    while (found := tree.find(TARGET_LIST, position)) >= 0:
        depth += tree.count(b"{", position, found) - tree.count(b"}", position, found)
        if depth == 1:
            return found + len(TARGET_LIST)
        position = found + 1
    return len(tree)


def resolve_origins(view: int, views: Views) -> Sequence[Origin]:
    """The origins of a view's columns through all the views below it, nearest first."""
    own = views[view]
    if all(origin.relation not in views for origin in own):
        return own
    by_column: dict[int, dict[int, list[Origin]]] = {}
    level: list[tuple[Origin, tuple[int, ...]]] = [(origin, (origin.relation,)) for origin in own]
    found: dict[Origin, None] = {}
    while level:
        found.update((origin, None) for origin, _ in level)
        below: list[tuple[Origin, tuple[int, ...]]] = []
        for origin, path in level:
            if origin.relation not in views:
                continue
            if origin.relation not in by_column:
                by_column[origin.relation] = _by_column(views[origin.relation])
            below.extend(
                (Origin(origin.column, under.relation, under.relation_column), (*path, under.relation))
                for under in by_column[origin.relation].get(origin.relation_column, ())
                if under.relation not in path
            )
        level = below
    return tuple(found)


def _by_column(origins: Iterable[Origin]) -> dict[int, list[Origin]]:
    by_column: dict[int, list[Origin]] = {}
    for origin in origins:
        by_column.setdefault(origin.column, []).append(origin)
    return by_column
