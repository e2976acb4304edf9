"""Answers to GET and HEAD of a relation: what rows they hold, of how many, and where they are."""

import json

import pytest

from tailrace.engine.config.config import Verbosity
from tailrace.engine.media_type import CSV, JSON, MediaType, PlanFormat, plan_media_type
from tailrace.engine.plan.read_plan import ReadPlan
from tailrace.engine.request.api_request import QueryString
from tailrace.engine.request.preferences import Count, Preferences
from tailrace.engine.response.render import ResponseSettings, recipe_of
from tests.unit.response.answers import FILMS, Result, answer, header, names, page, reading, request, result


def test_rows_come_with_their_range_place_type_and_length() -> None:
    asked = request(query=QueryString(canonical="order=id&select=id"))

    response = answer(reading(), result(2, b'[{"id":1},{"id":2}]'), asked)

    assert (response.status, response.body) == (200, b'[{"id":1},{"id":2}]')
    assert response.headers == [
        (b"Content-Range", b"0-1/*"),
        (b"Content-Location", b"/films?order=id&select=id"),
        (b"Content-Length", b"19"),
        (b"Content-Type", b"application/json; charset=utf-8"),
        (b"Vary", b"Accept, Prefer, Range"),
    ]


def test_head_has_the_same_headers_but_for_the_length() -> None:
    response = answer(reading(headers_only=True), result(2, None))

    assert response.body == b""
    assert names(response) == ["Content-Location", "Content-Range", "Content-Type", "Vary"]


@pytest.mark.parametrize(
    ("offset", "rows", "total", "status", "expected"),
    [
        (0, 0, None, 200, "*/*"),
        (0, 10, None, 200, "0-9/*"),
        (20, 10, None, 200, "20-29/*"),
        (0, 10, 10, 200, "0-9/10"),
        (0, 10, 11, 206, "0-9/11"),
        (10, 0, 10, 206, "*/10"),
        (0, 0, 0, 200, "*/0"),
        (601, 0, None, 200, "*/*"),
    ],
)
def test_a_count_tells_whether_there_is_more(
    offset: int, rows: int, total: int | None, status: int, expected: str
) -> None:
    response = answer(reading(), result(rows, total=total), page(offset))

    assert (response.status, header(response, "Content-Range")) == (status, expected)


def test_beyond_the_end_of_counted_rows_there_is_an_error_that_still_has_all_headers() -> None:
    asked = page(601, preferences=Preferences(count=Count.EXACT))

    response = answer(reading(), result(0, b"[]", total=600), asked)

    assert response.status == 416
    assert header(response, "Content-Range") == "*/600"
    assert header(response, "Preference-Applied") == "count=exact"
    assert header(response, "Proxy-Status") is None
    assert header(response, "Content-Length") == str(len(response.body))
    assert json.loads(response.body) == {
        "code": "PGRST103",
        "details": "An offset of 601 was requested, but there are only 600 rows.",
        "hint": None,
        "message": "Requested range not satisfiable",
    }


def test_that_error_is_terse_if_clients_are_to_know_little() -> None:
    response = answer(reading(), result(total=1), page(5), ResponseSettings(Verbosity.MINIMAL))

    assert json.loads(response.body) == {"code": "PGRST103", "message": "Requested range not satisfiable"}


@pytest.mark.parametrize(
    ("count", "counted", "planned", "max_rows", "expected"),
    [
        (Count.PLANNED, None, 70, None, "0-4/70"),
        (Count.ESTIMATED, 5, 70, 10, "0-4/5"),
        (Count.ESTIMATED, 11, 70, 10, "0-4/70"),
        (Count.ESTIMATED, 11, 7, 10, "0-4/11"),
        (Count.ESTIMATED, 5, 70, None, "0-4/70"),
        (Count.EXACT, 5, 70, None, "0-4/5"),
    ],
)
def test_an_estimate_trusts_the_count_up_to_db_max_rows(
    count: Count, counted: int | None, planned: int, max_rows: int | None, expected: str
) -> None:
    recipe = recipe_of(reading(), request(Preferences(count=count)), ResponseSettings(max_rows=max_rows))

    response = recipe.render(result(5, total=counted), planned=planned)

    assert header(response, "Content-Range") == expected


@pytest.mark.parametrize(
    ("media_type", "expected"),
    [
        (CSV, "text/csv; charset=utf-8"),
        (MediaType("application/octet-stream"), "application/octet-stream"),
        (MediaType("image/png"), "image/png"),
    ],
)
def test_the_content_type_is_the_negotiated_one(media_type: MediaType, expected: str) -> None:
    assert header(answer(reading(media_type=media_type), result()), "Content-Type") == expected


def test_a_schema_chosen_by_profile_is_confirmed() -> None:
    response = answer(reading(), result(), request(negotiated_by_profile=True, schema="tenant"))

    assert header(response, "Content-Profile") == "tenant"


def test_one_recipe_serves_all_requests_of_a_shape() -> None:
    recipe = recipe_of(reading(), request(), ResponseSettings())

    first, second = recipe.render(result(1, b"[1]")), recipe.render(result(1, b"[22]"), canonical="id=eq.2")

    assert (header(first, "Content-Length"), header(second, "Content-Length")) == ("3", "4")
    assert (header(first, "Content-Location"), header(second, "Content-Location")) == ("/films", "/films?id=eq.2")


def test_an_execution_plan_is_sent_line_by_line() -> None:
    media_type = plan_media_type(JSON, PlanFormat.TEXT, ("analyze",))

    response = answer(reading(media_type=media_type), Result([(b"Seq Scan",), (b"  Filter",)]))

    assert (response.status, response.body) == (200, b"Seq Scan\n  Filter\n")
    assert header(response, "Content-Type") == (
        'application/vnd.pgrst.plan+text; for="application/json"; options=analyze; charset=utf-8'
    )
    assert header(response, "Content-Range") is None


def test_an_embedding_named_by_its_relation_despite_an_alias_earns_a_warning() -> None:
    embedding = ReadPlan(name="actors", source=FILMS, alias="cast", legacy_name_used=True)
    plan = reading(read=ReadPlan(name="films", source=FILMS, embeddings=(embedding,)))

    warned = answer(plan, result())
    spared = answer(plan, result(), settings=ResponseSettings(warns_of_legacy_names=False))

    assert "Update `actors` to `cast` in query string filters" in (header(warned, "Warning") or "")
    assert header(spared, "Warning") is None
