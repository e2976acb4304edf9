"""Sums and counts. PostgREST docs, references/api/aggregate_functions."""

from __future__ import annotations

import pytest

from tests.http.conftest import LIBRARY
from tests.support.serve import Api, Serve


@pytest.fixture(scope="module")
def counting(serve: Serve) -> Api:
    return serve(LIBRARY, db_schemas="lend", db_anon_role="authenticated", db_aggregates_enabled=True)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/books?select=pages.sum()", [{"sum": 779}]),
        ("/books?select=pages.max(),pages.min()", [{"max": 320, "min": 99}]),
        ("/books?select=n:pages.sum(),mean:pages.avg()::int", [{"n": 779, "mean": 195}]),
        ("/books?select=count()", [{"count": 4}]),
        ("/books?select=count(),rated:rating.count()", [{"count": 4, "rated": 3}]),
        ("/books?select=shelf,count()&order=shelf",
         [{"shelf": "fiction", "count": 2}, {"shelf": "science", "count": 1}, {"shelf": "travel", "count": 1}]),
        ("/books?select=details->size->w::int.sum()", [{"sum": 21}]),
        ("/books?select=pages.sum()&author_id=eq.2", [{"sum": 470}]),
        ("/books?select=pages::text.max()", [{"max": "99"}]),
    ],
    ids=["sum", "two", "aliases and casts", "count", "count of a column", "grouped", "cast before", "filtered",
         "text"],
)  # fmt: skip
def test_aggregates_group_by_the_plain_columns(counting: Api, target: str, expected: object) -> None:
    response = counting.get(target)

    assert response.status == 200, response.text
    assert response.json() == expected


def test_aggregates_group_by_an_embedded_row(counting: Api) -> None:
    response = counting.get("/books?select=pages.sum(),authors(name)&author_id=not.is.null")

    by_name = {row["authors"]["name"]: row["sum"] for row in response.json()}
    assert by_name == {"Ada Berg": 210, "Cem Dursun": 470}


def test_aggregates_group_by_a_spread_column(counting: Api) -> None:
    response = counting.get("/books?select=pages.sum(),...authors(author:name)&author_id=not.is.null")

    assert sorted(response.json(), key=lambda row: str(row["author"])) == [
        {"sum": 210, "author": "Ada Berg"},
        {"sum": 470, "author": "Cem Dursun"},
    ]


def test_aggregates_work_inside_an_embedding(counting: Api) -> None:
    response = counting.get("/authors?select=name,books(pages.sum(),count())&order=id")

    assert response.json() == [
        {"name": "Ada Berg", "books": [{"sum": 210, "count": 1}]},
        {"name": "Cem Dursun", "books": [{"sum": 470, "count": 2}]},
        {"name": "Eva Falk", "books": [{"sum": None, "count": 0}]},
    ]


def test_aggregates_of_a_spread_to_one_are_lifted(counting: Api) -> None:
    response = counting.get("/books?select=shelf,...authors(born.max())&order=shelf")

    assert response.json() == [
        {"shelf": "fiction", "max": 1955},
        {"shelf": "science", "max": 1900},
        {"shelf": "travel", "max": 1955},
    ]


def test_aggregates_of_a_spread_to_many_are_not_implemented(counting: Api) -> None:
    response = counting.get("/authors?select=name,...books(pages.sum())")

    assert response.status == 400
    assert response.json() == {
        "code": "PGRST127",
        "details": "Aggregates are not implemented for one-to-many or many-to-many spreads.",
        "hint": None,
        "message": "Feature not implemented",
    }


@pytest.mark.parametrize("select", ["pages.sum()", "count()", "authors(born.max())"])
def test_aggregates_are_off_unless_enabled(library: Api, select: str) -> None:
    response = library.get(f"/books?select={select}")

    assert response.status == 400
    assert response.json() == {
        "code": "PGRST123",
        "details": None,
        "hint": None,
        "message": "Use of aggregate functions is not allowed",
    }
