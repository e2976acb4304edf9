"""Which relationship an embedding stands for, and how it is joined."""

import pytest

from tailrace.engine.errors import AmbiguousRelationship, NoRelationship
from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.plan.read_plan import EmbedMode, JoinCondition, JsonEmbed
from tailrace.engine.request.select import JoinType
from tailrace.engine.schema_cache.relationship import (
    ComputedRelationship,
    ForeignKeyRelationship,
    ManyToMany,
    ManyToOne,
    OneToMany,
    OneToOne,
)
from tests.unit.plan.requests import column, embed, read
from tests.unit.plan.schema import name, schema_cache


def cardinality(*, of: str, select: str, hint: str | None = None) -> object:
    relationship = read(of, "id", embed(select, "*", hint=hint)).embeddings[0].relationship
    assert isinstance(relationship, ForeignKeyRelationship)
    return relationship.cardinality


def test_many_to_one_joins_the_alias_of_the_embedding_with_the_relation() -> None:
    planned = read("stages", "id", embed("festivals", "name", inner=True))

    embedding = planned.embeddings[0]
    assert embedding.source == name("festivals")
    assert embedding.source_alias == "festivals_1"
    assert embedding.aggregate_alias == "stages_festivals_1"
    assert embedding.join_type is JoinType.INNER
    assert embedding.join == (JoinCondition(QualifiedName("", "festivals_1"), "id", name("stages"), "festival_id"),)
    assert planned.embed_selects == (JsonEmbed("festivals", "stages_festivals_1", EmbedMode.OBJECT, False),)


def test_one_to_many_is_an_array_under_the_alias() -> None:
    planned = read("festivals", "id", embed("stages", "id", alias="places"))

    assert planned.embed_selects == (JsonEmbed("places", "festivals_places_1", EmbedMode.ARRAY, False),)


def test_a_deeper_level_joins_with_the_alias_of_its_parent() -> None:
    planned = read("festivals", embed("stages", embed("performances", "id")))

    performances = planned.embeddings[0].embeddings[0]
    stages = QualifiedName("", "stages_1")
    assert performances.source_alias == "performances_2"
    assert performances.join == (JoinCondition(QualifiedName("", "performances_2"), "stage_id", stages, "id"),)


def test_many_to_many_joins_over_the_junction_without_an_alias() -> None:
    embedding = read("festivals", embed("artists", "name")).embeddings[0]

    assert embedding.source_alias is None
    assert embedding.join == (
        JoinCondition(name("lineups"), "artist_id", name("artists"), "id"),
        JoinCondition(name("lineups"), "festival_id", name("festivals"), "id"),
    )


def test_one_to_one_is_an_object_on_both_sides() -> None:
    there, back = read("artists", embed("riders", "wishes")), read("riders", embed("artists", "name"))

    assert [embed.mode for embed in (*there.embed_selects, *back.embed_selects) if isinstance(embed, JsonEmbed)] == [
        EmbedMode.OBJECT,
        EmbedMode.OBJECT,
    ]
    assert isinstance(cardinality(of="artists", select="riders"), OneToOne)


def test_a_computed_relationship_is_found_by_its_function_and_given_the_parents_row() -> None:
    planned = read("festivals", embed("loud_stages", "id"), embed("organiser", "name"))

    stages, organiser = planned.embeddings
    assert isinstance(stages.relationship, ComputedRelationship)
    assert (stages.source, stages.source_alias, stages.join) == (name("stages"), "stages_1", ())
    assert stages.parent_alias == name("festivals")
    assert stages.aggregate_alias == "festivals_loud_stages_1"
    assert [embed.mode for embed in planned.embed_selects if isinstance(embed, JsonEmbed)] == [
        EmbedMode.ARRAY,
        EmbedMode.OBJECT,
    ]
    assert organiser.source == name("artists")


def test_a_computed_relationship_below_another_embedding_is_given_its_alias() -> None:
    planned = read("stages", embed("festivals", embed("loud_stages", "id")))

    assert planned.embeddings[0].embeddings[0].parent_alias == QualifiedName("", "festivals_1")


def test_a_column_or_a_constraint_of_the_foreign_key_names_its_target() -> None:
    assert cardinality(of="performances", select="support_id") == ManyToOne(
        "performances_support", (("support_id", "id"),)
    )
    assert cardinality(of="performances", select="performances_artist") == ManyToOne(
        "performances_artist", (("artist_id", "id"),)
    )


@pytest.mark.parametrize("hint", ["performances_support", "support_id"])
def test_a_hint_chooses_among_several_foreign_keys(hint: str) -> None:
    there, back = (
        cardinality(of="performances", select="artists", hint=hint),
        cardinality(of="artists", select="performances", hint=hint),
    )

    assert isinstance(there, ManyToOne)
    assert isinstance(back, OneToMany)
    assert there.constraint == back.constraint == "performances_support"


def test_a_junction_as_hint_means_the_many_to_many() -> None:
    assert isinstance(cardinality(of="festivals", select="artists", hint="lineups"), ManyToMany)


def test_of_a_relationship_with_itself_the_relation_means_the_many_and_the_column_the_one() -> None:
    assert isinstance(cardinality(of="artists", select="artists"), OneToMany)
    assert isinstance(cardinality(of="artists", select="mentor_id"), ManyToOne)
    assert isinstance(cardinality(of="artists", select="artists", hint="mentor_id"), OneToMany)


def test_a_view_is_not_found_by_a_key_of_its_table() -> None:
    columns = (("festival_id", "id"),)
    view = ForeignKeyRelationship(
        name("stages"), name("open_festivals"), False, ManyToOne("stages_festival", columns), False, True
    )

    planned = read("stages", embed("festival_id", "name"), cache=schema_cache(view))

    assert planned.embeddings[0].source == name("festivals")


def test_several_relationships_are_listed_with_what_would_tell_them_apart() -> None:
    with pytest.raises(AmbiguousRelationship) as error:
        read("performances", embed("artists", "name"))

    assert error.value.status == 300
    assert error.value.message == (
        "Could not embed because more than one relationship was found for 'performances' and 'artists'"
    )
    assert error.value.hint == (
        "Try changing 'artists' to one of the following: 'artists!performances_artist',"
        " 'artists!performances_support'. Find the desired relationship in the 'details' key."
    )
    assert error.value.details[0] == {
        "cardinality": "many-to-one",
        "embedding": "performances with artists",
        "relationship": "performances_artist using performances(artist_id) and artists(id)",
    }


def test_a_many_to_many_candidate_names_its_junction() -> None:
    columns = (("artist_id", "id"),)
    direct = ForeignKeyRelationship(
        name("festivals"), name("artists"), False, OneToOne("festivals_headliner", columns, False), False, False
    )

    with pytest.raises(AmbiguousRelationship) as error:
        read("festivals", embed("artists", "name"), cache=schema_cache(direct))

    assert error.value.details == [
        {
            "cardinality": "many-to-many",
            "embedding": "festivals with artists",
            "relationship": "lineups using lineups_festival(festival_id) and lineups_artist(artist_id)",
        },
        {
            "cardinality": "one-to-one",
            "embedding": "festivals with artists",
            "relationship": "festivals_headliner using festivals(artist_id) and artists(id)",
        },
    ]
    assert "'artists!lineups', 'artists!festivals_headliner'" in str(error.value.hint)


def test_a_misspelt_target_is_corrected() -> None:
    with pytest.raises(NoRelationship) as error:
        read("festivals", embed("stage", "id"))

    assert error.value.message == "Could not find a relationship between 'festivals' and 'stage' in the schema cache"
    assert error.value.details == (
        "Searched for a foreign key relationship between 'festivals' and 'stage'"
        " in the schema 'api', but no matches were found."
    )
    assert error.value.hint == "Perhaps you meant 'stages' instead of 'stage'."


def test_a_hint_that_fits_nothing_is_part_of_the_details_and_corrects_nothing() -> None:
    with pytest.raises(NoRelationship) as error:
        read("festivals", embed("stages", "id", hint="nope"))

    assert error.value.details == (
        "Searched for a foreign key relationship between 'festivals' and 'stages' using the hint 'nope'"
        " in the schema 'api', but no matches were found."
    )
    assert error.value.hint is None


def test_a_relation_without_relationships_is_corrected_to_one_that_has_some() -> None:
    with pytest.raises(NoRelationship) as error:
        read("scores", embed("stages", "id"))

    assert error.value.hint in (None, "Perhaps you meant 'stages' instead of 'scores'.")


def test_the_first_wrong_embedding_is_reported_parents_before_children() -> None:
    with pytest.raises(NoRelationship, match="'festivals' and 'first'"):
        read("festivals", embed("first", embed("deep", "id")), embed("second", "id"))


def test_an_embedding_that_selects_nothing_is_empty_all_the_way_down() -> None:
    empty = read("festivals", "id", embed("stages", embed("performances"))).embed_selects[0]
    full = read("festivals", "id", embed("stages", embed("performances", "id"))).embed_selects[0]

    assert isinstance(empty, JsonEmbed)
    assert isinstance(full, JsonEmbed)
    assert (empty.is_empty, full.is_empty) == (True, False)


def test_a_star_of_an_embedding_found_by_its_key_is_written_out_too() -> None:
    embedding = read("stages", embed("festival_id", "*")).embeddings[0]

    assert [item.field.name for item in embedding.select][:3] == ["id", "title", "colour"]


def test_a_field_of_an_embedding_may_have_an_alias() -> None:
    embedding = read("festivals", embed("stages", column("name", alias="label"))).embeddings[0]

    assert embedding.select[0].alias == "label"
