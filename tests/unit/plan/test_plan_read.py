"""How the levels of a read get their columns, filters, orders and limits."""

import pytest

from tailrace.engine.errors import NoTable, NotEmbedded, RelatedOrderNotToOne
from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.plan.read_plan import (
    FullTextVector,
    NullEmbedFilter,
    ResolvedField,
    ResolvedFilter,
    ResolvedLogic,
)
from tailrace.engine.request.api_request import Mutation as Verb
from tailrace.engine.request.filter import (
    Filter,
    FullText,
    FullTextOperator,
    Is,
    IsValue,
    LogicNode,
    LogicOperator,
    Operand,
)
from tailrace.engine.request.order import Direction, Nulls, OrderTerm
from tailrace.engine.request.range import NO_ROWS, RowRange
from tailrace.engine.request.select import Field
from tailrace.engine.response.warning import legacy_names
from tests.unit.plan.requests import (
    by,
    column,
    embed,
    equals,
    is_null,
    json_path,
    mutating,
    plan,
    read,
    read_of,
    reading,
    request,
    spread,
)
from tests.unit.plan.schema import name


def field_names(conditions: tuple[object, ...]) -> list[str]:
    return [condition.field.name for condition in conditions if isinstance(condition, ResolvedFilter)]


def test_a_plain_read_selects_from_the_relation_itself() -> None:
    planned = read("stages", "id", "name")

    assert planned.source == name("stages")
    assert planned.source_alias is None
    assert [item.field.name for item in planned.select] == ["id", "name"]
    assert [item.field.type for item in planned.select] == ["integer", "text"]


def test_an_unknown_relation_is_refused_before_anything_else() -> None:
    asked = request(reading("stage"), filters=((("nowhere",), equals("id")),))

    with pytest.raises(NoTable) as error:
        plan(asked)

    assert error.value.message == "Could not find the table 'api.stage' in the schema cache"
    assert error.value.hint == "Perhaps you meant the table 'api.stages'"


def test_an_unknown_column_is_left_to_postgres() -> None:
    planned = read("stages", "nope")

    assert planned.select[0].field == ResolvedField("nope", to_jsonb=True)


def test_filters_keep_their_order_and_logic_stands_before_them() -> None:
    logic = LogicNode(False, LogicOperator.OR, (equals("id"), equals("capacity")))

    planned = read(
        "stages", filters=(((), equals("id")), ((), equals("name"))), logic=(((), logic), ((), equals("capacity")))
    )

    assert isinstance(planned.where[0], ResolvedLogic)
    assert field_names(planned.where[0].children) == ["id", "capacity"]
    assert field_names(planned.where[1:]) == ["capacity", "id", "name"]


def test_filters_orders_and_limits_reach_the_level_that_they_name() -> None:
    planned = read(
        "festivals",
        "id",
        embed("stages", "name", embed("performances", "minutes")),
        filters=((("stages",), equals("name")), (("stages", "performances"), equals("minutes"))),
        order=((("stages",), (by("capacity"),)),),
        ranges=(((), RowRange(0, 9)), (("stages", "performances"), RowRange(0, 2))),
    )

    stages = planned.embeddings[0]
    performances = stages.embeddings[0]
    assert planned.where == ()
    assert field_names(stages.where) == ["name"]
    assert [term.field.name for term in stages.order] == ["capacity"]
    assert field_names(performances.where) == ["minutes"]
    assert (planned.range, performances.range) == (RowRange(0, 9), RowRange(0, 2))


def test_a_level_that_is_named_moves_before_its_siblings() -> None:
    select = ("id", embed("stages", "id"), embed("lineups", "fee"))

    plain, filtered = read("festivals", *select), read("festivals", *select, filters=((("lineups",), equals("fee")),))

    assert [embedding.name for embedding in plain.embeddings] == ["stages", "lineups"]
    assert [embedding.name for embedding in filtered.embeddings] == ["lineups", "stages"]
    assert [embed.alias for embed in filtered.embed_selects] == ["festivals_lineups_1", "festivals_stages_1"]


def test_a_filter_on_what_is_not_embedded_is_refused() -> None:
    with pytest.raises(NotEmbedded) as error:
        read("festivals", "id", filters=((("stages",), equals("id")),))

    assert error.value.message == "'stages' is not an embedded resource in this request"
    assert error.value.hint == "Verify that 'stages' is included in the 'select' query parameter."


def test_the_last_of_several_wrong_filters_is_reported_and_filters_before_orders() -> None:
    with pytest.raises(NotEmbedded, match="'second'"):
        read(
            "festivals",
            filters=((("first",), equals("id")), (("second",), equals("id"))),
            order=((("third",), (by("id"),)),),
        )


def test_an_aliased_embedding_may_be_named_by_its_relation_with_a_warning() -> None:
    asked = request(
        reading("festivals"), "id", embed("stages", "id", alias="places"), filters=((("stages",), equals("id")),)
    )

    planned = plan(asked)

    assert tuple(legacy_names(read_of(planned))) == (("stages", "places"),)


def test_an_aliased_embedding_named_by_its_alias_needs_no_warning() -> None:
    asked = request(
        reading("festivals"), "id", embed("stages", "id", alias="places"), filters=((("places",), equals("id")),)
    )

    assert tuple(legacy_names(read_of(plan(asked)))) == ()
    assert tuple(legacy_names(read_of(plan(asked, url_use_legacy_target_names=False)))) == ()


def test_without_legacy_names_only_the_alias_counts() -> None:
    asked = request(
        reading("festivals"), "id", embed("stages", "id", alias="places"), filters=((("stages",), equals("id")),)
    )

    with pytest.raises(NotEmbedded) as error:
        plan(asked, url_use_legacy_target_names=False)

    assert error.value.details == "Target names are not allowed in filters if they have an alias"
    assert error.value.hint == "Change 'stages' to 'places' in filters, orders or limits."


def test_without_legacy_names_a_relation_is_not_taken_for_another_ones_alias() -> None:
    select = ("id", embed("stages", "id", alias="lineups"), embed("lineups", "fee"))
    asked = request(reading("festivals"), *select, filters=((("lineups",), equals("id")),))

    planned = read_of(plan(asked, url_use_legacy_target_names=False))

    assert [embedding.name for embedding in planned.embeddings if embedding.where] == ["stages"]


def test_a_json_path_needs_jsonb_unless_the_column_is_json() -> None:
    planned = read("festivals", column("details", "a"), column("title", "a"), column("nope", "a"))

    assert [item.field.to_jsonb for item in planned.select] == [False, True, True]


def test_the_last_key_of_a_json_path_names_the_field() -> None:
    planned = read(
        "festivals",
        column("details", "a", "b"),
        column("details", "a", "1"),
        column("details", "1"),
        column("details", "a", alias="mine"),
    )

    assert [item.alias for item in planned.select] == ["b", "a", "details", "mine"]


def test_full_text_search_makes_a_vector_of_what_is_none_yet() -> None:
    operation = FullText(FullTextOperator.PLAIN, "english", Operand("loud"))

    planned = read(
        "festivals",
        filters=tuple(((), Filter(Field(text), False, operation)) for text in ("title", "search", "nope")),
    )

    vectors = [condition.field.vector for condition in planned.where if isinstance(condition, ResolvedFilter)]
    assert vectors == [FullTextVector("english"), None, None]


def test_a_representation_applies_to_output_and_filters() -> None:
    planned = read("festivals", "colour", filters=(((), equals("colour", "#ff0000")),))

    selected, filtered = planned.select[0], planned.where[0]
    assert selected.field.transform == '"api"."colour_to_json"'
    assert selected.alias == "colour"
    assert isinstance(filtered, ResolvedFilter)
    assert filtered.field.transform == '"api"."colour_from_text"'
    assert filtered.field.type == "text"


def test_a_star_is_written_out_where_a_column_has_a_representation() -> None:
    festivals, stages = read("festivals"), read("stages")

    names = [item.field.name for item in festivals.select]
    assert names == ["id", "title", "colour", "details", "search", "name"]
    assert [item.alias for item in festivals.select] == [None, None, "colour", None, None, None]
    assert [item.field.name for item in stages.select] == ["*"]


def test_orders_keep_direction_and_nulls() -> None:
    term = OrderTerm(Field("details", json_path("a")), Direction.DESC, Nulls.LAST)

    planned = read("festivals", order=(((), (term, by("id"))),))

    assert [(term.field.name, term.direction, term.nulls) for term in planned.order] == [
        ("details", Direction.DESC, Nulls.LAST),
        ("id", None, None),
    ]
    assert planned.order[0].field.json_path == json_path("a")


def test_a_related_order_takes_the_alias_of_the_embeddings_subquery() -> None:
    planned = read("stages", "id", embed("festivals", "name", alias="home"), order=(((), (by("name", "home"),)),))

    assert planned.order[0].relation == "stages_home_1"
    assert planned.order[0].field == ResolvedField("name")


def test_a_related_order_needs_an_embedding_of_one_row() -> None:
    with pytest.raises(RelatedOrderNotToOne) as error:
        read("festivals", "id", embed("stages", "id"), order=(((), (by("id", "stages"),)),))

    assert error.value.message == "A related order on 'stages' is not possible"
    assert error.value.details == "'festivals' and 'stages' do not form a many-to-one or one-to-one relationship"


def test_a_related_order_needs_its_embedding() -> None:
    with pytest.raises(NotEmbedded, match="'festivals'"):
        read("stages", "id", order=(((), (by("id", "festivals"),)),))


def test_a_null_filter_on_an_embedding_asks_for_its_rows() -> None:
    logic = LogicNode(False, LogicOperator.OR, (is_null("places"), equals("id")))

    planned = read(
        "festivals",
        "id",
        embed("stages", alias="places"),
        filters=(((), is_null("places", negated=True)), ((), is_null("title"))),
        logic=(((), logic),),
    )

    assert isinstance(planned.where[0], ResolvedLogic)
    assert planned.where[0].children[0] == NullEmbedFilter(False, "festivals_places_1")
    assert planned.where[1] == NullEmbedFilter(True, "festivals_places_1")
    assert field_names(planned.where) == ["title"]


def test_any_other_filter_on_an_embeddings_name_is_one_on_a_column() -> None:
    not_null = Filter(Field("stages"), False, Is(IsValue.NOT_NULL))

    planned = read(
        "festivals", embed("stages", "id"), filters=(((), equals("stages")), ((), not_null), ((), is_null("lineups")))
    )

    assert field_names(planned.where) == ["stages", "stages", "lineups"]


def test_max_rows_restricts_every_level_but_not_a_limit_of_zero() -> None:
    asked = request(
        reading("festivals"),
        "id",
        embed("stages", "id"),
        embed("lineups", "fee"),
        ranges=(((), RowRange(5, 99)), (("lineups",), NO_ROWS)),
    )

    planned = read_of(plan(asked, db_max_rows=10))

    ranges = {embedding.name: embedding.range for embedding in planned.embeddings}
    assert planned.range == RowRange(5, 14)
    assert ranges == {"stages": RowRange(0, 9), "lineups": NO_ROWS}


def test_max_rows_and_limits_do_not_touch_what_a_mutation_returns() -> None:
    asked = request(mutating("stages", Verb.DELETE), ranges=(((), RowRange(0, 1)),))

    planned = read_of(plan(asked, db_max_rows=1))

    assert planned.range == RowRange()


def test_the_rows_of_a_mutation_come_from_the_request_s_cte() -> None:
    asked = request(
        mutating("stages", Verb.UPDATE),
        "id",
        embed("festivals", "id"),
        filters=(((), equals("id")), (("festivals",), equals("name"))),
        order=(((), (by("name"),)),),
    )

    planned = read_of(plan(asked))

    assert (planned.source, planned.source_alias) == (QualifiedName("", "pgrst_source"), "stages")
    assert planned.where == ()
    assert [term.field.name for term in planned.order] == ["name"]
    assert field_names(planned.embeddings[0].where) == ["name"]
    assert planned.embeddings[0].join[0].right == QualifiedName("", "stages")


def test_an_order_on_a_spread_reaches_it_by_its_name() -> None:
    planned = read("stages", "id", spread("festivals", "title"), order=((("festivals",), (by("title"),)),))

    assert [term.field.name for term in planned.embeddings[0].order] == ["title"]
