"""`order=`: directions, nulls, and columns of embedded resources."""

import pytest

from tailrace.engine.errors import QueryParseError
from tailrace.engine.request.grammar_order import parse_order
from tailrace.engine.request.order import Direction, Nulls, OrderTerm
from tailrace.engine.request.select import Field, JsonStep

NOTE = Field("log", (JsonStep("note", is_index=False, as_text=True),))


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("id", OrderTerm(Field("id"))),
        (" id ", OrderTerm(Field("id"))),
        ("id.desc", OrderTerm(Field("id"), Direction.DESC)),
        ("id.asc.nullsfirst", OrderTerm(Field("id"), Direction.ASC, Nulls.FIRST)),
        ("id.nullslast", OrderTerm(Field("id"), None, Nulls.LAST)),
        ('"id.desc"', OrderTerm(Field("id.desc"))),
        ("log->>note.desc", OrderTerm(NOTE, Direction.DESC)),
        ("ports(name)", OrderTerm(Field("name"), relation="ports")),
        ("ports(log->>note).desc.nullslast", OrderTerm(NOTE, Direction.DESC, Nulls.LAST, "ports")),
    ],
)
def test_a_term_may_have_direction_and_place_of_nulls(text: str, term: OrderTerm) -> None:
    assert parse_order(text) == (term,)
    assert parse_order(f"a,{text},b") == (OrderTerm(Field("a")), term, OrderTerm(Field("b")))


@pytest.mark.parametrize(
    ("text", "column", "details"),
    [
        ("", 1, "unexpected end of input expecting field name (* or [a..z0..9_$])"),
        ("id,", 4, "unexpected end of input expecting field name (* or [a..z0..9_$])"),
        ("id.down", 4, 'unexpected "d" expecting "asc", "desc", "nullsfirst" or "nullslast"'),
        ("id.desc.first", 9, 'unexpected "f" expecting "nullsfirst" or "nullslast"'),
        ("id.nullslast.desc", 13, "unexpected '.' expecting \",\" or end of input"),
        (
            "id/2",
            3,
            'unexpected \'/\' expecting letter, digit, "-", "->>", "->", delimiter (.), "," or end of input',
        ),
    ],
)
def test_an_error_tells_where_and_what_was_expected(text: str, column: int, details: str) -> None:
    with pytest.raises(QueryParseError) as raised:
        parse_order(text)

    assert raised.value.message == f'"failed to parse order ({text})" (line 1, column {column})'
    assert raised.value.details == details
