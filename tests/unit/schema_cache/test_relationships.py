"""Which relationships follow from keys, views and functions."""

from collections.abc import Sequence

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.schema_cache.catalog_key import ForeignKey, Key, KeySide, UniqueKey, table_primary_keys
from tailrace.engine.schema_cache.catalog_view import Origin, View
from tailrace.engine.schema_cache.derive import derive_relationships
from tailrace.engine.schema_cache.relationship import (
    ComputedRelationship,
    ForeignKeyRelationship,
    ManyToMany,
    ManyToOne,
    OneToMany,
    OneToOne,
    Relationship,
)
from tailrace.engine.schema_cache.relationship_map import map_relationships
from tailrace.engine.schema_cache.view_key import find_view_keys, view_primary_keys

FILMS = KeySide(1, QualifiedName("api", "films"), (1,), ("id",))
ACTORS = KeySide(2, QualifiedName("api", "actors"), (1,), ("id",))
ROLES = QualifiedName("api", "roles")
ROLES_FILM = KeySide(3, ROLES, (1,), ("film_id",))
ROLES_ACTOR = KeySide(3, ROLES, (2,), ("actor_id",))
ROLES_BOTH = KeySide(3, ROLES, (1, 2), ("film_id", "actor_id"))

FILMS_KEY = UniqueKey("films_pkey", is_primary=True, side=FILMS)
ACTORS_KEY = UniqueKey("actors_pkey", is_primary=True, side=ACTORS)
TO_FILM = ForeignKey("roles_film", ROLES_FILM, FILMS, is_root=True)
TO_ACTOR = ForeignKey("roles_actor", ROLES_ACTOR, ACTORS, is_root=True)
JUNCTION_KEY = UniqueKey("roles_pkey", is_primary=True, side=ROLES_BOTH)


def found(
    *keys: Key,
    views: Sequence[View] = (),
    computed: Sequence[ComputedRelationship] = (),
    schemas: Sequence[str] = ("api",),
) -> dict[tuple[str, str], list[Relationship]]:
    """Relationships by the names of both relations."""
    view_keys = find_view_keys(views, keys, schemas)
    primary_keys = table_primary_keys(keys) | view_primary_keys(view_keys)
    detected = derive_relationships(keys, view_keys, primary_keys=primary_keys, schemas=schemas)
    pairs: dict[tuple[str, str], list[Relationship]] = {}
    for relationships in map_relationships(detected, computed, schemas).values():
        for relationship in relationships:
            pairs.setdefault((relationship.table.name, relationship.foreign_table.name), []).append(relationship)
    return pairs


def cardinality(relationships: Sequence[Relationship]) -> object:
    (relationship,) = relationships
    assert isinstance(relationship, ForeignKeyRelationship)
    return relationship.cardinality


def view(name: str, names: Sequence[str], *origins: tuple[int, int, int], oid: int = 90) -> View:
    columns = dict(enumerate(names, 1))
    return View(oid, QualifiedName("api", name), columns, tuple(Origin(*origin) for origin in origins))


def test_a_foreign_key_is_many_to_one_and_one_to_many_the_other_way() -> None:
    pairs = found(FILMS_KEY, TO_FILM)

    assert cardinality(pairs["roles", "films"]) == ManyToOne("roles_film", (("film_id", "id"),))
    assert cardinality(pairs["films", "roles"]) == OneToMany("roles_film", (("id", "film_id"),))


def test_a_foreign_key_on_unique_columns_is_one_to_one() -> None:
    pairs = found(TO_FILM, UniqueKey("roles_film_key", is_primary=False, side=ROLES_FILM))

    assert cardinality(pairs["roles", "films"]) == OneToOne("roles_film", (("film_id", "id"),), is_parent=False)
    assert cardinality(pairs["films", "roles"]) == OneToOne("roles_film", (("id", "film_id"),), is_parent=True)


def test_columns_that_are_unique_only_with_others_are_not_one_to_one() -> None:
    pairs = found(TO_FILM, JUNCTION_KEY)

    assert isinstance(cardinality(pairs["roles", "films"]), ManyToOne)


def test_two_foreign_keys_within_a_primary_key_make_many_to_many() -> None:
    pairs = found(TO_FILM, TO_ACTOR, JUNCTION_KEY)

    assert cardinality(pairs["films", "actors"]) == ManyToMany(
        junction=ROLES,
        constraint1="roles_film",
        constraint2="roles_actor",
        source_columns=(("id", "film_id"),),
        target_columns=(("id", "actor_id"),),
    )
    assert ("actors", "films") in pairs


def test_without_such_a_primary_key_there_is_no_many_to_many() -> None:
    assert ("films", "actors") not in found(
        TO_FILM, TO_ACTOR, UniqueKey("roles_pkey", is_primary=True, side=ROLES_FILM)
    )


def test_a_junction_that_is_not_exposed_joins_nothing() -> None:
    hidden = QualifiedName("internal", "roles")
    keys = (
        TO_FILM._replace(side=ROLES_FILM._replace(relation=hidden)),
        TO_ACTOR._replace(side=ROLES_ACTOR._replace(relation=hidden)),
        JUNCTION_KEY._replace(side=ROLES_BOTH._replace(relation=hidden)),
    )

    assert found(*keys) == {}
    assert ("films", "actors") in found(*keys, schemas=("api", "internal"))


def test_a_table_that_refers_to_itself_has_both_ends_in_one_place() -> None:
    sequel = ForeignKey("films_sequel", FILMS._replace(numbers=(2,), names=("sequel_of",)), FILMS, is_root=True)

    both = found(FILMS_KEY, sequel)["films", "films"]

    assert [type(r.cardinality) for r in both if isinstance(r, ForeignKeyRelationship)] == [OneToMany, ManyToOne]
    assert all(relationship.is_self for relationship in both)


def test_foreign_keys_of_partitions_are_told_once_by_their_parent() -> None:
    assert found(FILMS_KEY, TO_FILM._replace(is_root=False)) == {}


def test_a_view_of_the_referenced_key_can_be_embedded_instead_of_the_table() -> None:
    titles = view("titles", ["film"], (1, FILMS.relation_id, 1))

    pairs = found(FILMS_KEY, TO_FILM, views=[titles])

    assert cardinality(pairs["roles", "titles"]) == ManyToOne("roles_film", (("film_id", "film"),))
    assert cardinality(pairs["titles", "roles"]) == OneToMany("roles_film", (("film", "film_id"),))


def test_views_on_both_sides_can_be_embedded_in_each_other() -> None:
    titles = view("titles", ["film"], (1, FILMS.relation_id, 1))
    parts = view("parts", ["of"], (1, ROLES_FILM.relation_id, 1), oid=91)

    pairs = found(FILMS_KEY, TO_FILM, views=[titles, parts])

    assert cardinality(pairs["parts", "titles"]) == ManyToOne("roles_film", (("of", "film"),))


def test_a_view_that_shows_a_key_column_twice_has_a_relationship_for_each() -> None:
    parts = view("parts", ["of", "again"], (1, ROLES_FILM.relation_id, 1), (2, ROLES_FILM.relation_id, 1))

    both = found(FILMS_KEY, TO_FILM, views=[parts])["parts", "films"]

    columns = [
        r.cardinality.columns
        for r in both
        if isinstance(r, ForeignKeyRelationship) and isinstance(r.cardinality, ManyToOne)
    ]
    assert columns == [(("again", "id"),), (("of", "id"),)]


def test_a_view_that_shows_part_of_a_key_does_not_have_it() -> None:
    pairs = found(JUNCTION_KEY, TO_FILM, views=[view("parts", ["of"], (1, ROLES_BOTH.relation_id, 2))])

    assert ("parts", "films") not in pairs


def test_a_view_has_the_primary_key_of_its_table() -> None:
    parts = view("parts", ["actor", "film"], (1, 3, 2), (2, 3, 1))

    keys = find_view_keys([parts], [JUNCTION_KEY], ["api"])

    assert view_primary_keys(keys) == {parts.name: ("film", "actor")}


def test_a_computed_relationship_takes_the_place_of_the_one_to_the_relation_of_its_name() -> None:
    override = ComputedRelationship(
        function=FILMS.relation, table=ROLES, foreign_table=FILMS.relation, is_to_one=True, is_self=False
    )

    pairs = found(FILMS_KEY, TO_FILM, computed=[override])

    assert pairs["roles", "films"] == [override]
    assert isinstance(cardinality(pairs["films", "roles"]), OneToMany)


def test_candidates_stand_in_order_with_computed_ones_last() -> None:
    second = TO_FILM._replace(constraint="a_second_film", side=ROLES_FILM._replace(numbers=(3,), names=("other_id",)))
    computed = ComputedRelationship(
        function=QualifiedName("api", "a_film"),
        table=ROLES,
        foreign_table=FILMS.relation,
        is_to_one=True,
        is_self=False,
    )

    candidates = found(TO_FILM, second, computed=[computed])["roles", "films"]

    assert [getattr(getattr(c, "cardinality", None), "constraint", None) for c in candidates] == [
        "a_second_film",
        "roles_film",
        None,
    ]
