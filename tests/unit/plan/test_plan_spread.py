"""Spread embeddings, and aggregates in and beside them."""

import pytest

from tailrace.engine.errors import AggregatesNotAllowed, NotImplementedYet
from tailrace.engine.plan.read_plan import (
    ResolvedField,
    SpreadEmbed,
    SpreadField,
    ToManySpread,
    ToOneSpread,
)
from tailrace.engine.request.select import Aggregate, SelectItem
from tests.unit.plan.requests import by, column, embed, plan, read, reading, request, spread

COUNT = column("*", aggregate=Aggregate.COUNT)
SUM = column("minutes", aggregate=Aggregate.SUM, aggregate_cast="text")


def test_a_to_one_spread_gives_its_fields_to_the_parent() -> None:
    planned = read(
        "stages", "id", spread("festivals", "id", column("title", alias="festival"), embed("lineups", "fee"))
    )

    assert isinstance(planned.embeddings[0].spread, ToOneSpread)
    assert planned.embed_selects == (
        SpreadEmbed((SpreadField("id"), SpreadField("festival"), SpreadField("lineups")), "stages_festivals_1"),
    )


def test_nested_spreads_hand_their_fields_up() -> None:
    planned = read("performances", spread("stages", "name", spread("festivals", "title")))

    assert planned.embed_selects == (SpreadEmbed((SpreadField("name"), SpreadField("title")), "performances_stages_1"),)


def test_aggregates_are_refused_unless_enabled() -> None:
    asked = request(reading("stages"), "id", embed("performances", COUNT))

    with pytest.raises(AggregatesNotAllowed):
        plan(asked)


def test_an_aggregate_is_left_alone_outside_of_spreads() -> None:
    planned = read("performances", "stage_id", SUM, COUNT)

    assert [(item.aggregate, item.alias) for item in planned.select] == [
        (None, None),
        (Aggregate.SUM, None),
        (Aggregate.COUNT, None),
    ]
    assert [item.aggregate_cast for item in planned.select] == [None, "text", None]


def test_a_star_beside_an_aggregate_is_written_out_as_columns() -> None:
    planned = read("stages", "*", column("capacity", aggregate=Aggregate.MAX))

    assert [item.field.name for item in planned.select] == ["id", "festival_id", "name", "capacity", "capacity"]


def test_a_star_below_an_aggregate_is_written_out_too() -> None:
    planned = read("festivals", COUNT, spread("organiser", "*"))

    assert [item.field.name for item in planned.embeddings[0].select] == ["id", "name", "mentor_id", "bio"]


def test_aggregates_of_a_to_one_spread_are_taken_over_by_the_parent() -> None:
    planned = read("riders", "wishes", spread("artists", column("id", aggregate=Aggregate.MAX), "name"))

    inside = planned.embeddings[0].select
    assert [(item.field.name, item.alias, item.aggregate) for item in inside] == [
        ("id", "max", None),
        ("name", None, None),
    ]
    assert planned.embed_selects == (
        SpreadEmbed((SpreadField("max", "max", Aggregate.MAX), SpreadField("name")), "riders_artists_1"),
    )


def test_aggregates_climb_through_nested_to_one_spreads() -> None:
    minutes = column("capacity", aggregate=Aggregate.SUM, alias="room", aggregate_cast="text")

    planned = read("performances", "id", spread("stages", minutes, spread("festivals", COUNT)))

    assert planned.embed_selects == (
        SpreadEmbed(
            (SpreadField("room", "room", Aggregate.SUM, "text"), SpreadField("count", "count", Aggregate.COUNT)),
            "performances_stages_1",
        ),
    )
    assert planned.embeddings[0].embed_selects == (SpreadEmbed((SpreadField("count"),), "stages_festivals_2"),)


def test_aggregates_stop_at_the_first_json_embedding() -> None:
    planned = read("festivals", "id", embed("stages", spread("festivals", COUNT)))

    stages = planned.embeddings[0]
    spread_fields = stages.embed_selects[0]
    assert isinstance(spread_fields, SpreadEmbed)
    assert spread_fields.fields == (SpreadField("count", "count", Aggregate.COUNT),)


def test_a_count_in_a_spread_counts_rows_of_that_relation_only() -> None:
    planned = read("stages", "id", spread("festivals", COUNT))

    assert planned.embeddings[0].select[0].field == ResolvedField("*", to_jsonb=True, full_row=True)


def test_a_to_many_spread_writes_out_its_star() -> None:
    planned = read("festivals", "id", spread("stages", "*"))

    assert planned.embeddings[0].spread == ToManySpread()
    assert [item.field.name for item in planned.embeddings[0].select] == ["id", "festival_id", "name", "capacity"]


def test_the_order_of_a_to_many_spread_moves_into_its_arrays() -> None:
    planned = read(
        "stages",
        "id",
        spread("performances", "minutes", embed("artist_id", "name", alias="artist")),
        order=((("performances",), (by("minutes"), by("name", "artist"))),),
    )

    performances = planned.embeddings[0]
    assert isinstance(performances.spread, ToManySpread)
    assert performances.order == ()
    assert [term.field.name for term in performances.spread.order] == [
        "stages_performances_1_minutes_1",
        "stages_performances_1_name_2",
    ]
    assert [(relation, item.field.name, item.alias) for relation, item in performances.spread.extra_select] == [
        (None, "minutes", "stages_performances_1_minutes_1"),
        ("performances_artist_2", "name", "stages_performances_1_name_2"),
    ]


@pytest.mark.parametrize(
    "inside",
    [COUNT, spread("artists", column("id", aggregate=Aggregate.MAX), hint="performances_artist")],
    ids=["its own", "of a to-one spread inside"],
)
def test_aggregates_in_a_to_many_spread_are_not_implemented(inside: SelectItem) -> None:
    with pytest.raises(NotImplementedYet) as error:
        read("stages", "id", spread("performances", inside))

    assert error.value.details == "Aggregates are not implemented for one-to-many or many-to-many spreads."
