"""Columns that functions compute. PostgREST docs, references/api/computed_fields."""

from __future__ import annotations

import pytest

from tests.support.serve import Api


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/books?select=id,label&id=eq.1", [{"id": 1, "label": "Tide Tables, 1930"}]),
        ("/books?select=name:label&id=eq.4", [{"name": "Untitled"}]),
        ("/books?select=id&label=like.*1985", [{"id": 2}]),
        ("/books?select=id&label=not.like.*19*", [{"id": 4}]),
        ("/books?select=id&or=(label.eq.Untitled,id.eq.1)&order=id", [{"id": 1}, {"id": 4}]),
        ("/books?select=id&order=label.desc&limit=2", [{"id": 4}, {"id": 1}]),
        ("/authors?select=books(label)&id=eq.1", [{"books": [{"label": "Tide Tables, 1930"}]}]),
    ],
    ids=["selected", "with an alias", "filtered", "negated", "in logic", "ordered", "embedded"],
)
def test_a_function_on_a_row_is_a_column(library: Api, target: str, expected: object) -> None:
    response = library.get(target)

    assert response.status == 200, response.text
    assert response.json() == expected


def test_it_is_not_shown_unless_asked_for(library: Api) -> None:
    assert "label" not in library.get("/books?id=eq.1").json()[0]
    assert library.get("/books?select=*,label&id=eq.1").json()[0]["label"] == "Tide Tables, 1930"


def test_it_comes_with_written_rows(library: Api) -> None:
    response = library.patch("/books?id=eq.1&select=label", {"year": 1931}, headers={"prefer": "return=representation"})

    assert response.json() == [{"label": "Tide Tables, 1931"}]


def test_its_unnamed_parameter_keeps_it_from_being_a_function_of_the_api(library: Api) -> None:
    assert library.get("/rpc/label").status == 404
