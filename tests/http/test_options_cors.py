"""OPTIONS and browsers of other origins. PostgREST docs, references/api/options and references/api/cors."""

from __future__ import annotations

import pytest

from tests.support.serve import Api, Serve

PLAY = """
create schema play;
create table play.toys (id int primary key, name text);
create table play.loose (name text);
create view play.toy_view as select * from play.toys;
create view play.counted as select count(*) from play.toys;
create view play.pushed as select max(id) as id from play.toys;
create function play.push() returns trigger language plpgsql as 'begin return new; end';
create trigger push instead of insert on play.pushed for each row execute function play.push();
create function play.roll() returns int language sql volatile as 'select 1';
create function play.look() returns int language sql stable as 'select 1';
grant usage on schema play to anonymous;
grant select on all tables in schema play to anonymous;
"""


@pytest.fixture(scope="module")
def play(serve: Serve) -> Api:
    return serve(PLAY, db_schemas="play")


@pytest.mark.parametrize(
    ("target", "allow"),
    [
        ("/toys", "OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE"),
        ("/loose", "OPTIONS,GET,HEAD,POST,PATCH,DELETE"),
        ("/toy_view", "OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE"),
        ("/counted", "OPTIONS,GET,HEAD"),
        ("/pushed", "OPTIONS,GET,HEAD,POST"),
        ("/rpc/look", "OPTIONS,GET,HEAD,POST"),
        ("/rpc/roll", "OPTIONS,POST"),
        ("/", "OPTIONS,GET,HEAD"),
    ],
    ids=["table", "table without key", "simple view", "aggregate view", "view with a trigger", "stable function",
         "volatile function", "root"],
)  # fmt: skip
def test_options_names_what_the_object_can_do_whatever_the_privileges(play: Api, target: str, allow: str) -> None:
    response = play.options(target)

    assert response.status == 200
    assert response.headers["allow"] == allow
    assert response.text == ""


def test_options_of_an_unknown_table_is_not_found(play: Api) -> None:
    assert play.options("/nowhere").status == 404


def test_a_request_from_another_origin_may_read_the_headers_of_the_answer(play: Api) -> None:
    response = play.get("/toys", headers={"origin": "https://toys.example"})

    assert response.status == 200
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["access-control-expose-headers"] == (
        "Content-Encoding, Content-Location, Content-Range, Content-Type, Date, Location, Server, "
        "Transfer-Encoding, Range-Unit"
    )


def test_a_preflight_request_is_told_all_methods_and_its_headers(play: Api) -> None:
    response = play.options(
        "/toys",
        headers={
            "origin": "https://toys.example",
            "access-control-request-method": "POST",
            "access-control-request-headers": "Prefer,X-Toy",
        },
    )

    assert response.status == 200
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["access-control-allow-methods"] == "GET, POST, PATCH, PUT, DELETE, OPTIONS, HEAD"
    assert response.headers["access-control-allow-headers"] == (
        "Authorization, Prefer, X-Toy, Accept, Accept-Language, Content-Language"
    )
    assert response.headers["access-control-max-age"] == "86400"


def test_errors_can_be_read_from_another_origin_too(play: Api) -> None:
    response = play.get("/nowhere", headers={"origin": "https://toys.example"})

    assert response.status == 404
    assert response.headers["access-control-allow-origin"] == "*"


def test_only_listed_origins_are_let_in_when_there_is_a_list(serve: Serve) -> None:
    api = serve(PLAY, db_schemas="play", server_cors_allowed_origins="https://toys.example, https://games.example")

    listed = api.get("/toys", headers={"origin": "https://games.example"})
    foreign = api.get("/toys", headers={"origin": "https://other.example"})

    assert listed.headers["access-control-allow-origin"] == "https://games.example"
    assert listed.headers["access-control-allow-credentials"] == "true"
    assert foreign.status == 200
    assert foreign.headers["access-control-allow-origin"] is None
