"""What was granted in a database, and what others had granted before: kept in a schema's comment.

A comment goes where the database goes: into dumps, and into branches.
"""

import json
from dataclasses import dataclass, field
from typing import Any, Self

MARKER = "Tailrace Data API: settings, version 1"


@dataclass(frozen=True, slots=True)
class ObjectBefore:
    """Privileges on a table or sequence that stood before ours; it is known again by `oid` or by name."""

    oid: int
    name: str
    privileges: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SchemaGrants:
    """Default grants were made in this schema. `usage_before`: USAGE stood already."""

    schema: str
    usage_before: bool
    tables: tuple[ObjectBefore, ...] = ()
    sequences: tuple[ObjectBefore, ...] = ()


@dataclass(frozen=True, slots=True)
class FutureGrants:
    """Default privileges were changed for what `owner` makes in this schema; the tuples stood before."""

    schema: str
    owner: str
    tables: tuple[str, ...] = ()
    sequences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ledger:
    """`enabled` False: disabled, and the schema stays for what others keep in it."""

    enabled: bool = True
    schemas: tuple[SchemaGrants, ...] = ()
    future: tuple[FutureGrants, ...] = ()
    memberships: tuple[str, ...] = ()
    """Roles that the authenticator was made a member of."""
    connect: bool = False
    """Whether the authenticator was let into the database."""
    skip_auth_schema: bool = False
    settings: dict[str, Any] = field(default_factory=dict)

    def schema(self, name: str) -> SchemaGrants | None:
        return next((grants for grants in self.schemas if grants.schema == name), None)

    def future_of(self, schema: str, owner: str) -> FutureGrants | None:
        return next((grants for grants in self.future if (grants.schema, grants.owner) == (schema, owner)), None)

    def comment(self) -> str:
        """The text of the comment; `read` takes it back."""
        record = {
            "enabled": self.enabled,
            "schemas": [
                [grants.schema, grants.usage_before, _dump(grants.tables), _dump(grants.sequences)]
                for grants in self.schemas
            ],
            "future": [[grants.schema, grants.owner, grants.tables, grants.sequences] for grants in self.future],
            "memberships": self.memberships,
            "connect": self.connect,
            "skip_auth_schema": self.skip_auth_schema,
            "settings": self.settings,
        }
        return f"{MARKER}\n{json.dumps(record, ensure_ascii=False, sort_keys=True)}"

    @classmethod
    def read(cls, comment: str | None) -> Self | None:
        """None for a comment that is not ours, or that somebody has edited beyond understanding."""
        marker, _, text = (comment or "").partition("\n")
        if marker != MARKER:
            return None
        try:
            record = json.loads(text)
            return cls(
                enabled=record["enabled"],
                schemas=tuple(
                    SchemaGrants(schema, usage, _load(tables), _load(sequences))
                    for schema, usage, tables, sequences in record["schemas"]
                ),
                future=tuple(
                    FutureGrants(schema, owner, tuple(tables), tuple(sequences))
                    for schema, owner, tables, sequences in record["future"]
                ),
                memberships=tuple(record["memberships"]),
                connect=record["connect"],
                skip_auth_schema=record["skip_auth_schema"],
                settings=record["settings"],
            )
        except (ValueError, KeyError, TypeError):
            return None


def _dump(objects: tuple[ObjectBefore, ...]) -> list[list[Any]]:
    return [[found.oid, found.name, found.privileges] for found in objects]


def _load(objects: list[list[Any]]) -> tuple[ObjectBefore, ...]:
    return tuple(ObjectBefore(oid, name, tuple(privileges)) for oid, name, privileges in objects)
