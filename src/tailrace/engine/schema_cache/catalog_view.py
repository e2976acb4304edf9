"""Which column of which relation every column of a view shows, read from the view's definition.

Postgres keeps a view's definition as the text of a node tree. In its outermost
query's target list each entry tells the relation and column that it came from:

    ({QUERY ... :targetList ({TARGETENTRY :expr {...} :resno 1 ... :resorigtbl 16384 :resorigcol 1 ...} ...) ...})

A query within the query has such a list too, and stands deeper in the braces.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.schema_cache.text_format import document, text, value
from tailrace.engine.statement import Rows, Statement

VIEWS = b"""
  with definitions as materialized (
    select c.oid, n.nspname, c.relname, rule.ev_action::text as tree
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_rewrite rule on rule.ev_class = c.oid and rule.ev_type = '1'
    where c.relkind in ('v', 'm') and n.oid = any($1::regnamespace[] || $2::regnamespace[])
  )
  select d.oid, d.nspname, d.relname,
    (select json_object_agg(a.attnum, a.attname) from pg_attribute a where a.attrelid = d.oid and a.attnum > 0),
    case when split_part(d.tree, ' :targetList ', 3) = '' then split_part(d.tree, ' :targetList ', 2) else d.tree end
  from definitions d
  order by d.nspname, d.relname
"""
"""Most views hold no other query; of them only what follows `:targetList` is sent, a tenth of the tree."""

WHOLE_TREE = b"({QUERY "
TARGET_LIST = b" :targetList "
ESCAPED = re.compile(rb"\\.", re.DOTALL)
ENTRY = re.compile(rb" :resno (\d+) :resname \S+ :ressortgroupref \d+ :resorigtbl ([1-9]\d*) :resorigcol (\d+) ")


def views_statement(schemas: bytes, extra_search_path: bytes) -> Statement:
    """Both are arrays of quoted names. Errors: 3F000 of Postgres for a schema that does not exist."""
    return Statement(VIEWS, (schemas, extra_search_path))


@dataclass(frozen=True, slots=True)
class Origin:
    """One column of a view, by number, and the column that it shows."""

    column: int
    relation_id: int
    relation_column: int


@dataclass(frozen=True, slots=True)
class View:
    oid: int
    name: QualifiedName
    column_names: dict[int, str]
    origins: tuple[Origin, ...]


def read_views(rows: Rows) -> tuple[View, ...]:
    return tuple(
        View(
            oid=int(value(rows, row, 0)),
            name=QualifiedName(text(rows, row, 1), text(rows, row, 2)),
            column_names={int(number): name for number, name in (document(rows, row, 3) or {}).items()},
            origins=read_origins(value(rows, row, 4)),
        )
        for row in range(rows.ntuples)
    )


def read_origins(tree: bytes) -> tuple[Origin, ...]:
    """The origins in a node tree, or in what follows the `:targetList` of a tree that has only one."""
    if b"\\" in tree:
        tree = ESCAPED.sub(b"", tree)
    start = _outermost_target_list(tree) if tree.startswith(WHOLE_TREE) else 0
    origins: list[Origin] = []
    depth, position = 0, start
    for entry in ENTRY.finditer(tree, start):
        depth += tree.count(b"{", position, entry.start()) - tree.count(b"}", position, entry.start())
        position = entry.start()
        if depth == 1:
            column, relation_id, relation_column = entry.groups()
            origins.append(Origin(int(column), int(relation_id), int(relation_column)))
    return tuple(origins)


def _outermost_target_list(tree: bytes) -> int:
    """Where the target list of the query that is in no other query begins."""
    depth = position = 0
    while (found := tree.find(TARGET_LIST, position)) >= 0:
        depth += tree.count(b"{", position, found) - tree.count(b"}", position, found)
        if depth == 1:
            return found + len(TARGET_LIST)
        position = found + 1
    return len(tree)


def resolve_origins(view: View, views: dict[int, View]) -> Sequence[Origin]:
    """The origins of a view's columns through all the views below it, nearest first."""
    by_column: dict[int, dict[int, list[Origin]]] = {}
    level: list[tuple[Origin, tuple[int, ...]]] = [(origin, (origin.relation_id,)) for origin in view.origins]
    found: dict[Origin, None] = {}
    while level:
        found.update((origin, None) for origin, _ in level)
        below: list[tuple[Origin, tuple[int, ...]]] = []
        for origin, path in level:
            if origin.relation_id not in views:
                continue
            if origin.relation_id not in by_column:
                by_column[origin.relation_id] = _by_column(views[origin.relation_id])
            below.extend(
                (Origin(origin.column, under.relation_id, under.relation_column), (*path, under.relation_id))
                for under in by_column[origin.relation_id].get(origin.relation_column, ())
                if under.relation_id not in path
            )
        level = below
    return tuple(found)


def _by_column(view: View) -> dict[int, list[Origin]]:
    by_column: dict[int, list[Origin]] = {}
    for origin in view.origins:
        by_column.setdefault(origin.column, []).append(origin)
    return by_column
