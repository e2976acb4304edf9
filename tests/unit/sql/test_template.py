"""Templates: how a statement that was rendered for one request serves the next one."""

import pytest

from tailrace.engine.plan.call_plan import DirectArguments, JsonArguments, OnePositionalParameter
from tailrace.engine.request.filter import FullText, FullTextOperator, In, Operand, Quantifiable, QuantifiableOperator
from tailrace.engine.request.payload import RawPayload
from tailrace.engine.request.range import RowRange
from tailrace.engine.sql.fragment import RequestValues, Source, UnfitValue
from tests.support.plans import animals, calling, equals, inserting, parameter, reading, routine, typed, where, writing


def values(*texts: str, **more: object) -> RequestValues:
    """Operands that stand in one parameter each."""
    operands = {(index, 0): text for index, text in enumerate(texts)}
    return RequestValues(operand=operands.__getitem__, **more)  # type: ignore[arg-type]  # as the test says


def test_operands_are_taken_from_their_positions() -> None:
    template = reading(animals(where=(equals("id", "1", (1, 0)), equals("name", "Rex", (0, 0))))).main

    assert template.statement().parameters == [b"1", b"Rex"]
    assert template.fill(values("Tom", "2")).parameters == [b"2", b"Tom"]


def test_limit_and_offset_are_given() -> None:
    template = reading(animals(range=RowRange(0, 9))).main

    assert template.fill(values(limit=5, offset=20)).parameters == [b"5", b"20"]


def test_the_body_is_given() -> None:
    template = writing(inserting([typed("name", "text")]), b"[]").main

    assert template.fill(values(body=b'[{"name": "Fay"}]')).parameters == [b'[{"name": "Fay"}]']


def test_bytes_are_sent_in_hexadecimal_digits() -> None:
    plan = {"parameters": OnePositionalParameter(parameter("", "bytea"))}
    template = calling(routine("store"), JsonArguments(), plan=plan, payload=RawPayload(b"\x00\xff")).main

    assert template.statement().parameters == [b"\\x00ff"]
    assert template.fill(values(body=b"\x01")).parameters == [b"\\x01"]


def test_patterns_may_have_stars() -> None:
    condition = where("name", Quantifiable(QuantifiableOperator.ILIKE, None, Operand("*a*", (0, 0))))
    template = reading(animals(where=(condition,))).main

    assert template.statement().parameters == [b"%a%"]
    assert template.fill(values("b*")).parameters == [b"b%"]


def test_a_star_is_a_star_elsewhere() -> None:
    condition = where("name", Quantifiable(QuantifiableOperator.MATCH, None, Operand("a*", (0, 0))))

    assert reading(animals(where=(condition,))).main.statement().parameters == [b"a*"]


def test_a_list_becomes_an_array() -> None:
    template = reading(animals(where=(where("id", In(("1", 'say "a\\b"'), (0, 0))),))).main

    assert template.statement().parameters == [b'{"1","say \\"a\\\\b\\""}']
    assert template.fill(values('(2,"a,b")')).parameters == [b'{"2","a,b"}']
    assert template.fill(values("()")).parameters == [b"{}"]


def test_a_list_that_is_none_does_not_fit() -> None:
    template = reading(animals(where=(where("id", In(("1",), (0, 0))),))).main

    with pytest.raises(UnfitValue):
        template.fill(values("(1,2"))


def test_the_language_of_a_full_text_search_is_part_of_the_shape() -> None:
    condition = where("story", FullText(FullTextOperator.FTS, "english", Operand("cat", (0, 0))))

    template = reading(animals(where=(condition,))).main

    assert [p.source for p in template.parameters] == [Source.CONSTANT, Source.OPERAND]


def test_a_value_ends_at_its_first_nul() -> None:
    template = reading(animals(where=(equals("name", "Rex\0x"),))).main

    assert template.statement().parameters == [b"Rex"]


def test_values_from_elsewhere_make_a_template_of_one_use() -> None:
    arguments = DirectArguments((("a", Operand("from a form")),))
    plan = {"parameters": OnePositionalParameter(parameter("", "json"))}
    template = calling(routine("store"), arguments, plan=plan).main

    assert template.statement().parameters == [b'{"a": "from a form"}']
    assert not template.is_reusable
    with pytest.raises(UnfitValue):
        template.fill(values("x"))


def test_values_from_the_query_string_make_a_template_reusable() -> None:
    assert reading(animals(where=(equals("id", "1"),), range=RowRange(0, 1))).main.is_reusable
