"""The Prefer header."""

import pytest

from tailrace.engine.request.preferences import (
    NO_PREFERENCES,
    Count,
    Handling,
    Missing,
    Preferences,
    Representation,
    Resolution,
    TransactionEnd,
    parse_preferences,
)


def read(*values: bytes, transaction_override: bool = True) -> Preferences:
    headers = [(b"prefer", value) for value in values]
    return parse_preferences([(b"accept", b"*/*"), *headers], transaction_override=transaction_override)


def test_preferences_come_in_one_header_or_in_several() -> None:
    expected = Preferences(
        resolution=Resolution.IGNORE_DUPLICATES,
        representation=Representation.HEADERS_ONLY,
        count=Count.PLANNED,
        transaction=TransactionEnd.ROLLBACK,
        missing=Missing.DEFAULT,
        handling=Handling.STRICT,
        timezone="Europe/Oslo",
        max_affected=10,
    )

    assert (
        read(
            b"resolution=ignore-duplicates, return=headers-only,count=planned ,  tx=rollback",
            b"missing=default",
            b"handling=strict, timezone=Europe/Oslo, max-affected=10",
        )
        == expected
    )


def test_without_the_header_there_are_none() -> None:
    assert read() == NO_PREFERENCES
    assert read(b"") == NO_PREFERENCES


def test_of_preferences_that_exclude_each_other_the_first_counts() -> None:
    preferences = read(b"count=exact, count=planned", b"count=estimated")

    assert preferences.count is Count.EXACT
    assert preferences.invalid == ()


def test_what_is_unknown_is_remembered_in_order() -> None:
    preferences = read(b"count=all, return=minimal, wait=5", b"Count=exact,,")

    assert preferences.representation is Representation.NONE
    assert preferences.invalid == ("count=all", "wait=5", "Count=exact", "", "")


def test_tx_is_ignored_but_not_unknown_where_it_may_not_choose() -> None:
    assert read(b"tx=rollback", transaction_override=False) == NO_PREFERENCES


@pytest.mark.parametrize(
    ("value", "rows"),
    [
        (b"max-affected=5", 5),
        (b"max-affected= 5", 5),
        (b"max-affected=-5", -5),
        (b"max-affected=", None),
        (b"max-affected=five", None),
        (b"max-affected=five, max-affected=5", None),
        (b"max-affected=18446744073709551617", 1),
    ],
)
def test_max_affected_is_a_number_of_64_bits(value: bytes, rows: int | None) -> None:
    preferences = read(value)

    assert preferences.max_affected == rows
    assert preferences.invalid == ()
