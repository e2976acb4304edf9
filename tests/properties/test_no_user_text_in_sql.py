"""Whatever a client sends: values stay out of the SQL, and names stay within their quotes."""

import re

from hypothesis import given
from hypothesis import strategies as st

from tailrace.engine.plan.read_plan import Condition, ResolvedField, ResolvedLogic, ResolvedOrder, ResolvedSelect
from tailrace.engine.request.filter import (
    FullText,
    FullTextOperator,
    In,
    IsDistinctFrom,
    LogicOperator,
    Operand,
    Quantifiable,
    QuantifiableOperator,
    Quantifier,
    Simple,
    SimpleOperator,
)
from tailrace.engine.request.select import Aggregate, JsonStep
from tailrace.engine.sql.fragment import Template, quote_literal
from tailrace.engine.sql.operand import array_literal, encode_list, parse_list
from tests.support.plans import animals, keepers_with_animals, reading, where

MARK = "§"
"""In every value, and in nothing that the engine writes itself."""
hostile = st.text(st.characters(codec="utf-8") | st.sampled_from("\"'\\$;-\0(){},%*"), max_size=12)
values = hostile.map(lambda text: MARK + text)
operands = values.map(Operand)
paths = st.lists(st.builds(JsonStep, values, st.booleans(), st.booleans()), max_size=2).map(tuple)
fields = st.builds(ResolvedField, hostile, paths, st.booleans())
operations = st.one_of(
    st.builds(Simple, st.sampled_from(SimpleOperator), operands),
    st.builds(Quantifiable, st.sampled_from(QuantifiableOperator), st.none() | st.sampled_from(Quantifier), operands),
    st.builds(In, st.lists(values, min_size=1, max_size=3).map(tuple)),
    st.builds(IsDistinctFrom, operands),
    st.builds(FullText, st.sampled_from(FullTextOperator), st.none() | values, operands),
)
filters = st.builds(
    lambda field, operation, negated: where(
        field.name, operation, negated=negated, json_path=field.json_path, to_jsonb=field.to_jsonb
    ),
    fields,
    operations,
    st.booleans(),
)
conditions: st.SearchStrategy[Condition] = st.recursive(
    filters,
    lambda children: st.builds(
        ResolvedLogic,
        st.booleans(),
        st.sampled_from(LogicOperator),
        st.lists(children, min_size=1, max_size=3).map(tuple),
    ),
    max_leaves=4,
)
selects = st.builds(
    ResolvedSelect,
    fields,
    alias=st.none() | hostile,
    cast=st.none() | hostile,
    aggregate=st.none() | st.sampled_from(Aggregate),
)
orders = st.builds(ResolvedOrder, fields)

QUOTED = re.compile(r'"(?:[^"]|"")*"')


def outside_of_quotes(template: Template) -> str:
    """The SQL without its quoted identifiers; values of the engine's own are no matter here."""
    return QUOTED.sub("", template.sql.decode())


@given(st.lists(selects, max_size=3), st.lists(conditions, max_size=3), st.lists(orders, max_size=2))
def test_values_never_reach_the_sql(
    select: list[ResolvedSelect], where: list[Condition], order: list[ResolvedOrder]
) -> None:
    plan = animals(select=tuple(select), where=tuple(where), order=tuple(order))

    template = reading(plan).main

    assert MARK not in outside_of_quotes(template)
    assert '"' not in outside_of_quotes(template)


@given(st.lists(conditions, max_size=3))
def test_every_parameter_is_numbered_once(where: list[Condition]) -> None:
    template = reading(keepers_with_animals(where=tuple(where))).main

    numbers = re.findall(r"\$(\d+)", outside_of_quotes(template))

    assert numbers == [str(number) for number in range(1, len(template.parameters) + 1)]


@given(hostile, hostile)
def test_names_do_not_change_the_sql_around_them(name: str, other: str) -> None:
    def render(name: str) -> str:
        column = ResolvedField(name)
        plan = animals(select=(ResolvedSelect(column, alias=name),), order=(ResolvedOrder(column),))
        return outside_of_quotes(reading(plan).main)

    # A star is the one name that is not a name
    assert render("x" + name) == render("x" + other)


@given(hostile)
def test_values_hold_no_nul(text: str) -> None:
    [parameter] = reading(animals(where=(where("id", IsDistinctFrom(Operand(text))),))).main.parameters

    assert parameter.value is not None
    assert b"\0" not in parameter.value
    assert text.encode().startswith(parameter.value)


@given(st.lists(st.text("ab,()\"\\ '{}é", max_size=6), min_size=1, max_size=4))
def test_a_quoted_list_is_read_as_it_was_written(items: list[str]) -> None:
    quoted = [re.sub(r'(["\\])', r"\\\1", item) for item in items]

    raw = "(" + ",".join(f'"{item}"' for item in quoted) + ")"

    assert parse_list(raw) == tuple(items)
    assert encode_list(raw) == array_literal(items)


@given(st.lists(st.text("ab{}\\ 'é", max_size=6), min_size=1, max_size=4))
def test_a_plain_list_is_read_as_it_was_written(items: list[str]) -> None:
    first, *rest = items
    items = [first.lstrip(" "), *rest]

    assert parse_list(f"({','.join(items)})") == tuple(items)


@given(hostile)
def test_literals_stay_within_their_quotes(text: str) -> None:
    literal = quote_literal(text)

    body = literal.removeprefix("E")[1:-1].replace("''", "")

    assert "'" not in body
    assert "\\" not in body.replace("\\\\", "")
