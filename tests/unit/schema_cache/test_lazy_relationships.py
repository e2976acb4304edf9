"""Relationships that are derived one by one are those that a derivation of all would give."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.schema_cache.catalog_key import ForeignKey, Side
from tailrace.engine.schema_cache.catalog_view import Origin
from tailrace.engine.schema_cache.relationship import ComputedRelationship
from tailrace.engine.schema_cache.relationship_map import RelationshipMap
from tests.unit.schema_cache.catalog import Catalog, Relation, UniqueKey
from tests.unit.schema_cache.eager import all_relationships, primary_key

SCHEMAS = ("api", "more")
COLUMNS = ("a", "b", "c")
NUMBERS = st.integers(1, len(COLUMNS))
FIRST_VIEW = 100


@st.composite
def catalogs(draw: st.DrawFn) -> Catalog:
    """Tables and views of two exposed schemas and a hidden one; views read tables and the views before them."""
    schema = st.sampled_from(("api", "more", "hidden"))
    tables = range(1, draw(st.integers(2, 5)) + 1)
    relations = {oid: Relation(QualifiedName(draw(schema), f"t{oid}"), COLUMNS) for oid in tables}
    columns = st.lists(NUMBERS, min_size=1, max_size=2, unique=True).map(tuple)
    unique = [
        UniqueKey(f"{oid}_{number}", Side(oid, draw(columns)), is_primary=number == 0)
        for oid in tables
        for number in range(draw(st.integers(0, 2)))
    ]
    foreign = []
    for number in range(draw(st.integers(1, 5))):
        size = draw(st.integers(1, 2))
        ends = st.lists(NUMBERS, min_size=size, max_size=size, unique=True).map(tuple)
        near, far = (Side(draw(st.sampled_from(tables)), draw(ends)) for _ in range(2))
        foreign.append(ForeignKey(f"f{number}", near, far))
    views: dict[int, list[Origin]] = {}
    for oid in range(FIRST_VIEW, FIRST_VIEW + draw(st.integers(0, 3))):
        sources = st.sampled_from((*tables, *views))
        views[oid] = [Origin(column, draw(sources), draw(NUMBERS)) for column in range(1, draw(NUMBERS) + 1)]
        relations[oid] = Relation(QualifiedName(draw(schema), f"v{oid}"), COLUMNS, is_view=True)
    return Catalog(relations, unique, foreign, views)


@st.composite
def computed_ones(draw: st.DrawFn, catalog: Catalog) -> list[ComputedRelationship]:
    """Some have the name of a relation, in whose place they stand."""
    names = st.sampled_from([relation.name for relation in catalog.relations.values()])
    found = []
    for number in range(draw(st.integers(0, 2))):
        table, foreign = draw(names), draw(names)
        function = draw(st.one_of(names, st.just(QualifiedName("api", f"computed{number}"))))
        found.append(ComputedRelationship(function, table, foreign, is_to_one=False, is_self=table == foreign))
    return found


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_every_relation_has_the_relationships_that_follow_from_all_keys(data: st.DataObject) -> None:
    catalog = data.draw(catalogs())
    computed = data.draw(computed_ones(catalog))
    expected = all_relationships(catalog, computed, SCHEMAS)

    found = RelationshipMap(catalog.derivation(SCHEMAS), computed, SCHEMAS)

    assert len(found) == len(expected)
    assert set(found) == set(expected)
    assert {key: Counter(found[key]) for key in expected} == {key: Counter(expected[key]) for key in expected}


@settings(max_examples=100, deadline=None)
@given(catalogs())
def test_views_have_the_primary_keys_that_they_show(catalog: Catalog) -> None:
    derivation = catalog.derivation(SCHEMAS)

    for oid, relation in catalog.relations.items():
        if relation.name.schema in SCHEMAS:
            assert derivation.primary_key(oid) == primary_key(catalog, oid)


def test_what_has_no_relationships_is_not_found() -> None:
    catalog = Catalog({1: Relation(QualifiedName("api", "alone"), COLUMNS)})

    found = RelationshipMap(catalog.derivation(SCHEMAS), (), SCHEMAS)

    assert (QualifiedName("api", "alone"), "api") not in found
    assert found.get((QualifiedName("api", "nothing"), "api")) is None
    assert len(found) == 0
