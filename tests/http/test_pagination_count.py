"""Pages and totals. PostgREST docs, references/api/pagination_count."""

from __future__ import annotations

import pytest

from tests.support.serve import Api, Serve

EXACT = {"prefer": "count=exact"}


@pytest.mark.parametrize(
    ("query", "found", "content_range"),
    [
        ("limit=2", [1, 2], "0-1/*"),
        ("offset=2", [3, 4], "2-3/*"),
        ("limit=1&offset=1", [2], "1-1/*"),
        ("limit=100", [1, 2, 3, 4], "0-3/*"),
        ("limit=0", [], "*/*"),
        ("offset=9", [], "*/*"),
        ("limit=2&limit=1", [1], "0-0/*"),
        ("limit=abc", [1, 2, 3, 4], "0-3/*"),
    ],
)
def test_limit_and_offset_choose_a_page(library: Api, query: str, found: list[int], content_range: str) -> None:
    response = library.get(f"/books?select=id&order=id&{query}")

    assert response.status == 200
    assert [row["id"] for row in response.json()] == found
    assert response.headers["content-range"] == content_range


@pytest.mark.parametrize(
    ("header", "found", "content_range"),
    [
        ("0-1", [1, 2], "0-1/*"),
        ("1-1", [2], "1-1/*"),
        ("2-", [3, 4], "2-3/*"),
        ("0-50", [1, 2, 3, 4], "0-3/*"),
        ("nonsense", [1, 2, 3, 4], "0-3/*"),
    ],
)
def test_a_range_header_chooses_a_page(library: Api, header: str, found: list[int], content_range: str) -> None:
    response = library.get("/books?select=id&order=id", headers={"range-unit": "items", "range": header})

    assert response.status == 200
    assert [row["id"] for row in response.json()] == found
    assert response.headers["content-range"] == content_range


def test_header_and_parameters_are_intersected(library: Api) -> None:
    response = library.get("/books?select=id&order=id&offset=1", headers={"range": "0-1"})

    assert [row["id"] for row in response.json()] == [2]


def test_an_exact_count_stands_behind_the_slash(library: Api) -> None:
    response = library.get("/books?select=id&order=id", headers=EXACT)

    assert response.status == 200
    assert response.headers["content-range"] == "0-3/4"
    assert response.headers["preference-applied"] == "count=exact"


def test_a_part_of_a_counted_whole_is_partial_content(library: Api) -> None:
    response = library.get("/books?select=id&order=id&limit=2", headers=EXACT)

    assert response.status == 206
    assert response.headers["content-range"] == "0-1/4"


def test_the_count_is_of_the_filtered_rows(library: Api) -> None:
    response = library.get("/books?select=id&author_id=eq.2&limit=1", headers=EXACT)

    assert response.headers["content-range"] == "0-0/2"


def test_an_empty_page_of_a_counted_whole_is_partial_too(library: Api) -> None:
    response = library.get("/books?limit=0", headers=EXACT)

    assert response.status == 206
    assert response.headers["content-range"] == "*/4"
    assert response.json() == []


def test_a_head_request_counts_without_sending_rows(library: Api) -> None:
    response = library.head("/books?limit=1", headers=EXACT)

    assert response.status == 206
    assert response.headers["content-range"] == "0-0/4"
    assert response.text == ""


def test_an_offset_beyond_a_counted_end_is_not_satisfiable(library: Api) -> None:
    response = library.get("/books?offset=5", headers=EXACT)

    assert response.status == 416
    assert response.headers["content-range"] == "*/4"
    assert response.json() == {
        "code": "PGRST103",
        "details": "An offset of 5 was requested, but there are only 4 rows.",
        "hint": None,
        "message": "Requested range not satisfiable",
    }


@pytest.mark.parametrize(
    ("target", "headers", "details"),
    [
        ("/books", {"range": "3-1"}, "The lower boundary must be lower than or equal to the upper boundary in the Range"
                                     " header."),
        ("/books?limit=-1", {}, "Limit should be greater than or equal to zero."),
    ],
)  # fmt: skip
def test_a_page_that_cannot_be_is_not_satisfiable(
    library: Api, target: str, headers: dict[str, str], details: str
) -> None:
    response = library.get(target, headers=headers)

    assert response.status == 416
    assert response.json()["code"] == "PGRST103"
    assert response.json()["details"] == details


def test_planned_and_estimated_counts_come_from_the_statistics(library: Api) -> None:
    planned = library.get("/books?select=id&limit=1", headers={"prefer": "count=planned"})
    estimated = library.get("/books?select=id&limit=1", headers={"prefer": "count=estimated"})

    for response, preference in ((planned, "count=planned"), (estimated, "count=estimated")):
        assert response.status == 206
        assert response.headers["preference-applied"] == preference
        _, _, total = response.headers["content-range"].partition("/")
        assert int(total) >= 1


TICKS = """
create schema clock;
create table clock.ticks (id int primary key);
create table clock.tocks (id int primary key, tick_id int references clock.ticks);
insert into clock.ticks select generate_series(1, 30);
insert into clock.tocks select i, 1 from generate_series(1, 30) i;
create function clock.some_ticks() returns setof clock.ticks language sql stable as 'select * from clock.ticks';
grant usage on schema clock to anonymous;
grant select on all tables in schema clock to anonymous;
analyze clock.ticks;
"""


@pytest.fixture(scope="module")
def clock(serve: Serve) -> Api:
    return serve(TICKS, db_schemas="clock", db_max_rows=10)


@pytest.mark.parametrize(
    ("target", "content_range"),
    [
        ("/ticks?order=id", "0-9/*"),
        ("/ticks?order=id&limit=20", "0-9/*"),
        ("/ticks?order=id&limit=3", "0-2/*"),
        ("/rpc/some_ticks", "0-9/*"),
    ],
)
def test_db_max_rows_is_the_largest_page(clock: Api, target: str, content_range: str) -> None:
    response = clock.get(target)

    assert response.status == 200
    assert response.headers["content-range"] == content_range


def test_db_max_rows_holds_for_embedded_rows_too(clock: Api) -> None:
    response = clock.get("/ticks?id=eq.1&select=tocks(id)")

    assert len(response.json()[0]["tocks"]) == 10


def test_an_exact_count_is_not_bound_by_db_max_rows(clock: Api) -> None:
    response = clock.get("/ticks?order=id", headers=EXACT)

    assert response.status == 206
    assert response.headers["content-range"] == "0-9/30"


def test_an_estimated_count_is_exact_below_db_max_rows_and_planned_above(clock: Api) -> None:
    estimated = {"prefer": "count=estimated"}

    assert clock.get("/ticks?id=lte.3", headers=estimated).headers["content-range"] == "0-2/3"
    assert clock.get("/ticks", headers=estimated).headers["content-range"] == "0-9/30"
