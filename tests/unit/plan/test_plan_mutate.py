"""Plans of writes: columns, conflicts, what is returned, and the rules of PUT."""

from typing import Any

import pytest

from tailrace.engine.errors import InvalidPreferences, InvalidPutFilters, MediaTypeUnavailable, NoColumn
from tailrace.engine.media_type import XML
from tailrace.engine.plan.action_plan import RelationMutation
from tailrace.engine.plan.mutate_plan import Delete, Insert, MutatePlan, Update
from tailrace.engine.plan.read_plan import ResolvedFilter
from tailrace.engine.request.api_request import Mutation
from tailrace.engine.request.filter import (
    Filter,
    LogicNode,
    LogicOperator,
    Operand,
    Quantifiable,
    QuantifiableOperator,
    Quantifier,
)
from tailrace.engine.request.preferences import Handling, Missing, Preferences, Representation, Resolution
from tailrace.engine.request.select import Field, SelectItem
from tailrace.engine.schema_cache.media_handler import Builtin
from tests.unit.plan.requests import embed, equals, mutating, plan, request

FULL = Preferences(representation=Representation.FULL)


def write(relation: str, mutation: Mutation, *select: SelectItem | str, **asked: Any) -> MutatePlan:
    planned = plan(request(mutating(relation, mutation), *select, **asked))
    assert isinstance(planned, RelationMutation)
    return planned.mutate


def names(where: tuple[object, ...]) -> list[str]:
    return [condition.field.name for condition in where if isinstance(condition, ResolvedFilter)]


def test_an_insert_writes_the_given_columns_in_ascending_order() -> None:
    planned = write("stages", Mutation.INSERT, columns=("name", "capacity", "id"))

    assert isinstance(planned, Insert)
    assert [field.name for field in planned.columns] == ["capacity", "id", "name"]
    assert [field.type for field in planned.columns] == ["integer", "integer", "text"]
    assert planned.primary_key == ("id",)
    assert planned.on_conflict is None
    assert planned.returning == ()


def test_a_body_goes_through_the_representation_of_its_column() -> None:
    planned = write("festivals", Mutation.INSERT, columns=("colour",))

    assert isinstance(planned, Insert)
    assert planned.columns[0].transform == '"api"."colour_from_json"'
    assert planned.columns[0].type == "json"


def test_the_first_unknown_column_in_ascending_order_is_reported() -> None:
    with pytest.raises(NoColumn) as error:
        write("stages", Mutation.INSERT, columns=("zzz", "nope"))

    assert error.value.message == "Could not find the 'nope' column of 'stages' in the schema cache"


def test_a_resolution_without_on_conflict_means_the_primary_key() -> None:
    merging = Preferences(resolution=Resolution.MERGE_DUPLICATES)

    by_key = write("stages", Mutation.INSERT, preferences=merging)
    by_name = write("stages", Mutation.INSERT, preferences=merging, on_conflict=("name",))
    unresolved = write("stages", Mutation.INSERT, on_conflict=("name",))

    conflicts = [planned.on_conflict for planned in (by_key, by_name, unresolved) if isinstance(planned, Insert)]
    assert conflicts == [(Resolution.MERGE_DUPLICATES, ("id",)), (Resolution.MERGE_DUPLICATES, ("name",)), None]


def test_missing_defaults_apply_to_inserts_and_updates() -> None:
    wanted = Preferences(missing=Missing.DEFAULT)

    insert = write("stages", Mutation.INSERT, preferences=wanted)
    update = write("stages", Mutation.UPDATE, preferences=wanted)
    put = write(
        "stages",
        Mutation.UPSERT_SINGLE,
        preferences=wanted,
        filters=(((), equals("id")),),
        filter_fields=("id",),
    )

    assert isinstance(insert, Insert)
    assert isinstance(update, Update)
    assert isinstance(put, Insert)
    assert (insert.apply_defaults, update.apply_defaults, put.apply_defaults) == (True, True, False)


def test_an_update_takes_its_filters_before_its_logic() -> None:
    logic = LogicNode(True, LogicOperator.AND, (equals("capacity"),))

    planned = write(
        "stages",
        Mutation.UPDATE,
        columns=("name",),
        filters=(((), equals("id")), ((), equals("name"))),
        logic=(((), logic),),
    )

    assert isinstance(planned, Update)
    assert names(planned.where) == ["id", "name"]
    assert len(planned.where) == 3


def test_filters_of_embeddings_do_not_choose_what_is_deleted() -> None:
    planned = write(
        "stages",
        Mutation.DELETE,
        embed("festivals", "id"),
        filters=(((), equals("id")), (("festivals",), equals("name"))),
    )

    assert isinstance(planned, Delete)
    assert names(planned.where) == ["id"]


def test_a_representation_returns_what_is_selected_and_the_primary_key() -> None:
    planned = write("stages", Mutation.UPDATE, "name", "capacity", columns=("name",), preferences=FULL)

    assert planned.returning == ("capacity", "id", "name")


def test_headers_only_returns_columns_too_and_minimal_none() -> None:
    headers = write(
        "stages", Mutation.INSERT, "name", preferences=Preferences(representation=Representation.HEADERS_ONLY)
    )
    minimal = write("stages", Mutation.INSERT, "name", preferences=Preferences(representation=Representation.NONE))

    assert (headers.returning, minimal.returning) == (("id", "name"), ())


def test_a_star_is_returned_alone() -> None:
    assert write("stages", Mutation.INSERT, "*", "name", preferences=FULL).returning == ("*",)


def test_columns_that_embeddings_join_on_are_returned() -> None:
    to_one = write("stages", Mutation.INSERT, "name", embed("festivals", "id"), preferences=FULL)
    to_many = write("festivals", Mutation.INSERT, "title", embed("stages", "id"), preferences=FULL)
    junction = write("festivals", Mutation.INSERT, "title", embed("artists", "id"), preferences=FULL)

    assert to_one.returning == ("festival_id", "id", "name")
    assert to_many.returning == ("id", "title")
    assert junction.returning == ("id", "title")


def test_a_computed_relationship_needs_the_whole_row() -> None:
    planned = write("festivals", Mutation.INSERT, "title", embed("organiser", "id"), preferences=FULL)

    assert planned.returning == ("*",)


def test_put_upserts_the_row_that_the_url_names() -> None:
    planned = write(
        "lineups",
        Mutation.UPSERT_SINGLE,
        columns=("artist_id", "fee", "festival_id"),
        filters=(((), equals("festival_id")), ((), equals("artist_id"))),
        filter_fields=("artist_id", "festival_id"),
    )

    assert isinstance(planned, Insert)
    assert planned.on_conflict == (Resolution.MERGE_DUPLICATES, ("festival_id", "artist_id"))
    assert names(planned.put_conditions) == ["festival_id", "artist_id"]
    assert planned.primary_key == ()


ANY_OF = Filter(Field("id"), False, Quantifiable(QuantifiableOperator.EQUAL, Quantifier.ANY, Operand("{1}")))
GREATER = Filter(Field("id"), False, Quantifiable(QuantifiableOperator.GREATER_THAN, None, Operand("1")))


@pytest.mark.parametrize(
    ("relation", "filters", "fields", "logic"),
    [
        ("stages", (), (), ()),
        ("stages", (equals("id"), equals("name")), ("id", "name"), ()),
        ("stages", (equals("name"),), ("name",), ()),
        ("stages", (equals("id", negated=True),), ("id",), ()),
        ("stages", (ANY_OF,), ("id",), ()),
        ("stages", (GREATER,), ("id",), ()),
        ("stages", (equals("id"),), ("id",), (((), equals("id")),)),
        ("lineups", (equals("artist_id"),), ("artist_id",), ()),
        ("scores", (), (), ()),
    ],
)
def test_put_refuses_anything_but_the_whole_key_by_equality(
    relation: str, filters: tuple[Filter, ...], fields: tuple[str, ...], logic: tuple[Any, ...]
) -> None:
    with pytest.raises(InvalidPutFilters):
        write(
            relation,
            Mutation.UPSERT_SINGLE,
            columns=("nope",),
            filters=tuple(((), filter) for filter in filters),
            filter_fields=fields,
            logic=logic,
        )


def test_a_mutation_reports_columns_then_preferences_then_the_media_type() -> None:
    wrong = Preferences(invalid=("nope",), handling=Handling.STRICT)

    with pytest.raises(NoColumn):
        write("stages", Mutation.INSERT, columns=("nope",), preferences=wrong, accept=(XML,))
    with pytest.raises(InvalidPreferences):
        write("stages", Mutation.INSERT, preferences=wrong, accept=(XML,))
    with pytest.raises(MediaTypeUnavailable):
        write("stages", Mutation.INSERT, accept=(XML,))


def test_only_a_full_representation_has_a_body() -> None:
    full = plan(request(mutating("stages", Mutation.INSERT), preferences=FULL))
    none = plan(request(mutating("stages", Mutation.INSERT)))

    assert isinstance(full, RelationMutation)
    assert isinstance(none, RelationMutation)
    assert (full.handler, none.handler) == (Builtin.JSON, Builtin.NONE)
