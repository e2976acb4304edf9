"""Names and values of any kind in a URL. PostgREST docs, references/api/url_grammar."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.support.serve import Api, Serve

NAMES = """
create schema "Läden";
create table "Läden"."Stück Liste" (
  id int primary key,
  "Unit Price" int,
  "größe" text,
  "a.b" text,
  "a,b" text,
  "a:b" text,
  "a(b)" text,
  "quo""te" text
);
create table "Läden".wörter (id int primary key, wort text);
create table "Läden"."select" (id int primary key, "order" int, "limit" int);
insert into "Läden"."Stück Liste" values
  (1, 100, 'groß', 'dot', 'comma', 'colon', 'paren', 'quote'), (2, 300, 'klein', null, null, null, null, null);
insert into "Läden".wörter values
  (1, 'Katze, schwarz'), (2, 'Hund.'), (3, 'a"b'), (4, 'back\\slash'), (5, '猫'), (6, '(x)'), (7, 'a*b'), (8, ' ');
insert into "Läden"."select" values (1, 2, 3);
create function "Läden"."tu was"("wie oft" int) returns int language sql immutable as 'select "wie oft" * 2';
grant usage on schema "Läden" to anonymous;
grant select, insert on all tables in schema "Läden" to anonymous;
"""


@pytest.fixture(scope="module")
def shop(serve: Serve) -> Api:
    return serve(NAMES, db_schemas="Läden", db_tx_end="rollback")


def url(path: str, query: str = "") -> str:
    """A target whose path and query are percent-encoded as a browser would."""
    return quote(path) + (f"?{quote(query, safe='=&')}" if query else "")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("select=Unit Price&Unit Price=lt.200", [{"Unit Price": 100}]),
        ("select=größe&größe=eq.klein", [{"größe": "klein"}]),
        ('select="a.b"&"a.b"=eq.dot', [{"a.b": "dot"}]),
        ('select="a,b"&"a,b"=eq.comma', [{"a,b": "comma"}]),
        ('select="a:b"&"a:b"=eq.colon', [{"a:b": "colon"}]),
        ('select="a(b)"&"a(b)"=eq.paren', [{"a(b)": "paren"}]),
        ('select="quo\\"te"&"quo\\"te"=eq.quote', [{'quo"te': "quote"}]),
        ('select=id&order="Unit Price".desc', [{"id": 2}, {"id": 1}]),
        ('select=id&or=("a.b".eq.dot,"Unit Price".eq.300)&order=id', [{"id": 1}, {"id": 2}]),
        ('select=x:"größe"&id=eq.1', [{"x": "groß"}]),
        ('select="mit Punkt.":größe&id=eq.1', [{"mit Punkt.": "groß"}]),
    ],
)
def test_columns_of_any_name(shop: Api, query: str, expected: object) -> None:
    response = shop.get(url("/Stück Liste", query))

    assert response.status == 200, response.text
    assert response.json() == expected


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("wort=eq.Katze, schwarz", [1]),
        ('wort=in.("Katze, schwarz","Hund.")', [1, 2]),
        ('wort=in.("a\\"b")', [3]),
        ('wort=in.("back\\\\slash")', [4]),
        ('wort=eq.a"b', [3]),
        ("wort=eq.back\\slash", [4]),
        ("wort=eq.猫", [5]),
        ("wort=in.(猫,Hund.)", [2, 5]),
        ("wort=eq.(x)", [6]),
        ('or=(wort.eq."(x)",wort.eq."Katze, schwarz")', [1, 6]),
        ("wort=eq.a*b", [7]),
        ("wort=eq. ", [8]),
    ],
)
def test_values_of_any_kind(shop: Api, query: str, found: list[int]) -> None:
    response = shop.get(url("/wörter", f"select=id&order=id&{query}"))

    assert response.status == 200, response.text
    assert [row["id"] for row in response.json()] == found


def test_a_plus_is_a_space(shop: Api) -> None:
    assert shop.get("/" + quote("wörter") + "?select=id&wort=eq.Katze,+schwarz").json() == [{"id": 1}]


def test_tables_and_columns_with_the_names_of_parameters(shop: Api) -> None:
    assert shop.get('/select?select=order,limit&order=id&"order"=eq.2').json() == [{"order": 2, "limit": 3}]


def test_functions_and_arguments_of_any_name(shop: Api) -> None:
    assert shop.get(url("/rpc/tu was", "wie oft=4")).json() == 8
    assert shop.post(url("/rpc/tu was"), {"wie oft": 4}).json() == 8


def test_rows_with_any_text_are_written(shop: Api) -> None:
    row = {"id": 9, "wort": "\"'\\;--\u2028 😀 </script>"}

    response = shop.post(url("/wörter"), row, headers={"prefer": "return=representation"})

    assert response.status == 201
    assert response.json() == [row]


def test_the_location_of_a_row_is_encoded(shop: Api) -> None:
    response = shop.post(url("/Stück Liste"), {"id": 3}, headers={"prefer": "return=headers-only"})

    assert response.status == 201
    assert response.headers["location"] is not None
    assert response.headers["location"].endswith("?id=eq.3")


@pytest.mark.parametrize("attack", ["1;drop table books", "1' or '1'='1", "1) or (1=1", "$$1$$", '1"'])
def test_no_value_becomes_sql(shop: Api, attack: str) -> None:
    by_number = shop.get(url("/wörter", f"id=eq.{attack}"))
    by_text = shop.get(url("/wörter", f"wort=eq.{attack}"))

    assert (by_number.status, by_number.json()["code"]) == (400, "22P02")
    assert (by_text.status, by_text.json()) == (200, [])


@pytest.mark.parametrize("attack", ['id"; drop table x; --', "id) from pg_shadow --", "pg_sleep(1)"])
def test_no_name_becomes_sql(shop: Api, attack: str) -> None:
    quoted = attack.replace('"', '\\"')

    for query in (f'select="{quoted}"', f'"{quoted}"=eq.1', f'order="{quoted}"'):
        response = shop.get(url("/wörter", query))

        assert response.status == 400, (query, response.text)
        assert response.json()["code"] == "42703"
