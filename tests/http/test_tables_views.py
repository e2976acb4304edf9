"""Reading tables and views: columns, filters, order. PostgREST docs, references/api/tables_views, "Read"."""

from __future__ import annotations

import pytest

from tests.support.serve import Api


def ids(api: Api, target: str) -> list[int]:
    """The ids that a query finds, in the order in which they came."""
    response = api.get(target)

    assert response.status == 200, response.text
    return [row["id"] for row in response.json()]


# ---------------------------------------------------------------- reading


def test_a_table_is_read_whole_at_its_name(library: Api) -> None:
    response = library.get("/authors?order=id")

    assert response.status == 200
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.headers["content-range"] == "0-2/*"
    assert response.json() == [
        {"id": 1, "name": "Ada Berg", "born": 1900},
        {"id": 2, "name": "Cem Dursun", "born": 1955},
        {"id": 3, "name": "Eva Falk", "born": None},
    ]


def test_the_body_is_the_text_that_postgres_makes_of_the_rows(library: Api) -> None:
    response = library.get("/covers?order=book_id")

    assert response.text == (
        '[{"book_id":1,"artist":"Gus Holm","width":12}, \n {"book_id":2,"artist":"Ines Ji","width":9}]'
    )


def test_head_answers_like_get_without_a_body(library: Api) -> None:
    response = library.head("/authors?order=id")

    assert response.status == 200
    assert response.headers["content-range"] == "0-2/*"
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.text == ""


def test_a_table_that_nobody_knows_is_not_found(library: Api) -> None:
    response = library.get("/boks")

    assert response.status == 404
    assert response.json() == {
        "code": "PGRST205",
        "details": None,
        "hint": "Perhaps you meant the table 'lend.books'",
        "message": "Could not find the table 'lend.boks' in the schema cache",
    }


def test_there_are_no_nested_routes(library: Api) -> None:
    response = library.get("/books/1")

    assert response.status == 404
    assert response.json()["code"] == "PGRST125"
    assert response.json()["message"] == "Invalid path specified in request URL"


def test_reads_say_where_their_content_is_found_with_parameters_in_one_order(library: Api) -> None:
    response = library.get("/books?select=id&order=id&limit=1")

    assert response.headers["content-location"] == "/books?limit=1&order=id&select=id"


def test_reads_say_which_headers_they_depend_on(library: Api) -> None:
    response = library.get("/books")

    assert response.headers["vary"] == "Accept, Prefer, Range"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/book_list?select=title,author&id=eq.1", [{"title": "Tide Tables", "author": "Ada Berg"}]),
        ("/long_books?order=id", [{"id": 1, "title": "Tide Tables", "pages": 210},
                                  {"id": 2, "title": "Night Ferry", "pages": 320}]),
        ("/shelf_sizes?order=shelf.desc", [{"shelf": "travel", "books": 1}, {"shelf": "science", "books": 1},
                                           {"shelf": "fiction", "books": 2}]),
        ("/visits?day=lt.2024-01-01", [{"day": "2023-06-01", "branch_id": 1, "people": 20}]),
    ],
    ids=["view", "view that selects rows", "materialized view", "partitioned table"],
)  # fmt: skip
def test_views_and_partitioned_tables_are_read_like_tables(library: Api, target: str, expected: object) -> None:
    response = library.get(target)

    assert response.status == 200
    assert response.json() == expected


def test_a_single_partition_is_not_exposed(library: Api) -> None:
    response = library.get("/visits_2023")

    assert response.status == 404
    assert response.json()["code"] == "PGRST205"


# ---------------------------------------------------------------- horizontal filtering


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("id=eq.2", [2]),
        ("year=gt.1985", [3]),
        ("year=gte.1985", [2, 3]),
        ("year=lt.1985", [1]),
        ("year=lte.1985", [1, 2]),
        ("year=neq.1985", [1, 3]),
        ("title=like.*Tab*", [1]),
        ("title=like.%25Ferry", [2]),
        ("title=like.*FERRY*", []),
        ("title=ilike.*FERRY*", [2]),
        ("title=match.^T", [1]),
        ("title=match.D$", []),
        ("title=imatch.D$", [3, 4]),
        ("id=in.(1,3)", [1, 3]),
        ("id=in.()", []),
        ('title=in.("Garden,%20Walled",Untitled)', [3, 4]),
        ("shelf=eq.travel", [3]),
        ("rating=is.null", [3]),
        ("rating=is.not_null", [1, 2, 4]),
        ("rating=is.NULL", [3]),
        ("year=isdistinct.1985", [1, 3, 4]),
        ("title=eq.Garden,%20Walled", [3]),
    ],
)
def test_an_operator_chooses_rows(library: Api, query: str, found: list[int]) -> None:
    assert ids(library, f"/books?{query}&order=id") == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("active=is.true", [1]),
        ("active=is.false", [2]),
        ("active=is.unknown", [3]),
        ("active=is.null", [3]),
        ("active=not.is.true", [2, 3]),
        ("active=eq.true", [1]),
    ],
)
def test_is_tells_true_false_and_unknown_apart(library: Api, query: str, found: list[int]) -> None:
    assert ids(library, f"/members?{query}&order=id") == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("search=fts(english).sea", [1, 2]),
        ("search=fts(english).sea%26night", [2]),
        ("search=fts(english).roses|ferry", [2, 3]),
        ("search=fts(simple).seas", []),
        ("search=plfts(english).the%20sea%20tides", [1]),
        ("search=phfts(english).quiet%20sea", [1]),
        ("search=phfts(english).quiet%20tides", []),
        ("search=wfts(english).sea%20-night", [1]),
        ("search=wfts(english).roses%20or%20ferry", [2, 3]),
        ("search=not.fts(english).sea", [3, 4]),
        ("blurb=fts(english).rose", [3]),
        ("search=fts.sea", [1, 2]),
    ],
)
def test_full_text_search_takes_four_kinds_of_question_and_a_language(
    library: Api, query: str, found: list[int]
) -> None:
    assert ids(library, f"/books?{query}&order=id") == found


def test_full_text_search_looks_into_json_too(library: Api) -> None:
    assert ids(library, "/branches?hours=fts(simple).seats&order=id") == []
    assert ids(library, "/books?details=fts(simple).sv&order=id") == [1]


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("/books?tags=cs.{sea}&order=id", [1, 2]),
        ("/books?tags=cd.{sea,classic,new}&order=id", [1, 2, 3]),
        ("/books?tags=ov.{classic,other}&order=id", [1]),
        ('/books?details=cs.{"langs":["en"]}&order=id', [1, 2]),
        ("/loans?during=ov.[2024-01-05,2024-01-15]&order=id", [1, 3]),
        ("/loans?during=cs.[2024-02-01,2024-02-03)&order=id", [2]),
        ("/loans?nights=cd.[0,5]&order=id", [2]),
        ("/loans?nights=sl.[6,20]&order=id", [2]),
        ("/loans?nights=sr.[-5,0]&order=id", [1, 2]),
        ("/loans?nights=nxr.[1,4]&order=id", [2]),
        ("/loans?nights=nxl.[1,2]&order=id", [1, 2]),
        ("/loans?nights=adj.[10,12]&order=id", [1]),
    ],
)
def test_arrays_ranges_and_json_have_operators_of_their_own(library: Api, target: str, found: list[int]) -> None:
    assert ids(library, target) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("title=like(any).{T*,U*}", [1, 4]),
        ("title=like(all).{N*,*y}", [2]),
        ("title=ilike(any).{*TIDE*,*FERRY*}", [1, 2]),
        ("title=match(all).{^T,s$}", [1]),
        ("title=imatch(any).{^t,^n}", [1, 2]),
        ("year=eq(any).{1930,1990}", [1, 3]),
        ("pages=gt(all).{100,200}", [1, 2]),
        ("pages=gte(all).{99,210}", [1, 2]),
        ("pages=lt(any).{100,160}", [3, 4]),
        ("pages=lte(all).{99,150}", [4]),
        ("title=not.like(any).{T*,U*}", [2, 3]),
        ('title=eq(any).{"Garden,%20Walled",Untitled}', [3, 4]),
    ],
)
def test_any_and_all_compare_with_several_values(library: Api, query: str, found: list[int]) -> None:
    assert ids(library, f"/books?{query}&order=id") == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("year=gte.1930&year=lt.1990", [1, 2]),
        ("or=(year.lt.1950,pages.lt.100)", [1, 4]),
        ("and=(year.gte.1930,year.lt.1990)", [1, 2]),
        ("not.or=(id.eq.1,id.eq.2)", [3, 4]),
        ("not.and=(id.gte.2,id.lte.3)", [1, 4]),
        ("year=not.eq.1985", [1, 3]),
        ("id=not.in.(1,2)", [3, 4]),
        ("or=(id.eq.4,and(year.gte.1980,not.and(pages.gt.200,rating.lt.4)))", [3, 4]),
        ("or=(id.not.in.(1,2,3),title.not.like.*e*)", [4]),
        ('or=(title.eq."Garden,%20Walled",id.eq.4)', [3, 4]),
        ("or=(id.eq.1,id.eq.2)&or=(pages.gt.300,id.eq.3)", [2]),
        ("or=(tags.cs.{classic},tags.is.null)", [1, 4]),
        ("or=(title.like(any).{T*,U*},id.eq.3)", [1, 3, 4]),
        ("or=(details->>isbn.eq.333,search.fts(english).tide)", [1, 3]),
        ("or=( id.eq.1 , id.eq.3 )".replace(" ", "%20"), [1, 3]),
    ],
)
def test_conditions_are_joined_by_and_unless_or_is_said(library: Api, query: str, found: list[int]) -> None:
    assert ids(library, f"/books?{query}&order=id") == found


def test_a_value_with_reserved_characters_is_quoted_inside_logic(library: Api) -> None:
    assert ids(library, '/loans?or=(nights.adj."[10,12]",during.cs."[2024-01-15,2024-01-16)")&order=id') == [1, 3]


# ---------------------------------------------------------------- vertical filtering


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/books?select=id,title&id=eq.1", {"id": 1, "title": "Tide Tables"}),
        ("/books?select=bookTitle:title,no:id&id=eq.1", {"bookTitle": "Tide Tables", "no": 1}),
        ("/books?select=pages::text&id=eq.1", {"pages": "210"}),
        ("/books?select=p:pages::text,rating::int&id=eq.2", {"p": "320", "rating": 4}),
        ("/books?select=details->>isbn,details->langs&id=eq.1", {"isbn": "111", "langs": ["sv", "en"]}),
        ("/books?select=details->size->>w&id=eq.1", {"w": "12"}),
        ("/books?select=details->size->w::int&id=eq.1", {"w": 12}),
        ("/books?select=first:details->langs->0&id=eq.1", {"first": "sv"}),
        ("/books?select=details->langs->>-1&id=eq.1", {"langs": "en"}),
        ("/books?select=details->>nothing&id=eq.1", {"nothing": None}),
        ("/branches?select=place->>lat,phones->0&id=eq.1", {"lat": "55.43", "phones": "100"}),
        ("/branches?select=place&id=eq.1", {"place": {"lat": 55.43, "lon": 13.82}}),
        ("/branches?select=phones,hours->cafe&id=eq.2", {"phones": ["200"], "cafe": {"seats": 4}}),
    ],
)
def test_select_chooses_names_and_casts_columns(library: Api, target: str, expected: object) -> None:
    assert library.get(target).json() == [expected]


def test_an_empty_select_means_all_columns(library: Api) -> None:
    assert library.get("/covers?select=&book_id=eq.1").json() == [{"book_id": 1, "artist": "Gus Holm", "width": 12}]


def test_of_several_selects_the_first_counts(library: Api) -> None:
    assert library.get("/covers?select=width&select=artist&book_id=eq.1").json() == [{"width": 12}]


# ---------------------------------------------------------------- JSON, composites and arrays in filters and order


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("/books?details->>isbn=eq.222", [2]),
        ("/books?details->size->w=gt.9", [1]),
        ("/books?details->langs->>0=eq.en", [2]),
        ("/books?details->langs->>-1=eq.en&order=id", [1, 2]),
        ("/books?details->>isbn=not.is.null&order=details->>isbn.desc", [3, 2, 1]),
        ("/branches?place->>lat=eq.55.43", [1]),
        ("/branches?place->lat=gte.55.5", [2]),
        ("/branches?phones->>0=eq.200", [2]),
        ("/branches?order=place->lat.desc.nullslast", [2, 1, 3]),
        ("/branches?order=hours->cafe->seats.asc.nullslast", [2, 1, 3]),
    ],
)
def test_arrows_reach_into_json_composites_and_arrays(library: Api, target: str, found: list[int]) -> None:
    assert ids(library, target) == found


# ---------------------------------------------------------------- ordering


@pytest.mark.parametrize(
    ("order", "found"),
    [
        ("pages", [4, 3, 1, 2]),
        ("pages.asc", [4, 3, 1, 2]),
        ("pages.desc", [2, 1, 3, 4]),
        ("year", [1, 2, 3, 4]),
        ("year.desc", [4, 3, 2, 1]),
        ("year.nullsfirst", [4, 1, 2, 3]),
        ("year.asc.nullslast", [1, 2, 3, 4]),
        ("year.desc.nullslast", [3, 2, 1, 4]),
        ("shelf,pages.desc", [2, 4, 1, 3]),
        ("details->>isbn.desc.nullslast", [3, 2, 1, 4]),
    ],
)
def test_order_sorts_by_columns_and_puts_nulls_where_asked(library: Api, order: str, found: list[int]) -> None:
    assert ids(library, f"/books?order={order}") == found


# ---------------------------------------------------------------- what cannot be asked


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("/books?id=is.maybe", '"failed to parse filter (is.maybe)" (line 1, column 4)'),
        ("/books?order=id,", '"failed to parse order (id,)" (line 1, column 4)'),
        ("/books?or=(id.eq.1", '"failed to parse logic tree ((id.eq.1)" (line 1, column 11)'),
    ],
)
def test_what_the_grammar_does_not_know_is_named_with_its_place(library: Api, target: str, message: str) -> None:
    response = library.get(target)

    assert response.status == 400
    assert response.json()["code"] == "PGRST100"
    assert response.json()["message"] == message


def test_an_unknown_operator_is_a_parse_error(library: Api) -> None:
    response = library.get("/books?id=equals.1")

    assert response.status == 400
    assert response.json()["code"] == "PGRST100"


@pytest.mark.parametrize(
    ("target", "code", "message"),
    [
        ("/books?nope=eq.1", "42703", "column books.nope does not exist"),
        ("/books?select=nope", "42703", "column books.nope does not exist"),
        ("/books?order=nope", "42703", "column books.nope does not exist"),
        ("/books?id=eq.one", "22P02", 'invalid input syntax for type integer: "one"'),
        ("/books?title=match.(", "2201B", "invalid regular expression: parentheses () not balanced"),
    ],
)
def test_what_postgres_does_not_know_is_said_in_its_words(library: Api, target: str, code: str, message: str) -> None:
    response = library.get(target)

    assert response.status == 400
    assert (response.json()["code"], response.json()["message"]) == (code, message)
    assert response.headers["proxy-status"] == f"PostgREST; error={code}"
