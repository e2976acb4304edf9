"""Which relationships follow from keys, views and functions."""

from collections.abc import Sequence

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.schema_cache.catalog_key import ForeignKey, Side
from tailrace.engine.schema_cache.catalog_view import Origin
from tailrace.engine.schema_cache.relationship import (
    ComputedRelationship,
    ForeignKeyRelationship,
    ManyToMany,
    ManyToOne,
    OneToMany,
    OneToOne,
    Relationship,
)
from tailrace.engine.schema_cache.relationship_map import RelationshipMap
from tests.unit.schema_cache.catalog import Catalog, Relation, UniqueKey

FILMS = QualifiedName("api", "films")
ROLES = QualifiedName("api", "roles")
TABLES = (
    (1, Relation(FILMS, ("id", "sequel_of"))),
    (2, Relation(QualifiedName("api", "actors"), ("id",))),
    (3, Relation(ROLES, ("film_id", "actor_id", "other_id"))),
)
FILM_ID, ACTOR_ID = Side(1, (1,)), Side(2, (1,))
ROLES_FILM, ROLES_ACTOR, ROLES_BOTH = Side(3, (1,)), Side(3, (2,)), Side(3, (1, 2))

FILMS_KEY = UniqueKey("films_pkey", FILM_ID, is_primary=True)
TO_FILM = ForeignKey("roles_film", ROLES_FILM, FILM_ID)
TO_ACTOR = ForeignKey("roles_actor", ROLES_ACTOR, ACTOR_ID)
JUNCTION_KEY = UniqueKey("roles_pkey", ROLES_BOTH, is_primary=True)

View = tuple[int, Relation, list[Origin]]


def catalog(*keys: UniqueKey | ForeignKey, views: Sequence[View] = (), roles: QualifiedName = ROLES) -> Catalog:
    relations = {**dict(TABLES), 3: Relation(roles, TABLES[2][1].columns)}
    return Catalog(
        relations={**relations, **{oid: relation for oid, relation, _ in views}},
        unique=[key for key in keys if isinstance(key, UniqueKey)],
        foreign=[key for key in keys if isinstance(key, ForeignKey)],
        views={oid: origins for oid, _, origins in views},
    )


def pairs_of(
    catalog: Catalog, computed: Sequence[ComputedRelationship] = (), schemas: Sequence[str] = ("api",)
) -> dict[tuple[str, str], list[Relationship]]:
    """Relationships by the names of both relations."""
    pairs: dict[tuple[str, str], list[Relationship]] = {}
    for relationships in RelationshipMap(catalog.derivation(schemas), computed, schemas).values():
        for relationship in relationships:
            pairs.setdefault((relationship.table.name, relationship.foreign_table.name), []).append(relationship)
    return pairs


def found(
    *keys: UniqueKey | ForeignKey, views: Sequence[View] = (), computed: Sequence[ComputedRelationship] = ()
) -> dict[tuple[str, str], list[Relationship]]:
    return pairs_of(catalog(*keys, views=views), computed)


def cardinality(relationships: Sequence[Relationship]) -> object:
    (relationship,) = relationships
    assert isinstance(relationship, ForeignKeyRelationship)
    return relationship.cardinality


def view(name: str, names: Sequence[str], *origins: tuple[int, int, int], oid: int = 90) -> View:
    relation = Relation(QualifiedName("api", name), tuple(names), is_view=True)
    return oid, relation, [Origin(*origin) for origin in origins]


def test_a_foreign_key_is_many_to_one_and_one_to_many_the_other_way() -> None:
    pairs = found(FILMS_KEY, TO_FILM)

    assert cardinality(pairs["roles", "films"]) == ManyToOne("roles_film", (("film_id", "id"),))
    assert cardinality(pairs["films", "roles"]) == OneToMany("roles_film", (("id", "film_id"),))


def test_a_foreign_key_on_unique_columns_is_one_to_one() -> None:
    pairs = found(TO_FILM, UniqueKey("roles_film_key", ROLES_FILM))

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
    assert ("films", "actors") not in found(TO_FILM, TO_ACTOR, UniqueKey("roles_pkey", ROLES_FILM, is_primary=True))


def test_a_junction_that_is_not_exposed_joins_nothing() -> None:
    hidden = catalog(TO_FILM, TO_ACTOR, JUNCTION_KEY, roles=QualifiedName("internal", "roles"))

    assert pairs_of(hidden) == {}
    assert ("films", "actors") in pairs_of(hidden, schemas=("api", "internal"))


def test_a_table_that_refers_to_itself_has_both_ends_in_one_place() -> None:
    sequel = ForeignKey("films_sequel", Side(1, (2,)), FILM_ID)

    both = found(FILMS_KEY, sequel)["films", "films"]

    assert [type(r.cardinality) for r in both if isinstance(r, ForeignKeyRelationship)] == [OneToMany, ManyToOne]
    assert all(relationship.is_self for relationship in both)


def test_a_view_of_the_referenced_key_can_be_embedded_instead_of_the_table() -> None:
    titles = view("titles", ["film"], (1, FILM_ID.relation, 1))

    pairs = found(FILMS_KEY, TO_FILM, views=[titles])

    assert cardinality(pairs["roles", "titles"]) == ManyToOne("roles_film", (("film_id", "film"),))
    assert cardinality(pairs["titles", "roles"]) == OneToMany("roles_film", (("film", "film_id"),))


def test_views_on_both_sides_can_be_embedded_in_each_other() -> None:
    titles = view("titles", ["film"], (1, FILM_ID.relation, 1))
    parts = view("parts", ["of"], (1, ROLES_FILM.relation, 1), oid=91)

    pairs = found(FILMS_KEY, TO_FILM, views=[titles, parts])

    assert cardinality(pairs["parts", "titles"]) == ManyToOne("roles_film", (("of", "film"),))


def test_a_view_that_shows_a_key_column_twice_has_a_relationship_for_each() -> None:
    parts = view("parts", ["of", "again"], (1, ROLES_FILM.relation, 1), (2, ROLES_FILM.relation, 1))

    both = found(FILMS_KEY, TO_FILM, views=[parts])["parts", "films"]

    columns = [
        r.cardinality.columns
        for r in both
        if isinstance(r, ForeignKeyRelationship) and isinstance(r.cardinality, ManyToOne)
    ]
    assert columns == [(("again", "id"),), (("of", "id"),)]


def test_a_view_that_shows_part_of_a_key_does_not_have_it() -> None:
    pairs = found(JUNCTION_KEY, TO_FILM, views=[view("parts", ["of"], (1, ROLES_BOTH.relation, 2))])

    assert ("parts", "films") not in pairs


def test_a_view_has_the_primary_key_of_its_table() -> None:
    parts = view("parts", ["actor", "film"], (1, 3, 2), (2, 3, 1))

    derivation = catalog(JUNCTION_KEY, views=[parts]).derivation(("api",))

    assert derivation.primary_key(90) == ("film", "actor")


def test_a_computed_relationship_takes_the_place_of_the_one_to_the_relation_of_its_name() -> None:
    override = ComputedRelationship(function=FILMS, table=ROLES, foreign_table=FILMS, is_to_one=True, is_self=False)

    pairs = found(FILMS_KEY, TO_FILM, computed=[override])

    assert pairs["roles", "films"] == [override]
    assert isinstance(cardinality(pairs["films", "roles"]), OneToMany)


def test_candidates_stand_in_order_with_computed_ones_last() -> None:
    second = TO_FILM._replace(constraint="a_second_film", side=Side(3, (3,)))
    computed = ComputedRelationship(
        function=QualifiedName("api", "a_film"),
        table=ROLES,
        foreign_table=FILMS,
        is_to_one=True,
        is_self=False,
    )

    candidates = found(TO_FILM, second, computed=[computed])["roles", "films"]

    assert [getattr(getattr(c, "cardinality", None), "constraint", None) for c in candidates] == [
        "a_second_film",
        "roles_film",
        None,
    ]
