"""What an answer looks like. PostgREST docs, references/api/resource_representation and media_type_handlers."""

from __future__ import annotations

import pytest

from tests.support.serve import Api, Serve

SINGULAR = "application/vnd.pgrst.object+json"
STRIPPED = "application/vnd.pgrst.array+json;nulls=stripped"

GALLERY = """
create schema gallery;
create table gallery.pictures (id int primary key, title text, year int);
insert into gallery.pictures values (1, 'Sea, grey', 1901), (2, 'A "bird"', null), (3, null, 1950);

create domain "text/x-list" as text;
create function gallery.list_line(state "text/x-list", picture gallery.pictures) returns "text/x-list"
  language sql immutable as $$ select (state || '* ' || coalesce(picture.title, '-') || E'\n')::"text/x-list" $$;
create aggregate gallery.list(gallery.pictures) (sfunc = gallery.list_line, stype = "text/x-list", initcond = '');
create function gallery.some_pictures() returns setof gallery.pictures language sql stable as
  'select * from gallery.pictures order by id limit 2';

create domain "text/html" as text;
create function gallery.page(heading text default 'Pictures') returns "text/html" language sql immutable as
  $$ select ('<h1>' || heading || '</h1>')::"text/html" $$;
create domain "image/x-dot" as bytea;
create function gallery.dot() returns "image/x-dot" language sql immutable as $$ select '\\x00ff'::"image/x-dot" $$;
create domain "*/*" as bytea;
create function gallery.anything() returns "*/*" language sql stable as $$
  select set_config('response.headers', '[{"Content-Type": "text/x-any"}]', true);
  select convert_to('as you like it', 'UTF8')::"*/*";
$$;

grant usage on schema gallery to anonymous;
grant select on all tables in schema gallery to anonymous;
"""


@pytest.fixture(scope="module")
def gallery(serve: Serve) -> Api:
    return serve(GALLERY, db_schemas="gallery", db_extra_search_path="public")


# ---------------------------------------------------------------- built-in


@pytest.mark.parametrize(
    "accept",
    ["application/json", "*/*", "text/plain;q=0.1, application/json", "unknown/unknown, application/json",
     "application/vnd.pgrst.array+json"],
)  # fmt: skip
def test_json_is_the_default_and_may_be_asked_for(gallery: Api, accept: str) -> None:
    response = gallery.get("/pictures?select=id&id=eq.1", headers={"accept": accept})

    assert response.status == 200
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.json() == [{"id": 1}]


def test_csv_has_a_line_of_names_and_a_line_for_each_row(gallery: Api) -> None:
    response = gallery.get("/pictures?order=id", headers={"accept": "text/csv"})

    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.text == 'id,title,year\n1,"Sea, grey",1901\n2,"A ""bird""",\n3,,1950'


def test_the_better_liked_type_wins(gallery: Api) -> None:
    response = gallery.get("/pictures?select=id&id=eq.1", headers={"accept": "application/json;q=0.5, text/csv"})

    assert response.headers["content-type"] == "text/csv; charset=utf-8"


def test_an_object_is_one_row_without_brackets(gallery: Api) -> None:
    response = gallery.get("/pictures?select=id&id=eq.1", headers={"accept": SINGULAR})

    assert response.status == 200
    assert response.headers["content-type"] == "application/vnd.pgrst.object+json; charset=utf-8"
    assert response.json() == {"id": 1}


@pytest.mark.parametrize(("query", "rows"), [("id=eq.9", 0), ("id=gte.1", 3)])
def test_an_object_cannot_be_made_of_none_or_many(gallery: Api, query: str, rows: int) -> None:
    response = gallery.get(f"/pictures?{query}", headers={"accept": SINGULAR})

    assert response.status == 406
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.json() == {
        "code": "PGRST116",
        "details": f"The result contains {rows} rows",
        "hint": None,
        "message": "Cannot coerce the result to a single JSON object",
    }


def test_nulls_can_be_stripped(gallery: Api) -> None:
    array = gallery.get("/pictures?order=id", headers={"accept": STRIPPED})
    single = gallery.get("/pictures?id=eq.3", headers={"accept": f"{SINGULAR};nulls=stripped"})

    assert array.headers["content-type"] == "application/vnd.pgrst.array+json;nulls=stripped; charset=utf-8"
    assert array.json() == [
        {"id": 1, "title": "Sea, grey", "year": 1901},
        {"id": 2, "title": 'A "bird"'},
        {"id": 3, "year": 1950},
    ]
    assert single.headers["content-type"] == "application/vnd.pgrst.object+json;nulls=stripped; charset=utf-8"
    assert single.json() == {"id": 3, "year": 1950}


@pytest.mark.parametrize("accept", ["unknown/unknown", "application/*", "text/html"])
def test_a_type_that_nobody_makes_is_not_acceptable(gallery: Api, accept: str) -> None:
    response = gallery.get("/pictures", headers={"accept": accept})

    assert response.status == 406
    assert response.json() == {
        "code": "PGRST107",
        "details": None,
        "hint": None,
        "message": f"None of these media types are available: {accept}",
    }


# ---------------------------------------------------------------- handlers


def test_an_aggregate_over_the_rows_of_a_table_makes_a_media_type(gallery: Api) -> None:
    response = gallery.get("/pictures?order=id", headers={"accept": "text/x-list"})

    assert response.status == 200
    assert response.headers["content-type"] == "text/x-list"
    assert response.text == '* Sea, grey\n* A "bird"\n* -\n'


def test_it_serves_the_functions_that_return_such_rows_too(gallery: Api) -> None:
    response = gallery.get("/rpc/some_pictures", headers={"accept": "text/x-list"})

    assert response.text == '* Sea, grey\n* A "bird"\n'


def test_a_function_that_returns_a_media_type_makes_it(gallery: Api) -> None:
    as_html = gallery.get("/rpc/page?heading=Birds", headers={"accept": "text/html"})
    as_json = gallery.get("/rpc/page?heading=Birds")

    assert as_html.headers["content-type"] == "text/html"
    assert as_html.text == "<h1>Birds</h1>"
    assert as_json.json() == "<h1>Birds</h1>"


def test_bytes_come_out_as_they_are(gallery: Api) -> None:
    response = gallery.get("/rpc/dot", headers={"accept": "image/x-dot"})

    assert response.headers["content-type"] == "image/x-dot"
    assert response.body == b"\x00\xff"


@pytest.mark.parametrize("accept", ["*/*", "image/png", "text/csv"])
def test_a_handler_for_any_type_answers_all_requests_and_names_its_type(gallery: Api, accept: str) -> None:
    response = gallery.get("/rpc/anything", headers={"accept": accept})

    assert response.status == 200
    assert response.headers["content-type"] == "text/x-any"
    assert response.text == "as you like it"


# ---------------------------------------------------------------- the execution plan


def test_the_execution_plan_is_not_shown_unless_allowed(gallery: Api) -> None:
    response = gallery.get("/pictures", headers={"accept": "application/vnd.pgrst.plan"})

    assert response.status == 406
    assert response.json()["code"] == "PGRST107"


def test_the_execution_plan_comes_as_text_or_json(serve: Serve) -> None:
    api = serve(GALLERY, db_schemas="gallery", db_plan_enabled=True)

    text = api.get("/pictures", headers={"accept": "application/vnd.pgrst.plan"})
    document = api.get("/pictures", headers={"accept": "application/vnd.pgrst.plan+json; options=analyze|verbose"})

    assert text.status == 200
    assert text.headers["content-type"] == 'application/vnd.pgrst.plan+text; for="application/json"; charset=utf-8'
    assert text.text.startswith("Aggregate  (cost=")
    assert document.headers["content-type"] == (
        'application/vnd.pgrst.plan+json; for="application/json"; options=analyze|verbose; charset=utf-8'
    )
    assert "Actual Rows" in document.json()[0]["Plan"]
