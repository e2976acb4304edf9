"""Keys of tables that views show in full, and so have themselves.

A view that shows every column of a table's primary key has that key; one that
shows both ends of a foreign key can be embedded in place of the table.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import product

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.schema_cache.catalog_key import ForeignKey, Key, KeySide
from tailrace.engine.schema_cache.catalog_view import Origin, View, resolve_origins


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


KeyPart = tuple[str, KeyRole, KeySide]
"""A constraint's name and one of its sides."""


def find_view_keys(views: Sequence[View], keys: Iterable[Key], schemas: Sequence[str]) -> list[ViewKey]:
    """The keys that the views of these schemas show, be it through other views."""
    by_oid = {view.oid: view for view in views}
    origins = {view.name: resolve_origins(view, by_oid) for view in views if view.name.schema in schemas}
    parts = _parts_by_relation(keys, {origin.relation_id for shown in origins.values() for origin in shown})
    return [key for view in views if view.name in origins for key in _keys_of(view, origins[view.name], parts)]


def _parts_by_relation(keys: Iterable[Key], relations: Collection[int]) -> dict[int, list[KeyPart]]:
    """Both sides of every key, so far as they belong to these relations.

    Foreign keys of one name to the same columns, from different tables, are one:
    which of them is meant is known from the referencing side.
    """
    parts: dict[KeyPart, None] = {}
    for key in keys:
        if isinstance(key, ForeignKey):
            if key.side.relation_id in relations:
                parts[key.constraint, KeyRole.REFERENCING, key.side] = None
            if key.foreign.relation_id in relations:
                parts[key.constraint, KeyRole.REFERENCED, key.foreign] = None
        elif key.is_primary and key.side.relation_id in relations:
            parts[key.constraint, KeyRole.PRIMARY, key.side] = None
    by_relation: dict[int, list[KeyPart]] = {}
    for part in parts:
        by_relation.setdefault(part[2].relation_id, []).append(part)
    return by_relation


def _keys_of(view: View, origins: Iterable[Origin], parts: Mapping[int, Sequence[KeyPart]]) -> Iterator[ViewKey]:
    shown: dict[int, dict[int, list[str]]] = {}
    for origin in origins:
        if origin.relation_id in parts:
            columns = shown.setdefault(origin.relation_id, {})
            columns.setdefault(origin.relation_column, []).append(view.column_names[origin.column])
    for relation_id, columns in shown.items():
        for constraint, role, side in parts[relation_id]:
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
