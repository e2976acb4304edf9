"""What the Prefer header asks for.

Source: PostgREST docs, references/api/preferences.
"""

from dataclasses import dataclass
from enum import Enum


class Resolution(Enum):
    MERGE_DUPLICATES = "resolution=merge-duplicates"
    IGNORE_DUPLICATES = "resolution=ignore-duplicates"


class Representation(Enum):
    FULL = "return=representation"
    HEADERS_ONLY = "return=headers-only"
    NONE = "return=minimal"


class Count(Enum):
    EXACT = "count=exact"
    PLANNED = "count=planned"
    ESTIMATED = "count=estimated"


class TransactionEnd(Enum):
    COMMIT = "tx=commit"
    ROLLBACK = "tx=rollback"


class Missing(Enum):
    DEFAULT = "missing=default"
    NULL = "missing=null"


class Handling(Enum):
    STRICT = "handling=strict"
    LENIENT = "handling=lenient"


@dataclass(frozen=True, slots=True)
class Preferences:
    resolution: Resolution | None = None
    representation: Representation | None = None
    count: Count | None = None
    transaction: TransactionEnd | None = None
    missing: Missing | None = None
    handling: Handling | None = None
    timezone: str | None = None
    max_affected: int | None = None
    invalid: tuple[str, ...] = ()

    @property
    def counts_exactly(self) -> bool:
        return self.count in (Count.EXACT, Count.ESTIMATED)

    @property
    def counts_by_plan(self) -> bool:
        return self.count in (Count.PLANNED, Count.ESTIMATED)
