"""Keys of tables that views show in full, and so have themselves.

A view that shows every column of a table's primary key has that key; one that
shows both ends of a foreign key can be embedded in place of the table.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import product

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.schema_cache.catalog_key import ForeignKey, Key, KeySide
from tailrace.engine.schema_cache.catalog_view import View, resolve_origins


class KeyRole(Enum):
    PRIMARY = "primary key"
    REFERENCING = "foreign key"
    REFERENCED = "referenced by a foreign key"


@dataclass(frozen=True, slots=True)
class ViewKey:
    """A key of `table` that `view` shows.

    `columns` has, in the key's order, for each column of the key all the
    columns of the view that show it, as a view may show one more than once.
    """

    view: QualifiedName
    table: QualifiedName
    constraint: str
    role: KeyRole
    columns: tuple[tuple[str, ...], ...]

    def choices(self) -> Iterator[tuple[str, ...]]:
        """Every way to name the key's columns in the view."""
        return product(*self.columns)


KeysByRelation = dict[int, list[tuple[str, KeyRole, KeySide]]]


def find_view_keys(views: Sequence[View], keys: Iterable[Key], schemas: Sequence[str]) -> list[ViewKey]:
    """The keys that the views of these schemas show, be it through other views."""
    by_oid = {view.oid: view for view in views}
    by_relation = _keys_by_relation(keys)
    return [key for view in views if view.name.schema in schemas for key in _keys_of(view, by_oid, by_relation)]


def _keys_by_relation(keys: Iterable[Key]) -> KeysByRelation:
    by_relation: KeysByRelation = {}
    for key in keys:
        if isinstance(key, ForeignKey):
            by_relation.setdefault(key.side.relation_id, []).append((key.constraint, KeyRole.REFERENCING, key.side))
            entry = (key.constraint, KeyRole.REFERENCED, key.foreign)
            # Two tables may have foreign keys of one name to the same columns: one key to the view.
            referenced = by_relation.setdefault(key.foreign.relation_id, [])
            if entry not in referenced:
                referenced.append(entry)
        elif key.is_primary:
            by_relation.setdefault(key.side.relation_id, []).append((key.constraint, KeyRole.PRIMARY, key.side))
    return by_relation


def _keys_of(view: View, views: dict[int, View], by_relation: KeysByRelation) -> Iterator[ViewKey]:
    shown: dict[int, dict[int, list[str]]] = {}
    for origin in resolve_origins(view, views):
        if origin.relation_id in by_relation:
            columns = shown.setdefault(origin.relation_id, {})
            columns.setdefault(origin.relation_column, []).append(view.column_names[origin.column])
    for relation_id, columns in shown.items():
        for constraint, role, side in by_relation[relation_id]:
            if all(number in columns for number in side.numbers):
                choices = tuple(tuple(columns[number]) for number in side.numbers)
                yield ViewKey(view.name, side.relation, constraint, role, choices)


def view_primary_keys(view_keys: Iterable[ViewKey]) -> dict[QualifiedName, tuple[str, ...]]:
    """The primary keys of views: of every table that shows its own, the first column that shows it.

    A view of several tables has the keys of all of them.
    """
    primary = sorted((key for key in view_keys if key.role is KeyRole.PRIMARY), key=_place, reverse=True)
    found: dict[QualifiedName, tuple[str, ...]] = {}
    for key in primary:
        found[key.view] = found.get(key.view, ()) + tuple(names[0] for names in key.columns)
    return found


def _place(key: ViewKey) -> tuple[QualifiedName, str]:
    return key.table, key.constraint
