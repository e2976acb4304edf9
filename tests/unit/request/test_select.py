"""`select=`: columns, embedded resources, casts, aliases, aggregates."""

import pytest

from tailrace.engine.errors import QueryParseError
from tailrace.engine.request.grammar_select import parse_select
from tailrace.engine.request.select import (
    Aggregate,
    Field,
    JoinType,
    JsonStep,
    SelectField,
    SelectItem,
    SelectRelation,
    SelectSpread,
)

ID = SelectField(Field("id"))


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("id", ID),
        ("*", SelectField(Field("*"))),
        (" id ", ID),
        ("hull-number", SelectField(Field("hull-number"))),
        ("length overall", SelectField(Field("length overall"))),
        ("längd", SelectField(Field("längd"))),
        ('"a.b,c"', SelectField(Field("a.b,c"))),
        (r'"say \"hi\""', SelectField(Field('say "hi"'))),
        ("n:name", SelectField(Field("name"), alias="n")),
        ("id::text", SelectField(Field("id"), cast="text")),
        ("n:id::text", SelectField(Field("id"), alias="n", cast="text")),
        ("id::double precision", SelectField(Field("id"), cast="double precision")),
        ("count", SelectField(Field("count"))),
        ("count()", SelectField(Field("*"), aggregate=Aggregate.COUNT)),
        (
            "n:count()::text",
            SelectField(Field("*"), alias="n", aggregate=Aggregate.COUNT, aggregate_cast="text"),
        ),
        (
            "total:price::int.sum()::text",
            SelectField(Field("price"), alias="total", cast="int", aggregate=Aggregate.SUM, aggregate_cast="text"),
        ),
        ("price.max()", SelectField(Field("price"), aggregate=Aggregate.MAX)),
        ("price.min()", SelectField(Field("price"), aggregate=Aggregate.MIN)),
    ],
)
def test_a_column_may_have_alias_cast_and_aggregate(text: str, item: SelectItem) -> None:
    assert parse_select(text) == (item,)


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("log->a", (JsonStep("a", is_index=False, as_text=False),)),
        ("log->>a", (JsonStep("a", is_index=False, as_text=True),)),
        ("log->0", (JsonStep("+0", is_index=True, as_text=False),)),
        ("log->-1", (JsonStep("-1", is_index=True, as_text=False),)),
        ("log->1a", (JsonStep("1a", is_index=False, as_text=False),)),
        ('log->"a.b"', (JsonStep("a.b", is_index=False, as_text=False),)),
        ("log->a-b", (JsonStep("a-b", is_index=False, as_text=False),)),
        (
            "log->entries->0->>note",
            (
                JsonStep("entries", is_index=False, as_text=False),
                JsonStep("+0", is_index=True, as_text=False),
                JsonStep("note", is_index=False, as_text=True),
            ),
        ),
    ],
)
def test_a_path_leads_into_json(text: str, steps: tuple[JsonStep, ...]) -> None:
    assert parse_select(text) == (SelectField(Field("log", steps)),)


def test_a_number_right_before_a_closing_parenthesis_is_a_key() -> None:
    (relation,) = parse_select("crew(log->0)")

    key = JsonStep("0", is_index=False, as_text=False)
    assert relation == SelectRelation("crew", (SelectField(Field("log", (key,))),))


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("crew(id)", SelectRelation("crew", (ID,))),
        ("crew()", SelectRelation("crew", ())),
        ("c:crew(id)", SelectRelation("crew", (ID,), alias="c")),
        ("crew!captain(id)", SelectRelation("crew", (ID,), hint="captain")),
        ("crew!inner(id)", SelectRelation("crew", (ID,), join_type=JoinType.INNER)),
        ("crew!left(id)", SelectRelation("crew", (ID,), join_type=JoinType.LEFT)),
        (
            "c:crew!captain!inner(id)",
            SelectRelation("crew", (ID,), alias="c", hint="captain", join_type=JoinType.INNER),
        ),
        (
            "crew!inner!captain(id)",
            SelectRelation("crew", (ID,), hint="captain", join_type=JoinType.INNER),
        ),
        ("...crew!inner(id)", SelectSpread("crew", (ID,), join_type=JoinType.INNER)),
        (
            "crew(id,ports(id))",
            SelectRelation("crew", (ID, SelectRelation("ports", (ID,)))),
        ),
    ],
)
def test_a_resource_may_be_embedded(text: str, item: SelectItem) -> None:
    assert parse_select(text) == (item,)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("", ()),
        ("(", ()),
        (",", ()),
        ("id)", (ID,)),
        ("id),name", (ID,)),
    ],
)
def test_rubbish_after_what_can_be_read_is_ignored(text: str, items: tuple[SelectItem, ...]) -> None:
    assert parse_select(text) == items


@pytest.mark.parametrize(
    ("text", "column", "details"),
    [
        ("id,", 4, 'unexpected end of input expecting "...", field name (* or [a..z0..9_$]), "*" or "count()"'),
        (
            "crew(id",
            8,
            'unexpected end of input expecting letter, digit, "-", "->>", "->", "::", ".", ")", "," or end of input',
        ),
        (
            "id%",
            3,
            'unexpected \'%\' expecting letter, digit, "-", "->>", "->", "::", ".", ")", "," or end of input',
        ),
        ("price.median()", 7, 'unexpected "m" expecting "sum", "avg", "count", "max" or "min"'),
        ("id::", 5, "unexpected end of input expecting letter or digit"),
        ('"id', 4, 'unexpected end of input expecting "\\\\" or "\\""'),
        ("log->>--1", 8, 'unexpected "-" expecting digit'),
    ],
)
def test_an_error_tells_where_and_what_else_was_expected(text: str, column: int, details: str) -> None:
    with pytest.raises(QueryParseError) as raised:
        parse_select(text)

    assert raised.value.message == f'"failed to parse select parameter ({text})" (line 1, column {column})'
    assert raised.value.details == details


def test_sixty_levels_of_embedding_can_be_read() -> None:
    text = "a(" * 59 + "id" + ")" * 59

    assert len(parse_select(text)) == 1


def test_thousands_of_levels_are_refused() -> None:
    with pytest.raises(QueryParseError) as raised:
        parse_select("a(" * 5000)

    assert raised.value.details == "too many levels of parentheses"
