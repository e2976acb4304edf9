"""Writing rows. PostgREST docs, references/api/tables_views ("Insert" to "Delete") and references/api/preferences."""

from __future__ import annotations

import pytest

from tests.support.serve import Api

FULL = {"prefer": "return=representation"}
HEADERS_ONLY = {"prefer": "return=headers-only"}
JSON = "application/json; charset=utf-8"


def full(*preferences: str, **headers: str) -> dict[str, str]:
    """Headers that ask for the written rows, and whatever else."""
    return {"prefer": ", ".join(("return=representation", *preferences)), **headers}


# ---------------------------------------------------------------- insert


def test_a_row_is_created_and_nothing_is_said_about_it(library: Api) -> None:
    response = library.post("/authors", {"id": 9, "name": "Nia Roth"})

    assert response.status == 201
    assert response.text == ""
    assert response.headers["content-range"] == "*/*"
    assert response.headers["location"] is None
    assert response.headers["content-type"] is None


def test_representation_gives_the_row_with_what_the_server_filled_in(library: Api) -> None:
    response = library.post("/members", {"id": 9, "name": "Nia"}, headers=FULL)

    assert response.status == 201
    assert response.headers["content-type"] == JSON
    assert response.headers["preference-applied"] == "return=representation"
    assert response.json() == [
        {
            "id": 9,
            "name": "Nia",
            "email": None,
            "mentor_id": None,
            "joined": "2024-01-01T12:00:00+00:00",
            "level": 1,
            "active": None,
        }
    ]


def test_headers_only_says_where_the_row_is(library: Api) -> None:
    single_key = library.post("/authors", {"id": 9, "name": "Nia Roth"}, headers=HEADERS_ONLY)
    double_key = library.post("/stamps", {"code": "NEW", "year": 2024}, headers=HEADERS_ONLY)

    assert single_key.status == 201
    assert single_key.headers["location"] == "/authors?id=eq.9"
    assert single_key.headers["preference-applied"] == "return=headers-only"
    assert double_key.headers["location"] == "/stamps?code=eq.NEW&year=eq.2024"


def test_a_table_without_a_key_has_no_location(library: Api) -> None:
    response = library.post("/jottings", {"line": "second"}, headers=HEADERS_ONLY)

    assert response.status == 201
    assert response.headers["location"] is None


def test_written_rows_can_be_shaped_and_embed_others(library: Api) -> None:
    response = library.post(
        "/books?select=title,authors(name)", {"id": 9, "title": "Salt", "pages": 10, "author_id": 1}, headers=FULL
    )

    assert response.json() == [{"title": "Salt", "authors": {"name": "Ada Berg"}}]


def test_written_rows_come_as_csv_too(library: Api) -> None:
    response = library.post("/authors", {"id": 9, "name": "Nia Roth"}, headers=full(accept="text/csv"))

    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.text == 'id,name,born\n9,"Nia Roth",'


def test_many_rows_are_created_by_one_array(library: Api) -> None:
    rows = [{"id": 8, "name": "Nia"}, {"id": 9, "name": "Ola"}]

    response = library.post("/authors?select=id,name", rows, headers=full("count=exact"))

    assert response.status == 201
    assert response.headers["content-range"] == "*/2"
    assert response.headers["preference-applied"] == "return=representation, count=exact"
    assert response.json() == rows


def test_no_rows_are_no_error(library: Api) -> None:
    response = library.post("/authors", [], headers=FULL)

    assert response.status == 201
    assert response.json() == []


def test_rows_of_an_array_have_the_same_keys(library: Api) -> None:
    response = library.post("/authors", [{"id": 8, "name": "Nia"}, {"id": 9}])

    assert response.status == 400
    assert response.json() == {
        "code": "PGRST102",
        "details": None,
        "hint": None,
        "message": "All object keys must match",
    }


def test_rows_come_from_csv(library: Api) -> None:
    response = library.post(
        "/authors?select=id,name,born",
        'id,name,born\n8,"Roth, Nia",1990\n9,,NULL\n',
        headers=full(**{"content-type": "text/csv"}),
    )

    assert response.status == 201
    assert response.json() == [{"id": 8, "name": "Roth, Nia", "born": 1990}, {"id": 9, "name": "", "born": None}]


def test_csv_rows_have_as_many_fields_as_the_header(library: Api) -> None:
    response = library.post("/authors", "id,name\n7,Nia\n8\n", headers={"content-type": "text/csv"})

    assert response.status == 400
    assert response.json()["code"] == "PGRST102"
    assert response.json()["message"] == "All lines must have same number of fields"


def test_a_row_comes_from_a_form(library: Api) -> None:
    response = library.post(
        "/authors",
        "id=8&name=Nia+Roth&born=1990",
        headers=full(**{"content-type": "application/x-www-form-urlencoded"}),
    )

    assert response.status == 201
    assert response.json() == [{"id": 8, "name": "Nia Roth", "born": 1990}]


def test_columns_chooses_the_keys_that_are_written(library: Api) -> None:
    response = library.post(
        "/authors?columns=id,name", {"id": 8, "name": "Nia", "born": 1990, "pet": "cat"}, headers=FULL
    )

    assert response.json() == [{"id": 8, "name": "Nia", "born": None}]


def test_columns_must_exist(library: Api) -> None:
    response = library.post("/authors?columns=id,pet", {"id": 8, "pet": "cat"})

    assert response.status == 400
    assert response.json() == {
        "code": "PGRST204",
        "details": None,
        "hint": None,
        "message": "Could not find the 'pet' column of 'authors' in the schema cache",
    }


def test_a_key_that_is_no_column_is_named(library: Api) -> None:
    response = library.post("/authors", {"id": 8, "pet": "cat"})

    assert response.status == 400
    assert response.json()["code"] == "PGRST204"


def test_missing_columns_are_null_unless_default_is_preferred(library: Api) -> None:
    rows = [{"code": "A", "year": 1}, {"code": "B", "year": 2, "note": "red"}]

    as_null = library.post("/stamps?columns=code,year,note", rows, headers=FULL)
    as_default = library.post("/stamps?columns=code,year,note", rows, headers=full("missing=default"))

    assert [row["note"] for row in as_null.json()] == [None, "red"]
    assert [row["note"] for row in as_default.json()] == ["plain", "red"]
    assert as_default.headers["preference-applied"] == "missing=default, return=representation"


def test_an_empty_object_inserts_the_defaults(library: Api) -> None:
    response = library.post("/jottings", {}, headers=FULL)

    assert response.status == 201
    assert response.json() == [{"line": None}]


def test_json_arrays_and_objects_fill_arrays_composites_and_json(library: Api) -> None:
    branch = {
        "id": 9,
        "name": "Dock",
        "city": "Ystad",
        "place": {"lat": 1.5, "lon": 2},
        "phones": ["1", "a,b"],
        "hours": {"mon": [1, None]},
        "opened": None,
    }

    response = library.post("/branches", branch, headers=FULL)

    assert response.json() == [branch]


def test_a_view_of_one_table_takes_rows(library: Api) -> None:
    response = library.post("/long_books", {"id": 9, "title": "Salt", "pages": 300}, headers=FULL)

    assert response.status == 201
    assert response.json() == [{"id": 9, "title": "Salt", "pages": 300}]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"id": 9, "title": "Salt"}, 400, "23502"),
        ({"id": 1, "title": "Salt", "pages": 1}, 409, "23505"),
        ({"id": 9, "title": "Salt", "pages": 1, "author_id": 77}, 409, "23503"),
        ({"id": 9, "title": "Salt", "pages": "many"}, 400, "22P02"),
        ({"id": 9, "title": "Salt", "pages": 1, "shelf": "garden"}, 400, "22P02"),
        ({"id": 9, "title": "Salt", "pages": 1, "search": "x"}, 400, "428C9"),
    ],
    ids=["not null", "key taken", "no such author", "no number", "no such enum value", "generated column"],
)
def test_a_row_that_postgres_refuses_has_its_code(library: Api, body: object, status: int, code: str) -> None:
    response = library.post("/books", body)

    assert response.status == status
    assert response.json()["code"] == code


# ---------------------------------------------------------------- upsert

STAMPS = [{"code": "BOOK", "year": 2024, "note": "gold"}, {"code": "CARD", "year": 2024, "note": "grey"}]


def test_merge_duplicates_updates_what_is_there(library: Api) -> None:
    response = library.post("/stamps", STAMPS, headers=full("resolution=merge-duplicates"))

    assert response.status == 201
    assert response.headers["preference-applied"] == "resolution=merge-duplicates, return=representation"
    assert response.json() == STAMPS


def test_an_upsert_that_creates_nothing_is_200(library: Api) -> None:
    response = library.post("/stamps", STAMPS[:1], headers=full("resolution=merge-duplicates"))

    assert response.status == 200


def test_ignore_duplicates_leaves_what_is_there(library: Api) -> None:
    response = library.post("/stamps", STAMPS, headers=full("resolution=ignore-duplicates"))

    assert response.status == 201
    assert response.json() == STAMPS[1:]


def test_on_conflict_names_another_unique_constraint(library: Api) -> None:
    response = library.post(
        "/members?on_conflict=email&select=id,name,email",
        {"name": "Lena", "email": "lea@example.org"},
        headers=full("resolution=merge-duplicates"),
    )

    assert response.status == 200
    assert response.json() == [{"id": 2, "name": "Lena", "email": "lea@example.org"}]


def test_on_conflict_needs_a_unique_constraint(library: Api) -> None:
    response = library.post(
        "/members?on_conflict=name", {"name": "Lea"}, headers={"prefer": "resolution=merge-duplicates"}
    )

    assert response.status == 400
    assert response.json()["code"] == "42P10"


def test_put_replaces_the_row_that_its_filter_names(library: Api) -> None:
    response = library.put("/authors?id=eq.1", {"id": 1, "name": "Ada B.", "born": 1901}, headers=FULL)

    assert response.status == 200
    assert response.json() == [{"id": 1, "name": "Ada B.", "born": 1901}]


def test_put_creates_the_row_when_it_is_not_there(library: Api) -> None:
    response = library.put("/authors?id=eq.9", {"id": 9, "name": "Nia", "born": 1990}, headers=FULL)

    assert response.status == 201
    assert response.json() == [{"id": 9, "name": "Nia", "born": 1990}]


def test_put_without_representation_is_204(library: Api) -> None:
    replaced = library.put("/authors?id=eq.1", {"id": 1, "name": "Ada", "born": None})
    created = library.put("/authors?id=eq.9", {"id": 9, "name": "Nia", "born": None})

    assert (replaced.status, replaced.text) == (204, "")
    assert (created.status, created.text) == (204, "")


AUTHOR = {"id": 1, "name": "Ada", "born": None}


@pytest.mark.parametrize(
    ("target", "body", "status", "code", "message"),
    [
        ("/authors", AUTHOR, 405, "PGRST105",
         "Filters must include all and only primary key columns with 'eq' operators"),
        ("/authors?name=eq.Ada", AUTHOR, 405, "PGRST105",
         "Filters must include all and only primary key columns with 'eq' operators"),
        ("/authors?id=gt.1", AUTHOR, 405, "PGRST105",
         "Filters must include all and only primary key columns with 'eq' operators"),
        ("/authors?id=eq.2", AUTHOR, 400, "PGRST115", "Payload values do not match URL in primary key column(s)"),
        ("/authors?id=eq.1&limit=1", AUTHOR, 400, "PGRST114",
         "limit/offset querystring parameters are not allowed for PUT"),
    ],
    ids=["no filter", "another column", "another operator", "another key", "limit"],
)  # fmt: skip
def test_put_names_exactly_one_row_by_its_key(
    library: Api, target: str, body: object, status: int, code: str, message: str
) -> None:
    response = library.put(target, body)

    assert response.status == status
    assert (response.json()["code"], response.json()["message"]) == (code, message)


# ---------------------------------------------------------------- update


def test_patch_changes_the_rows_that_the_filter_finds(library: Api) -> None:
    response = library.patch("/books?author_id=eq.2", {"shelf": "science"})

    assert response.status == 204
    assert response.text == ""
    assert response.headers["content-range"] == "0-1/*"


def test_patch_gives_the_changed_rows(library: Api) -> None:
    response = library.patch("/authors?id=eq.3&select=name,born", {"born": 1960}, headers=FULL)

    assert response.status == 200
    assert response.headers["content-range"] == "0-0/*"
    assert response.json() == [{"name": "Eva Falk", "born": 1960}]


def test_patch_that_finds_nothing_is_no_error(library: Api) -> None:
    quiet = library.patch("/authors?id=eq.77", {"born": 1})
    full_answer = library.patch("/authors?id=eq.77", {"born": 1}, headers=FULL)

    assert (quiet.status, quiet.headers["content-range"]) == (204, "*/*")
    assert (full_answer.status, full_answer.json()) == (200, [])


def test_patch_with_an_empty_object_changes_nothing(library: Api) -> None:
    response = library.patch("/authors", {})

    assert response.status == 204
    assert response.headers["content-range"] == "*/*"


def test_limit_and_order_do_not_limit_a_patch(library: Api) -> None:
    response = library.patch("/authors?limit=1&order=id", {"born": 1}, headers={"prefer": "count=exact"})

    assert response.headers["content-range"] == "0-2/3"


def test_patch_sets_a_json_column_and_missing_defaults(library: Api) -> None:
    response = library.patch("/stamps?code=eq.BOOK&year=eq.2023&columns=note", [{}], headers=full("missing=default"))

    assert response.json() == [{"code": "BOOK", "year": 2023, "note": "plain"}]


# ---------------------------------------------------------------- delete


def test_delete_takes_away_what_the_filter_finds(library: Api) -> None:
    response = library.delete("/loans?member_id=eq.1", headers={"prefer": "count=exact"})

    assert response.status == 204
    assert response.headers["content-range"] == "*/2"


def test_delete_gives_what_it_took_away(library: Api) -> None:
    response = library.delete("/loans?id=eq.3&select=id,members(name)", headers=FULL)

    assert response.status == 200
    assert response.json() == [{"id": 3, "members": {"name": "Lea"}}]


def test_limit_and_order_do_not_limit_a_delete(library: Api) -> None:
    response = library.delete("/loans?limit=1&order=id", headers=full("count=exact"))

    assert response.headers["content-range"] == "*/3"


def test_a_row_that_others_need_stays(library: Api) -> None:
    response = library.delete("/authors?id=eq.1")

    assert response.status == 409
    assert response.json()["code"] == "23503"


# ---------------------------------------------------------------- one object


def test_one_written_row_can_be_asked_for_as_an_object(library: Api) -> None:
    response = library.patch(
        "/authors?id=eq.3", {"born": 1960}, headers=full(accept="application/vnd.pgrst.object+json")
    )

    assert response.status == 200
    assert response.json() == {"id": 3, "name": "Eva Falk", "born": 1960}


def test_a_write_of_other_than_one_row_is_undone_when_an_object_is_asked_for(library: Api) -> None:
    headers = {"accept": "application/vnd.pgrst.object+json", "prefer": "return=representation, tx=commit"}

    response = library.patch("/authors", {"born": 1}, headers=headers)

    assert response.status == 406
    assert response.json() == {
        "code": "PGRST116",
        "details": "The result contains 3 rows",
        "hint": None,
        "message": "Cannot coerce the result to a single JSON object",
    }
    assert library.get("/authors?born=eq.1").json() == []


# ---------------------------------------------------------------- bodies that are none


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ("", {"content-type": "application/json"}),
        ("{", {"content-type": "application/json"}),
        ('{"id": }', {"content-type": "application/json"}),
        ("nonsense", {"content-type": "application/json"}),
    ],
)
def test_a_body_that_is_no_json_is_refused(library: Api, body: str, headers: dict[str, str]) -> None:
    response = library.post("/authors", body, headers=headers)

    assert response.status == 400
    assert response.json()["code"] == "PGRST102"
    assert response.json()["message"] == "Empty or invalid json"


def test_a_body_of_a_foreign_type_is_refused(library: Api) -> None:
    response = library.post("/authors", "id: 8", headers={"content-type": "application/yaml"})

    assert response.status == 400
    assert response.json()["code"] == "PGRST102"
    assert response.json()["message"] == "Content-Type not acceptable: application/yaml"


def test_unknown_tables_take_no_rows(library: Api) -> None:
    response = library.post("/nowhere", {"id": 1})

    assert response.status == 404
    assert response.json()["code"] == "PGRST205"
