"""The text of whole statements: same shape, same text; names quoted, values as parameters."""

import pytest

from tailrace.engine.media_type import CSV, PlanFormat, plan_media_type
from tailrace.engine.plan.read_plan import ResolvedField, ResolvedOrder, ResolvedSelect
from tailrace.engine.request.filter import In, Operand, Quantifiable, QuantifiableOperator
from tailrace.engine.request.order import Direction
from tailrace.engine.request.preferences import Count, Preferences, Representation, Resolution
from tailrace.engine.request.range import NO_ROWS, RowRange
from tailrace.engine.schema_cache.media_handler import Builtin
from tailrace.engine.sql.fragment import Source
from tests.support.plans import (
    animals,
    deleting,
    equals,
    inserting,
    keepers_with_animals,
    reading,
    select,
    typed,
    updating,
    where,
    writing,
)


def cte(sql: bytes) -> str:
    """The query of pgrst_source, blanks put right."""
    start = b"WITH pgrst_source AS ("
    end = sql.index(b" SELECT null::bigint AS total_result_set")
    return " ".join(sql[sql.index(start) + len(start) : end].decode().removesuffix(")").split())


def test_a_read_names_columns_by_their_table() -> None:
    plan = animals(
        select=select("id", "name"),
        where=(equals("id", "1"),),
        order=(ResolvedOrder(ResolvedField("name"), Direction.DESC),),
    )

    assert cte(reading(plan).main.sql) == (
        'SELECT "zoo"."animals"."id", "zoo"."animals"."name" FROM "zoo"."animals"'
        ' WHERE "zoo"."animals"."id" = $1 ORDER BY "zoo"."animals"."name" DESC'
    )


def test_the_range_of_the_root_is_bound() -> None:
    template = reading(animals(range=RowRange(10, 19))).main

    assert template.sql.count(b"LIMIT $1 OFFSET $2") == 1
    assert [(p.value, p.source) for p in template.parameters] == [(b"10", Source.LIMIT), (b"10", Source.OFFSET)]


def test_a_range_without_end_has_no_limit() -> None:
    assert b"LIMIT ALL OFFSET $1" in reading(animals(range=RowRange(5))).main.sql


def test_a_limit_of_zero_is_a_range_too() -> None:
    assert reading(animals(range=NO_ROWS)).main.statement().parameters == [b"0", b"0"]


def test_no_range_is_no_limit_at_all() -> None:
    assert b"LIMIT" not in reading(animals()).main.sql


def test_an_embeddings_range_is_part_of_the_shape() -> None:
    plan = keepers_with_animals()
    [embedding] = plan.embeddings
    limited = keepers_with_animals(embeddings=(animals_limited(embedding.source_alias),))

    sources = [parameter.source for parameter in reading(limited).main.parameters]

    assert sources == [Source.CONSTANT, Source.CONSTANT]


def animals_limited(alias: str | None) -> object:
    return animals(aggregate_alias="keepers_animals_1", source_alias=alias, range=RowRange(0, 2), depth=1)


@pytest.mark.parametrize("values", [("",), ("1",), ("1", "2", "3")])
def test_the_text_does_not_depend_on_the_number_of_values_of_in(values: tuple[str, ...]) -> None:
    template = reading(animals(where=(where("id", In(values)),))).main

    assert b'"id" = ANY ($1)' in template.sql


def test_the_text_does_not_depend_on_values() -> None:
    one = reading(animals(where=(equals("id", "1"),))).main
    other = reading(animals(where=(equals("id", "x'; drop table"),))).main

    assert one.sql == other.sql


def test_names_are_quoted() -> None:
    plan = animals(select=select('a"b'), order=(ResolvedOrder(ResolvedField("; drop")),))

    sql = reading(plan).main.sql

    assert b'"zoo"."animals"."a""b"' in sql
    assert b'ORDER BY "zoo"."animals"."; drop"' in sql


def test_a_cast_that_is_no_type_name_is_quoted() -> None:
    plan = animals(select=(ResolvedSelect(ResolvedField("id"), cast="int) from secrets --"),))

    assert b'CAST( "zoo"."animals"."id" AS "int) from secrets --" )' in reading(plan).main.sql


def test_a_stars_count_has_no_cte_where_the_page_is_everything() -> None:
    everything = reading(animals(), preferences=Preferences(count=Count.EXACT))
    page = reading(animals(), preferences=Preferences(count=Count.EXACT), top_range=RowRange(0, 4))

    assert b"pgrst_source_count" not in everything.main.sql
    assert b'pgrst_source_count AS (SELECT 1 FROM "zoo"."animals")' in b" ".join(page.main.sql.split())


@pytest.mark.parametrize(
    ("count", "is_explained"),
    [(None, False), (Count.EXACT, False), (Count.PLANNED, True), (Count.ESTIMATED, True)],
)
def test_planned_and_estimated_counts_are_explained(count: Count | None, is_explained: bool) -> None:
    rendered = reading(animals(), preferences=Preferences(count=count))

    assert (rendered.explain_count is not None) == is_explained


def test_a_plan_is_explained_with_its_options_and_nothing_else() -> None:
    media_type = plan_media_type(CSV, PlanFormat.TEXT, ("analyze", "wal", "evil) select"))

    rendered = reading(animals(), media_type=media_type, preferences=Preferences(count=Count.PLANNED))

    assert rendered.main.sql.startswith(b"EXPLAIN (FORMAT TEXT, ANALYZE, WAL) WITH ")
    assert rendered.explain_count is None


def test_an_insert_reads_the_body_as_rows_of_typed_columns() -> None:
    plan = inserting([typed("name", "text"), typed("weight", "numeric")], returning=())

    assert cte(writing(plan, b"[]").main.sql) == (
        'INSERT INTO "zoo"."animals"("name", "weight") SELECT "pgrst_body"."name", "pgrst_body"."weight"'
        ' FROM (SELECT $1::json AS json_data) pgrst_payload, LATERAL (SELECT "name", "weight" FROM'
        ' json_to_recordset(pgrst_payload.json_data) AS _("name" text, "weight" numeric) ) pgrst_body RETURNING 1'
    )


def test_one_object_is_one_record() -> None:
    template = writing(inserting([typed("name", "text")]), b' \n{"name": "Fay"}').main

    assert b"json_to_record(" in template.sql
    assert [(p.value, p.source) for p in template.parameters] == [(b' \n{"name": "Fay"}', Source.BODY)]


def test_a_merge_updates_all_given_columns_on_the_conflict() -> None:
    plan = inserting([typed("id", "int"), typed("name", "text")], on_conflict=(Resolution.MERGE_DUPLICATES, ("id",)))

    sql = cte(writing(plan, b"[]").main.sql)

    assert 'ON CONFLICT("id") DO UPDATE SET "id" = EXCLUDED."id", "name" = EXCLUDED."name" WHERE' in sql


def test_a_merge_without_a_key_is_an_insert() -> None:
    plan = inserting([typed("id", "int")], on_conflict=(Resolution.MERGE_DUPLICATES, ()))

    assert "ON CONFLICT" not in cte(writing(plan, b"[]").main.sql)


def test_only_an_insert_with_headers_only_has_a_location() -> None:
    headers_only = Preferences(representation=Representation.HEADERS_ONLY)

    inserted = writing(inserting([]), b"[]", preferences=headers_only)
    represented = writing(inserting([]), b"[]")
    deleted = writing(deleting(), preferences=headers_only)

    assert b" AS location " in inserted.main.sql
    assert b" AS location " not in represented.main.sql
    assert b" AS location " not in deleted.main.sql


def test_what_is_not_returned_need_not_exist() -> None:
    template = writing(deleting(returning=("nope",)), handler=Builtin.NONE).main

    assert template.sql.endswith(b"FROM (SELECT * FROM pgrst_source) _postgrest_t")


def test_an_update_filters_by_the_tables_columns() -> None:
    condition = where("id", Quantifiable(QuantifiableOperator.GREATER_THAN, None, Operand("1")))
    plan = updating([typed("name", "text")], where=(condition,))

    sql = cte(writing(plan, b"{}").main.sql)

    assert sql.startswith('UPDATE "zoo"."animals" SET "name" = "pgrst_body"."name" FROM (SELECT $1::json')
    assert sql.endswith('pgrst_body WHERE "zoo"."animals"."id" > $2 RETURNING "zoo"."animals"."id"')
