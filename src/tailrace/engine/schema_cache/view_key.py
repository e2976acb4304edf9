"""Which views show the columns of which keys.

A view that shows every column of a table's primary key has that key; one that
shows an end of a foreign key can be embedded in place of the table.
"""

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from types import MappingProxyType

from tailrace.engine.schema_cache.catalog_key import Side
from tailrace.engine.schema_cache.catalog_view import Views, resolve_origins

ShownColumns = Mapping[int, Sequence[int]]
"""The number of a relation's column to those of the view's columns that show it."""
NOTHING: ShownColumns = MappingProxyType({})
OID_BITS = 32
LAST_OID = (1 << OID_BITS) - 1


class ViewKeys:
    """The views that show the ends of foreign keys, be it through other views."""

    def __init__(self, views: Views, *, is_exposed: Callable[[int], bool]) -> None:
        """`is_exposed` tells of a view whether it can be asked for; views that others read may not be."""
        self._views = views
        self._first: dict[int, int] = {}
        """Where in `_shown_by` the views of a relation begin."""
        self._relations: array[int] = array("l")
        self._shown_by: array[int] = array("l")
        pairs = [
            relation << OID_BITS | view for view in views if is_exposed(view) for relation in self._relations_of(view)
        ]
        pairs.sort()
        for place, pair in enumerate(pairs):
            self._first.setdefault(pair >> OID_BITS, place)
            self._relations.append(pair >> OID_BITS)
            self._shown_by.append(pair & LAST_OID)

    def _relations_of(self, view: int) -> set[int]:
        return {origin.relation for origin in resolve_origins(view, self._views)}

    def showing(self, side: Side) -> list[int]:
        """The exposed views that show all columns of a key's end."""
        return [view for view in self._views_of(side.relation) if self.shows(view, side)]

    def _views_of(self, relation: int) -> Iterator[int]:
        place = self._first.get(relation)
        if place is not None:
            while place < len(self._relations) and self._relations[place] == relation:
                yield self._shown_by[place]
                place += 1

    def shows(self, view: int, side: Side) -> bool:
        columns = self.shown(view).get(side.relation, NOTHING)
        return all(column in columns for column in side.columns)

    def shown(self, view: int) -> Mapping[int, ShownColumns]:
        """The columns that a view shows, by relation; empty for what is no view."""
        found: dict[int, dict[int, list[int]]] = {}
        if view in self._views:
            for column, relation, relation_column in resolve_origins(view, self._views):
                found.setdefault(relation, {}).setdefault(relation_column, []).append(column)
        return found

    def choices(self, view: int, side: Side) -> list[tuple[int, ...]]:
        """Every way to name a key's columns in a view, as a view may show one more than once."""
        columns = self.shown(view).get(side.relation, NOTHING)
        return list(product(*(columns.get(column, ()) for column in side.columns)))
