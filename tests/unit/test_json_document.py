"""JSON is read exactly and written the way clients of PostgREST see it."""

import contextlib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.engine.json_document import bounded_integer, parse_json, write_json

DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=10,
)


def test_of_repeated_keys_the_first_counts_at_every_level() -> None:
    document = parse_json('{"role": "first", "role": "second", "inner": {"a": 1, "a": 2}}')

    assert document == {"role": "first", "inner": {"a": 1}}


def test_keys_are_written_in_alphabetical_order_without_spaces() -> None:
    assert write_json({"b": [1, None, True], "a": {}, "c": []}) == '{"a":{},"b":[1,null,true],"c":[]}'


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("1", "1"),
        ("-0", "0"),
        ("2.5", "2.5"),
        ("1.0", "1.0"),
        ("1.50", "1.5"),
        ("0.1", "0.1"),
        ("0.01", "1.0e-2"),
        ("-0.0125", "-1.25e-2"),
        ("1e3", "1000"),
        ("100e-2", "1.0"),
        ("1234567.5", "1234567.5"),
        ("12345678.5", "1.23456785e7"),
        ("0.0", "0.0"),
        ("0e5", "0"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("1e1025", "1.0e1025"),
    ],
)
def test_numbers_keep_every_digit(text: str, written: str) -> None:
    assert write_json(parse_json(text)) == written


@pytest.mark.parametrize(
    "text",
    ["", "nope", "NaN", "-Infinity", "[1,]", '"\\ud800"', '{"\\udfff": 1}', "[" * 100_000, "1e9999999999999999999"],
)
def test_what_is_not_json_or_cannot_be_kept_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parse_json(text)


@pytest.mark.parametrize(
    ("value", "integer"),
    [
        (5, 5),
        (Decimal("1.0"), 1),
        (Decimal("1e3"), 1000),
        (Decimal("1.5"), None),
        (Decimal("1e400000"), None),
        (2**63 - 1, 2**63 - 1),
        (2**63, None),
        (True, None),
        ("5", None),
        (None, None),
    ],
)
def test_whole_numbers_of_64_bits_are_integers_however_they_are_written(value: Any, integer: int | None) -> None:
    assert bounded_integer(value) == integer


@given(DOCUMENTS)
def test_what_is_written_can_be_read_again(document: Any) -> None:
    assert parse_json(write_json(document)) == document


@given(st.text())
def test_reading_raises_nothing_but_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        parse_json(text)
