"""What errors suggest, and when they had better be silent."""

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.plan.hints import suggest_function, suggest_relationship, suggest_table
from tests.unit.plan.requests import CACHE
from tests.unit.plan.schema import name


def many(count: int) -> list[QualifiedName]:
    return [name(f"stand_{number}") for number in range(count)]


def test_a_table_is_suggested_from_the_same_schema_only() -> None:
    tables = (name("stages"), QualifiedName("private", "stagez"))

    assert suggest_table(name("stagez"), tables) == "Perhaps you meant the table 'api.stages'"
    assert suggest_table(QualifiedName("other", "stages"), tables) is None


def test_a_table_that_is_hardly_alike_is_not_given_away() -> None:
    assert suggest_table(name("sta"), (name("stages"),)) is None


def test_no_table_is_suggested_among_five_hundred() -> None:
    assert suggest_table(name("stand_"), many(499)) is not None
    assert suggest_table(name("stand_"), many(500)) is None


def test_an_origin_without_relationships_is_corrected() -> None:
    suggestion = suggest_relationship("festival", "stages", schema="api", relationships=CACHE.relationships)

    assert suggestion == "Perhaps you meant 'festivals' instead of 'festival'."


def test_a_target_is_corrected_among_those_that_the_origin_has() -> None:
    suggestion = suggest_relationship("stages", "festival", schema="api", relationships=CACHE.relationships)

    assert suggestion == "Perhaps you meant 'festivals' instead of 'festival'."


def test_a_target_that_is_spelt_right_is_not_corrected() -> None:
    assert suggest_relationship("stages", "festivals", schema="api", relationships=CACHE.relationships) is None


def test_a_function_is_suggested_by_name_and_an_overload_by_its_parameters() -> None:
    by_name = suggest_function(name("serch"), [], CACHE.routines)
    by_parameters = suggest_function(name("search"), ["term", "tap"], CACHE.routines)
    unlike = suggest_function(name("search"), ["q"], CACHE.routines)

    assert by_name == "Perhaps you meant to call the function api.search"
    assert by_parameters == "Perhaps you meant to call the function api.search(term, top)"
    assert unlike is None
