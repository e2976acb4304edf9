"""Random requests, right and wrong, against a real server: none may be answered with a fault of the server."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.serve import Api, Response, Serve

FAIR = """
create schema fair;
create table fair.growers (id int primary key, name text not null, since date);
create table fair.fruit (
  id int primary key, name text, price numeric(8, 2), ripe boolean, tags text[], details jsonb,
  season daterange, grower_id int references fair.growers, picked timestamptz
);
create table fair.crates (id int primary key, fruit_id int references fair.fruit, weight float);
create table fair.markets (id int primary key, town text);
create table fair.sales (
  fruit_id int references fair.fruit, market_id int references fair.markets, amount int,
  primary key (fruit_id, market_id)
);
insert into fair.growers values (1, 'Ines', '2001-01-01'), (2, 'Jo', null);
insert into fair.fruit values
  (1, 'pear', 1.50, true, '{soft,green}', '{"a": {"b": [1, 2]}, "c": "x"}', '[2024-08-01,2024-10-01)', 1, now()),
  (2, 'plum', null, null, null, null, null, null, null),
  (3, 'a "quoted", (odd) name', 0, false, '{}', '[1]', 'empty', 2, '-infinity');
insert into fair.crates values (1, 1, 2.5), (2, 1, null), (3, 3, 'NaN');
insert into fair.markets values (1, 'Ystad'), (2, 'Lund');
insert into fair.sales values (1, 1, 5), (1, 2, 6), (3, 2, null);
grant usage on schema fair to anonymous;
grant select, insert, update, delete on all tables in schema fair to anonymous;
"""
BOUNDED = settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(scope="module")
def fair(serve: Serve) -> Api:
    return serve(FAIR, db_schemas="fair", db_tx_end="rollback", db_aggregates_enabled=True)


# ---------------------------------------------------------------- queries that are right

COLUMNS = ("id", "name", "price", "ripe", "tags", "details", "season", "grower_id", "picked")
EMBEDDINGS = (("growers", ("id", "name", "since")), ("crates", ("id", "weight")), ("markets", ("id", "town")))
TO_ONE = ("growers",)

words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=8)
integers = st.integers(-(2**31), 2**31 - 1).map(str)


def quoted(value: str) -> str:
    """A value as the grammar wants it inside lists and logic."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@st.composite
def conditions(draw: st.DrawFn, *, inside_logic: bool = False) -> tuple[str, str]:
    """A column (or path) and an operator with a value of the column's type."""
    wrap = quoted if inside_logic else str
    negation = draw(st.sampled_from(("", "not.")))
    column, operation = draw(
        st.one_of(
            st.tuples(
                st.sampled_from(("id", "grower_id")),
                st.one_of(
                    st.tuples(st.sampled_from(("eq", "gt", "gte", "lt", "lte", "neq", "isdistinct")), integers).map(
                        ".".join
                    ),
                    st.lists(integers, max_size=3).map(lambda found: f"in.({','.join(found)})"),
                ),
            ),
            st.tuples(
                st.just("name"),
                st.one_of(
                    st.tuples(st.sampled_from(("eq", "neq", "gt", "ilike")), words.filter(_no_wildcard).map(wrap)).map(
                        ".".join
                    ),
                    st.lists(words.map(quoted), min_size=1, max_size=3).map(lambda found: f"in.({','.join(found)})"),
                ),
            ),
            st.tuples(st.just("ripe"), st.sampled_from(("is.true", "is.false", "is.unknown", "eq.true"))),
            st.tuples(st.just("tags"), st.sampled_from(("cs.{soft}", "ov.{soft}", "cd.{}", "is.null"))),
            st.tuples(st.just("season"), st.sampled_from(("is.null", "is.not_null"))),
            st.tuples(st.sampled_from(("details->>c", "details->a->>b", "tags->>0")), st.just("eq.x")),
            st.tuples(st.just("price"), st.sampled_from(("gt.0.5", "eq.0", "lte(any).{1,2}", "gt(all).{0,1}"))),
        )
    )
    return column, negation + operation


def _no_wildcard(value: str) -> bool:
    return not value.endswith("\\") and "\\" not in value


@st.composite
def logic(draw: st.DrawFn, depth: int = 2) -> str:
    """A member of a logic tree: a condition or a nested tree."""
    if depth == 0 or draw(st.booleans()):
        return ".".join(draw(conditions(inside_logic=True)))
    members = draw(st.lists(logic(depth - 1), min_size=1, max_size=3))
    return f"{draw(st.sampled_from(('', 'not.')))}{draw(st.sampled_from(('and', 'or')))}({','.join(members)})"


@st.composite
def queries(draw: st.DrawFn) -> list[tuple[str, str]]:
    """The parameters of a query over `fruit` that ought to be answered with rows."""
    fields = draw(st.lists(st.sampled_from((*COLUMNS, "x:name", "price::text", "details->a->b", "tags->0")), min_size=1,
                           max_size=4, unique=True))  # fmt: skip
    parameters: list[tuple[str, str]] = []
    for number, (relation, columns) in enumerate(draw(st.lists(st.sampled_from(EMBEDDINGS), max_size=2, unique=True))):
        inner = draw(st.sampled_from(("", "!inner", "!left")))
        chosen = ",".join(draw(st.lists(st.sampled_from(columns), max_size=3, unique=True)))
        if draw(st.booleans()) and chosen:
            aliased = ",".join(f"s{number}_{column}:{column}" for column in chosen.split(","))
            fields.append(f"...{relation}{inner}({aliased})")
        else:
            fields.append(f"{relation}{inner}({chosen})")
        if draw(st.booleans()):
            parameters.append((f"{relation}.id", f"gte.{draw(integers)}"))
        if draw(st.booleans()):
            parameters.append((f"{relation}.order", "id.desc"))
        if relation not in TO_ONE and draw(st.booleans()):
            parameters.append((f"{relation}.limit", "1"))
        if draw(st.booleans()):
            parameters.append((relation, draw(st.sampled_from(("is.null", "not.is.null")))))
    parameters.append(("select", ",".join(fields)))
    parameters += draw(st.lists(conditions(), max_size=3))
    if draw(st.booleans()):
        parameters.append((draw(st.sampled_from(("or", "and", "not.or"))), f"({draw(logic())})"))
    order = draw(st.lists(st.sampled_from(("id.desc", "price.nullslast", "name.asc.nullsfirst", "details->>c")),
                          max_size=2, unique=True))  # fmt: skip
    if order:
        parameters.append(("order", ",".join(order)))
    for name in ("limit", "offset"):
        if draw(st.booleans()):
            parameters.append((name, str(draw(st.integers(0, 5)))))
    return draw(st.permutations(parameters))


def target(path: str, parameters: Sequence[tuple[str, str]]) -> str:
    """A percent-encoded request target."""
    return path + "?" + "&".join(f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in parameters)


@BOUNDED
@given(parameters=queries(), count=st.sampled_from((None, "exact", "planned", "estimated")))
def test_right_queries_are_answered_with_rows(fair: Api, parameters: list[tuple[str, str]], count: str | None) -> None:
    given_numbers = dict(parameters)
    headers = {"prefer": f"count={count}"} if count else None

    response = fair.get(target("/fruit", parameters), headers=headers)

    if given_numbers.get("limit") == "0" and given_numbers.get("offset", "0") != "0":
        assert response.status == 416  # no row from there on is not a range
    elif count:
        assert response.status in (200, 206, 416), response.text
    else:
        assert response.status == 200, response.text
        assert isinstance(response.json(), list)


@BOUNDED
@given(parameters=queries(), numbers=st.lists(st.tuples(integers, st.integers(0, 3), st.integers(0, 3)), min_size=2))
def test_what_was_asked_before_does_not_change_an_answer(
    fair: Api, parameters: list[tuple[str, str]], numbers: list[tuple[str, int, int]]
) -> None:
    plain = [(name, value) for name, value in parameters if name not in ("limit", "offset")]
    targets = [
        target("/fruit", [*plain, ("id", f"gt.{smallest}"), ("limit", str(limit)), ("offset", str(offset))])
        for smallest, limit, offset in numbers
    ]

    first = [fair.get(each) for each in targets]
    again = [fair.get(each) for each in reversed(targets)]

    assert [_told(response) for response in first] == [_told(response) for response in reversed(again)]


def _told(response: Response) -> tuple[int, bytes, str | None]:
    return response.status, response.body, response.headers["content-range"]


# ---------------------------------------------------------------- requests that are wrong

pieces = st.sampled_from(
    ("id", "name", "details", "growers", "crates", "select", "order", "or", "and", "not", "eq", "in", "is", "null",
     "any", "fts", "cs", "limit", "offset", "columns", "on_conflict", "count()", "sum()", "!inner", "...", "->", "->>",
     "::",
     "int", ":", ".", ",", "(", ")", "{", "}", '"', "\\", "*", "%", "'", "-", "1", "-1", "0", " ", "é", "猫", "asc",
     "nullslast", "=", "&", "\x00", "\x7f", "\ud7ff", "$", ";", "--")
)  # fmt: skip
garbage = st.lists(pieces, max_size=12).map("".join) | st.text(st.characters(codec="utf-8"), max_size=20)
keys = st.sampled_from(("select", "order", "or", "and", "not.or", "limit", "offset", "columns", "on_conflict", "id",
                        "name", "growers.id", "growers.order", "crates.or", "details->a", "", "x"))  # fmt: skip
headers_of_any_kind = st.dictionaries(
    st.sampled_from(("Prefer", "Accept", "Range", "Authorization", "Accept-Profile", "Content-Type", "Cookie")),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30),
    max_size=3,
)


def check(response: Response) -> None:
    """No fault of the server, and every fault of the client told as documented."""
    assert response.status < 500, response.text
    if response.status >= 400 and response.body:
        assert {"code", "message", "details", "hint"} == set(response.json()), response.text


@BOUNDED
@given(parameters=st.lists(st.tuples(keys | garbage, garbage), max_size=4), headers=headers_of_any_kind)
def test_wrong_queries_are_never_a_fault_of_the_server(
    fair: Api, parameters: list[tuple[str, str]], headers: dict[str, str]
) -> None:
    check(fair.get(target("/fruit", parameters), headers=headers))


@BOUNDED
@given(path=garbage, method=st.sampled_from(("GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS")))
def test_wrong_paths_are_never_a_fault_of_the_server(fair: Api, path: str, method: str) -> None:
    check(fair.request(method, "/" + quote(path, safe="/"), {} if method in ("POST", "PATCH", "PUT") else None))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(COLUMNS) | garbage, inner, max_size=3),
    max_leaves=8,
)


@BOUNDED
@given(
    body=values.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=30),
    method=st.sampled_from(("POST", "PATCH", "PUT")),
    parameters=st.lists(st.tuples(keys, garbage), max_size=2),
    media_type=st.sampled_from(("application/json", "text/csv", "application/x-www-form-urlencoded", "text/plain", "")),
)
def test_wrong_bodies_are_never_a_fault_of_the_server(
    fair: Api, body: bytes, method: str, parameters: list[tuple[str, str]], media_type: str
) -> None:
    headers = {"Content-Type": media_type, "Prefer": "return=representation"}

    check(fair.request(method, target("/fruit", [("id", "eq.1"), *parameters]), body, headers=headers))
