"""Root documents that were written, and what is needed to know which of them answers a request."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

from tailrace.engine.response.openapi.fragment import OpenApiFragments, RoutineFragment
from tailrace.engine.schema_cache.cache import SchemaCache
from tailrace.engine.schema_cache.inventory import Inventory, take_inventory
from tailrace.engine.statement import Cost

ROLES = 1000
"""Of so many roles it is known how functions are described to them."""
SIZE = 16 * 2**20
"""Bytes of all documents that are kept; one that is larger is written for each request."""


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """Functions by oid, as they are described to some roles; told from others by identity."""

    fragments: Mapping[int, RoutineFragment]


class RootDocuments:
    """Of one schema cache under one configuration."""

    __slots__ = ("_described", "_documents", "_inventories", "_of_role", "_size", "cost")

    def __init__(self) -> None:
        self._inventories: dict[str, Inventory] = {}
        self._described: dict[tuple[bytes, ...], Described] = {}
        self._of_role: dict[tuple[str, str], Described] = {}
        self._documents: dict[Hashable, bytes] = {}
        self._size = 0
        self.cost = Cost()

    def inventory(self, cache: SchemaCache, schema: str) -> Inventory:
        found = self._inventories.get(schema)
        if found is None:
            found = self._inventories[schema] = take_inventory(cache, schema)
        return found

    def described(self, schema: str, role: str) -> Described | None:
        """The functions of a schema as a role sees them: which types need no schema depends on its rights."""
        return self._of_role.get((schema, role))

    def describe(self, schema: str, role: str, documents: Iterable[bytes], fragments: OpenApiFragments) -> Described:
        """Keep the descriptions of functions; those that are the same for several roles are one."""
        if len(self._of_role) >= ROLES:
            self._of_role.clear()
            self._described.clear()
        key = tuple(documents)
        found = self._described.get(key)
        if found is None:
            found = Described({fragment.oid: fragment for fragment in fragments.routines(key)})
            self._described[key] = found
        self._of_role[schema, role] = found
        return found

    def find(self, key: Hashable) -> bytes | None:
        return self._documents.get(key)

    def keep(self, key: Hashable, document: bytes) -> bytes:
        """Rights are many, but few differ: a document for each combination that was met."""
        if len(document) <= SIZE:
            if self._size + len(document) > SIZE:
                self._documents.clear()
                self._size = 0
            self._documents[key] = document
            self._size += len(document)
        return document
