"""What the Prefer header asks for.

Source: PostgREST docs, references/api/preferences.
"""

from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from tailrace.engine.message import Headers
from tailrace.engine.request.number import read_int64


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


Preference = TypeVar("Preference", Resolution, Representation, Count, TransactionEnd, Missing, Handling)

TIMEZONE = "timezone="
MAX_AFFECTED = "max-affected="
WITH_FREE_VALUE = (TIMEZONE, MAX_AFFECTED)
WORDS = frozenset(
    preference.value
    for family in (Resolution, Representation, Count, TransactionEnd, Missing, Handling)
    for preference in family
)
NO_PREFERENCES = Preferences()


def parse_preferences(headers: Headers, *, transaction_override: bool) -> Preferences:
    """Read all Prefer headers; of preferences that exclude each other the first counts.

    `transaction_override`: whether `tx=` may choose (db-tx-end). What is unknown
    stands in `invalid`; only handling=strict minds, and later.
    """
    sent = [
        word.strip(b" \t\n\r\f\v").decode("utf-8", "replace")
        for name, value in headers
        if name == b"prefer" and value
        for word in value.split(b",")
    ]
    if not sent:
        return NO_PREFERENCES
    max_affected = _free_value(sent, MAX_AFFECTED)
    return Preferences(
        resolution=_first(sent, Resolution),
        representation=_first(sent, Representation),
        count=_first(sent, Count),
        transaction=_first(sent, TransactionEnd) if transaction_override else None,
        missing=_first(sent, Missing),
        handling=_first(sent, Handling),
        timezone=_free_value(sent, TIMEZONE),
        max_affected=None if max_affected is None else read_int64(max_affected),
        invalid=tuple(word for word in sent if word not in WORDS and not word.startswith(WITH_FREE_VALUE)),
    )


def _first(sent: list[str], family: type[Preference]) -> Preference | None:
    for word in sent:
        for preference in family:
            if preference.value == word:
                return preference
    return None


def _free_value(sent: list[str], prefix: str) -> str | None:
    for word in sent:
        if word.startswith(prefix):
            return word.removeprefix(prefix)
    return None
