"""The schema cache as JSON, in the shape that PostgREST's tools read."""

import json
from typing import Any

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.media_type import CSV, JSON, OCTET_STREAM, MediaType
from tailrace.engine.schema_cache.cache import SchemaCache
from tailrace.engine.schema_cache.dump import dump_schema_cache
from tailrace.engine.schema_cache.media_handler import Builtin, CustomHandler, ResolvedHandler
from tailrace.engine.schema_cache.relationship import (
    ComputedRelationship,
    ForeignKeyRelationship,
    ManyToMany,
    OneToOne,
)
from tailrace.engine.schema_cache.routine import ReturnType, Routine, RoutineParameter, Volatility
from tailrace.engine.schema_cache.summary import summarize
from tailrace.engine.schema_cache.table import Column, Table
from tailrace.engine.statement import IsolationLevel

FILMS = QualifiedName("api", "films")
PEOPLE = QualifiedName("api", "people")
EMPTY = SchemaCache(tables={}, relationships={}, routines={})


def dumped(cache: SchemaCache) -> Any:
    return json.loads(dump_schema_cache(cache))


def name(of: QualifiedName) -> dict[str, str]:
    return {"qiSchema": of.schema, "qiName": of.name}


def test_relations_are_pairs_of_name_and_table() -> None:
    column = Column("id", None, False, "integer", "integer", None, None, ())
    table = Table("api", "films", "All films", False, True, True, True, ("id",), {"id": column})

    ((key, found),) = dumped(SchemaCache({FILMS: table}, {}, {}))["dbTables"]

    assert key == name(FILMS)
    assert found["tablePKCols"] == ["id"]
    assert found["tableColumns"]["id"] == {
        "colName": "id",
        "colDescription": None,
        "colNullable": False,
        "colType": "integer",
        "colNominalType": "integer",
        "colMaxLen": None,
        "colDefault": None,
        "colEnum": [],
    }


def test_relationships_are_tagged_with_their_cardinality() -> None:
    one = OneToOne("fk", (("a", "b"),), is_parent=True)
    many = ManyToMany(FILMS, "c1", "c2", (("a", "b"),), (("c", "d"),))
    cache = SchemaCache(
        {},
        {
            (FILMS, "api"): (
                ForeignKeyRelationship(FILMS, PEOPLE, False, one, False, True),
                ForeignKeyRelationship(FILMS, FILMS, True, many, False, False),
                ComputedRelationship(PEOPLE, FILMS, PEOPLE, is_to_one=True, is_self=False),
            )
        },
        {},
    )

    ((key, (first, second, third)),) = dumped(cache)["dbRelationships"]

    assert key == [name(FILMS), "api"]
    assert first["relCardinality"] == {"tag": "O2O", "relCons": "fk", "relColumns": [["a", "b"]], "isParent": True}
    assert second["relCardinality"]["contents"]["junColsTarget"] == [["c", "d"]]
    assert third["tag"] == "ComputedRelationship"
    assert third["relTableAlias"] == {"qiSchema": "", "qiName": ""}


def test_functions_tell_what_they_take_and_return() -> None:
    routine = Routine(
        schema="api",
        name="search",
        description=None,
        parameters=(RoutineParameter("term", "character", "character varying", True, False),),
        return_type=ReturnType(FILMS, is_set=True, is_composite=True),
        volatility=Volatility.STABLE,
        has_variadic=False,
        isolation=IsolationLevel.REPEATABLE_READ,
        settings=(("statement_timeout", "1s"),),
    )

    ((_, (found,)),) = dumped(SchemaCache({}, {}, {QualifiedName("api", "search"): (routine,)}))["dbRoutines"]

    assert found["pdReturnType"] == {"tag": "SetOf", "contents": {"tag": "Composite", "contents": [name(FILMS), False]}}
    assert found["pdParams"][0]["ppTypeMaxLength"] == "character varying"
    assert (found["pdVolatility"], found["pdIsoLvl"]) == ("Stable", "RepeatableRead")
    assert found["pdFuncSettings"] == [["statement_timeout", "1s"]]


def test_handlers_are_pairs_of_what_is_asked_and_what_answers() -> None:
    image = MediaType("image/png")
    cache = SchemaCache(
        {},
        {},
        {},
        {("text", "api.colour"): "api.colour"},
        {
            (None, CSV): ResolvedHandler(Builtin.CSV, CSV),
            (FILMS, image): ResolvedHandler(CustomHandler(PEOPLE, FILMS), OCTET_STREAM),
        },
    )

    document = dumped(cache)

    assert document["dbMediaHandlers"] == [
        [[{"tag": "RelAnyElement"}, {"tag": "MTTextCSV"}], [{"tag": "BuiltinOvAggCsv"}, {"tag": "MTTextCSV"}]],
        [
            [{"tag": "RelId", "contents": name(FILMS)}, {"tag": "MTOther", "contents": "image/png"}],
            [
                {"tag": "CustomFunc", "contents": [name(PEOPLE), {"tag": "RelId", "contents": name(FILMS)}]},
                {"tag": "MTOctetStream"},
            ],
        ],
    ]
    assert document["dbRepresentations"] == [
        [["text", "api.colour"], {"drSourceType": "text", "drTargetType": "api.colour", "drFunction": "api.colour"}]
    ]


def test_the_summary_counts_every_kind() -> None:
    cache = SchemaCache({}, {}, {}, {}, {(None, JSON): ResolvedHandler(Builtin.JSON, JSON)})

    assert summarize(cache) == "0 Relations, 0 Relationships, 0 RPCs, 0 Domain Representations, 1 Media Type Handlers"


def test_names_and_keys_stand_in_alphabetical_order() -> None:
    tables = {name: Table(*name, None, False, True, True, True, (), {}) for name in (PEOPLE, FILMS)}

    text = dump_schema_cache(SchemaCache(tables, {}, {})).decode()

    assert text.startswith('{"dbMediaHandlers":')
    assert text.index('{"qiName":"films","qiSchema":"api"}') < text.index('{"qiName":"people","qiSchema":"api"}')


def test_an_empty_cache_has_every_part() -> None:
    assert dumped(EMPTY) == {
        "dbTables": [],
        "dbRelationships": [],
        "dbRoutines": [],
        "dbRepresentations": [],
        "dbMediaHandlers": [],
    }
