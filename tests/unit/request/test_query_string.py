"""The query string: which parameter means what, which of several counts, and where values stand."""

import pytest

from tailrace.engine.errors import QueryParseError
from tailrace.engine.request.filter import Filter, In, LogicNode, Operand, Quantifiable, QuantifiableOperator
from tailrace.engine.request.grammar_select import EVERYTHING
from tailrace.engine.request.query_string import QueryString, parse_query_string
from tailrace.engine.request.range import RowRange
from tailrace.engine.request.select import Field, SelectField

ID = SelectField(Field("id"))


def read(query: bytes) -> QueryString:
    return parse_query_string(query, call=False)


def equal(name: str, text: str, position: tuple[int, int]) -> Filter:
    return Filter(Field(name), False, Quantifiable(QuantifiableOperator.EQUAL, None, Operand(text, position)))


def test_nothing_asked_for_is_everything() -> None:
    query = read(b"")

    assert query.select == EVERYTHING
    assert query.filters == ()
    assert query.canonical == ""


def test_values_are_decoded_after_the_parameters_are_split() -> None:
    query = read(b"name=eq.a%26b%3Dc+d&b%C3%A5t=eq.1")

    assert query.filters == (((), equal("name", "a&b=c d", (0, 0))), ((), equal("båt", "1", (1, 0))))


@pytest.mark.parametrize(
    ("query", "text"),
    [(b"a=eq.100%", "100%"), (b"a=eq.%zz", "%zz"), (b"a=eq.%FF", "\ufffd"), (b"a=eq.%E5%", "\ufffd%")],
)
def test_what_cannot_be_decoded_is_no_error(query: bytes, text: str) -> None:
    assert read(query).filters == (((), equal("a", text, (0, 0))),)


def test_positions_count_the_pieces_between_separators() -> None:
    query = read(b"&a=eq.1&&flag&or=(b.eq.2,c.is.null,d.in.(3,4))&select=id&e=is.true&f=in.(5)&")

    (_, logic), *_ = query.logic
    assert query.filters[0] == ((), equal("a", "1", (1, 0)))
    assert isinstance(logic, LogicNode)
    assert logic.children[0] == equal("b", "2", (4, 0))
    assert logic.children[2] == Filter(Field("d"), False, In(("3", "4"), (4, 1)))
    assert query.filters[2] == ((), Filter(Field("f"), False, In(("5",), (7, 0))))


def test_a_semicolon_separates_too() -> None:
    assert read(b"a=eq.1;b=eq.2").filters == (((), equal("a", "1", (0, 0))), ((), equal("b", "2", (1, 0))))


def test_names_lead_to_embedded_levels() -> None:
    query = read(b"crew.ports.name=eq.x&crew.order=id&crew.limit=3&crew.offset=2")

    assert query.filters == ((("crew", "ports"), equal("name", "x", (0, 0))),)
    assert [path for path, _ in query.order] == [("crew",)]
    assert query.ranges == {"crew.limit": RowRange(2, 4)}
    assert query.filter_fields == {"crew.ports.name"}


def test_of_equal_parameters_the_first_select_and_the_last_limit_count() -> None:
    query = read(b"select=id&select=name&columns=a,b&columns=c&on_conflict=d,e&on_conflict=f&limit=1&limit=2")

    assert query.select == (ID,)
    assert query.columns == frozenset(("a", "b"))
    assert query.on_conflict == ("d", "e")
    assert query.ranges == {"limit": RowRange(0, 1)}


def test_a_parameter_without_an_equals_sign_says_nothing() -> None:
    query = read(b"select&order&a&limit")

    assert query == QueryString(select=EVERYTHING, ranges={}, canonical="a=&limit=&order=&select=")


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        (b"limit=5", RowRange(0, 4)),
        (b"limit=%205%20", RowRange(0, 4)),
        (b"limit=(5)", RowRange(0, 4)),
        (b"limit=0x10", RowRange(0, 15)),
        (b"limit=0", RowRange(0, -1)),
        (b"limit=-1", RowRange(0, -2)),
        (b"limit=many", RowRange(0, None)),
        (b"limit=1.5", RowRange(0, None)),
        (b"limit=", RowRange(0, None)),
        (b"offset=5", RowRange(5, None)),
        (b"offset=x", RowRange(0, None)),
        (b"offset=5&limit=2", RowRange(5, 6)),
        (b"offset=5&limit=x", RowRange(5, 4)),
        (b"limit=" + b"9" * 5000, RowRange(0, None)),
    ],
)
def test_limit_and_offset_are_whole_numbers_or_nothing(query: bytes, rows: RowRange) -> None:
    assert read(query).ranges == {"limit": rows}


def test_in_a_call_what_is_no_filter_is_an_argument() -> None:
    query = parse_query_string(b"min=3&name=eq.x&text=a+b&select=id", call=True)

    assert query.parameters == (("min", Operand("3", (0, 0))), ("text", Operand("a b", (2, 0))))
    assert query.filters == (((), equal("name", "x", (1, 0))),)
    assert query.filter_fields == {"min", "name", "text"}


@pytest.mark.parametrize(
    ("query", "canonical"),
    [
        (b"b=eq.2&a=eq.1", "a=eq.1&b=eq.2"),
        (b"select=id,name", "select=id%2Cname"),
        (b"a=eq.1&b=eq.2&a=eq.3", "a=eq.1,eq.3&b=eq.2"),
        (b"a=eq.x+y%20z~-_.", "a=eq.x%20y%20z~-_."),
        (b"a=eq.%C3%AB", "a=eq.%C3%83%C2%AB"),
    ],
)
def test_the_canonical_query_is_sorted_and_encoded_again(query: bytes, canonical: str) -> None:
    assert read(query).canonical == canonical


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (b"a=7&select=id,&order=&or=()", '"failed to parse order ()" (line 1, column 1)'),
        (b"a=7&select=id,&or=()", '"failed to parse logic tree (())" (line 1, column 4)'),
        (b"a=7&select=id,&columns=", '"failed to parse columns parameter ()" (line 1, column 1)'),
        (b"a=7&select=id,", '"failed to parse select parameter (id,)" (line 1, column 4)'),
        (b"on_conflict=&a=7", '"failed to parse filter (7)" (line 1, column 1)'),
        (b"on_conflict=", '"failed to parse on_conflict parameter ()" (line 1, column 1)'),
        (b"=eq.1", '"failed to parse tree path ()" (line 1, column 1)'),
        (b"(a=eq.1", '"failed to parse tree path ((a)" (line 1, column 1)'),
        (b".or=(a.eq.1)", '"failed to parse logic path (.or)" (line 1, column 1)'),
    ],
)
def test_of_several_errors_the_one_of_the_first_kind_is_told(query: bytes, message: str) -> None:
    with pytest.raises(QueryParseError) as raised:
        read(query)

    assert raised.value.message == message
