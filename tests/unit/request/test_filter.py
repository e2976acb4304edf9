"""Filters and logic: `col=op.value`, `and=(…)`, `or=(…)`."""

import pytest

from tailrace.engine.errors import QueryParseError
from tailrace.engine.request.filter import (
    Filter,
    FullText,
    FullTextOperator,
    In,
    Is,
    IsDistinctFrom,
    IsValue,
    LogicNode,
    LogicOperator,
    LogicTree,
    Operand,
    Operation,
    Quantifiable,
    QuantifiableOperator,
    Quantifier,
    Simple,
    SimpleOperator,
)
from tailrace.engine.request.grammar_filter import parse_condition, parse_condition_or_argument, parse_logic
from tailrace.engine.request.select import Field, JsonStep

HERE = (3, 0)
EQUAL = QuantifiableOperator.EQUAL


@pytest.mark.parametrize("operator", QuantifiableOperator)
def test_comparisons_take_a_modifier(operator: QuantifiableOperator) -> None:
    operand = Operand("7", HERE)

    assert parse_condition(f"{operator.value}.7", parameter=3) == (False, Quantifiable(operator, None, operand))
    assert parse_condition(f"not.{operator.value}(any).7", parameter=3) == (
        True,
        Quantifiable(operator, Quantifier.ANY, operand),
    )
    assert parse_condition(f"{operator.value}(all).7", parameter=3) == (
        False,
        Quantifiable(operator, Quantifier.ALL, operand),
    )


@pytest.mark.parametrize("operator", SimpleOperator)
def test_other_operators_take_none(operator: SimpleOperator) -> None:
    assert parse_condition(f"{operator.value}.7", parameter=3) == (False, Simple(operator, Operand("7", HERE)))
    with pytest.raises(QueryParseError):
        parse_condition(f"{operator.value}(any).7", parameter=3)


@pytest.mark.parametrize("operator", FullTextOperator)
def test_full_text_search_takes_a_language(operator: FullTextOperator) -> None:
    operand = Operand("sea", HERE)

    assert parse_condition(f"{operator.value}.sea", parameter=3) == (False, FullText(operator, None, operand))
    assert parse_condition(f"{operator.value}(english).sea", parameter=3) == (
        False,
        FullText(operator, "english", operand),
    )


@pytest.mark.parametrize(
    ("text", "operation"),
    [
        ("is.null", Is(IsValue.NULL)),
        ("is.NULL", Is(IsValue.NULL)),
        ("is.Not_Null", Is(IsValue.NOT_NULL)),
        ("is.true", Is(IsValue.TRUE)),
        ("is.nullx", Is(IsValue.NULL)),
        ("isdistinct.a.b", IsDistinctFrom(Operand("a.b", HERE))),
        ("in.(1,2)", In(("1", "2"), HERE)),
        ("in.()", In(("",), HERE)),
        ('in.("a,b",c)', In(("a,b", "c"), HERE)),
        (r'in.("\"")', In(('"',), HERE)),
        ('in.("a"b,c)', In(('"a"b', "c"), HERE)),
        ("in. ( 1, 2 ) ", In(("1", " 2 "), HERE)),
        ("in.(1,2)rubbish", In(("1", "2"), HERE)),
        ("eq.", Quantifiable(EQUAL, None, Operand("", HERE))),
        ("eq.a,b)\n", Quantifiable(EQUAL, None, Operand("a,b)\n", HERE))),
        ('eq."a"', Quantifiable(EQUAL, None, Operand('"a"', HERE))),
    ],
)
def test_the_rest_of_the_text_is_the_value(text: str, operation: Operation) -> None:
    assert parse_condition(text, parameter=3) == (False, operation)


@pytest.mark.parametrize(
    ("text", "column", "details"),
    [
        ("7", 1, 'unexpected "7" expecting "not" or operator (eq, gt, ...)'),
        ("", 1, 'unexpected end of input expecting "not" or operator (eq, gt, ...)'),
        ("not.not.eq.1", 5, 'unexpected "n" expecting operator (eq, gt, ...)'),
        ("eq7", 3, 'unexpected "7" expecting operator (eq, gt, ...)'),
        ("gte(some).7", 5, 'unexpected "s" expecting operator (eq, gt, ...)'),
        ("in.7", 4, 'unexpected "7" expecting "("'),
        ("in.(7", 6, 'unexpected end of input expecting "," or ")"'),
        ("is.nope", 6, 'unexpected "p" expecting isVal: (null, not_null, true, false, unknown)'),
        ("\u00e9", 1, 'unexpected "\\233" expecting "not" or operator (eq, gt, ...)'),
        ('"', 1, 'unexpected "\\"" expecting "not" or operator (eq, gt, ...)'),
    ],
)
def test_an_error_tells_where_and_what_was_expected(text: str, column: int, details: str) -> None:
    with pytest.raises(QueryParseError) as raised:
        parse_condition(text, parameter=0)

    assert raised.value.message.endswith(f'({text})" (line 1, column {column})')
    assert raised.value.details == details


def test_lines_and_tabs_count_in_the_place_of_an_error() -> None:
    with pytest.raises(QueryParseError) as raised:
        parse_condition('in.(1,\n\t"x"', parameter=0)

    assert "(line 2, column 12)" in raised.value.message


def test_in_a_call_what_is_no_filter_is_an_argument() -> None:
    assert parse_condition_or_argument("7", parameter=0) is None
    assert parse_condition_or_argument("eq7", parameter=0) is None
    assert parse_condition_or_argument("eq.7", parameter=0) == (
        False,
        Quantifiable(EQUAL, None, Operand("7", (0, 0))),
    )


@pytest.mark.parametrize("text", ["in.7", "is.nope", "not.7"])
def test_in_a_call_half_a_filter_is_an_error(text: str) -> None:
    with pytest.raises(QueryParseError):
        parse_condition_or_argument(text, parameter=0)


def equal(name: str, text: str, position: tuple[int, int]) -> Filter:
    return Filter(Field(name), False, Quantifiable(EQUAL, None, Operand(text, position)))


def test_logic_nests() -> None:
    path, tree = parse_logic("or", "(a.eq.1,not.and(b.eq.2,c.is.null),d.not.in.(3,4),e.eq.5)", parameter=2)

    assert path == ()
    assert tree == LogicNode(
        False,
        LogicOperator.OR,
        (
            equal("a", "1", (2, 0)),
            LogicNode(True, LogicOperator.AND, (equal("b", "2", (2, 1)), Filter(Field("c"), False, Is(IsValue.NULL)))),
            Filter(Field("d"), True, In(("3", "4"), (2, 2))),
            equal("e", "5", (2, 3)),
        ),
    )


@pytest.mark.parametrize(
    ("name", "path", "negated", "operator"),
    [
        ("and", (), False, LogicOperator.AND),
        ("not.or", (), True, LogicOperator.OR),
        ("crew.or", ("crew",), False, LogicOperator.OR),
        ("crew.not.and", ("crew",), True, LogicOperator.AND),
        ("not.crew.ports.and", ("crew", "ports"), True, LogicOperator.AND),
    ],
)
def test_logic_may_stand_at_an_embedded_level(
    name: str, path: tuple[str, ...], negated: bool, operator: LogicOperator
) -> None:
    assert parse_logic(name, "(a.eq.1)", parameter=0) == (
        path,
        LogicNode(negated, operator, (equal("a", "1", (0, 0)),)),
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a.eq.1", "1"),
        ("a.eq.", ""),
        ("a.eq. 1 ", " 1 "),
        ('a.eq."1,2)"', "1,2)"),
        (r'a.eq."\\"', "\\"),
        ('a.eq."x"y', '"x"y'),
        ("a.eq.{1,2}", "{1,2}"),
        ("a.eq.1.5(", "1.5("),
    ],
)
def test_in_logic_a_value_ends_at_a_comma_unless_quoted_or_an_array(text: str, value: str) -> None:
    tree: LogicTree = parse_logic("and", f"({text},b.eq.2)", parameter=0)[1]

    assert tree == LogicNode(False, LogicOperator.AND, (equal("a", value, (0, 0)), equal("b", "2", (0, 1))))


def test_logic_reaches_into_json() -> None:
    _, tree = parse_logic("and", "( log->>note.eq.x )", parameter=0)

    step = JsonStep("note", is_index=False, as_text=True)
    operation = Quantifiable(EQUAL, None, Operand("x ", (0, 0)))
    assert tree == LogicNode(False, LogicOperator.AND, (Filter(Field("log", (step,)), False, operation),))


@pytest.mark.parametrize(
    ("text", "column", "details"),
    [
        (
            "()",
            4,
            'unexpected ")" expecting field name (* or [a..z0..9_$]), negation operator (not)'
            " or logic operator (and, or)",
        ),
        ("(a.eq.1", 10, 'unexpected end of input expecting "," or ")"'),
        ("(a.is.nullx)", 13, 'unexpected "x" expecting "," or ")"'),
        ("7", 3, 'unexpected "7" expecting "("'),
    ],
)
def test_errors_in_logic_count_from_its_operator(text: str, column: int, details: str) -> None:
    with pytest.raises(QueryParseError) as raised:
        parse_logic("or", text, parameter=0)

    assert raised.value.message == f'"failed to parse logic tree ({text})" (line 1, column {column})'
    assert raised.value.details == details


def test_thousands_of_levels_are_refused() -> None:
    with pytest.raises(QueryParseError) as raised:
        parse_logic("and", "(and" * 5000, parameter=0)

    assert raised.value.details == "too many levels of parentheses"
