"""Bad input, a database that goes away, and requests that must not see each other."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tailrace.cluster import ClusterSpec, RunningCluster, start
from tailrace.cluster.process import free_port
from tests.support.postgres import PASSWORD, Database
from tests.support.serve import EXECUTABLE, HOST, Api, HttpClient, Response, Serve, environment, wait_until_ready
from tests.support.tokens import SECRET, bearer, sign

STALL = """
create schema stall;
create table stall.fruit (id int primary key, name text, details jsonb);
create table stall.crates (id int primary key, fruit_id int references stall.fruit);
insert into stall.fruit values (1, 'pear', '{"a": {"b": 1}}'), (2, 'plum', null);
create function stall.nap(seconds float) returns text language sql stable as
  $$ select pg_sleep(seconds); select 'awake' $$;
create function stall.seen() returns json language sql stable as $$
  select json_build_object(
    'user', current_user,
    'claims', nullif(current_setting('request.jwt.claims', true), '')::json,
    'headers', nullif(current_setting('request.headers', true), '')::json,
    'cookies', nullif(current_setting('request.cookies', true), '')::json,
    'path', current_setting('request.path', true),
    'timezone', current_setting('timezone'),
    'read_only', current_setting('transaction_read_only')
  )
$$;
create function stall.seen_writing() returns json language sql volatile as 'select stall.seen()';
create function stall.fail(state text) returns void language plpgsql as $$
begin
  perform set_config('response.status', '299', true);
  perform set_config('response.headers', '[{"X-Left": "behind"}]', true);
  raise exception using errcode = state;
end $$;
grant usage on schema stall to anonymous, authenticated;
grant select, insert on all tables in schema stall to anonymous, authenticated;
"""
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def stall(serve: Serve) -> Api:
    return serve(STALL, db_schemas="stall", db_pool=2, db_tx_end="rollback", log_level="info")


def is_documented_error(response: Response) -> bool:
    """Whether this is the JSON error of the documentation, with a status that blames the client."""
    body = response.json()
    return 400 <= response.status < 500 and set(body) == {"code", "message", "details", "hint"}


# ---------------------------------------------------------------- malformed requests


@pytest.mark.parametrize(
    "query",
    [
        "id", "id=", "=eq.1", "id=eq", "id=.1", "id=eq..", "id=in.1", "id=in.(", "id=not", "id=not.not.eq.1",
        "id=is.(null)", "id=fts().x", "id=eq(any).1", "id=eq(any).{", "or=", "or=()", "or=(", "or=(id.eq.1))x",
        "and=(,)", "order=", "order=id.", "order=id.desc.desc", "order=name(id)", "order=->", "columns=",
        "select=id::", "select=a::b::c", "select=fruit(", "select=crates!inner!inner(id)", "select=...(id)",
        "select=crates(fruit(crates(fruit(id))))&crates.x.y=eq.1", "limit=-1", "on_conflict=,",
        "id=eq.99999999999999999999", "id=eq.1%00", "%00=eq.1", "name=match.%5B", "details-%3E%3E=eq.1",
        "details-%3E=eq.1", "id=eq.%FF%FE", "%FF=eq.1",
    ],
)  # fmt: skip
def test_a_malformed_query_is_answered_not_stumbled_over(stall: Api, query: str) -> None:
    response = stall.get(f"/fruit?{query}")

    assert response.status < 500, response.text
    assert response.status == 200 or is_documented_error(response), response.text


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[", b"[{}, 1]", b'{"id": 1e999}', b'{"id": "\xff"}', b"\xff\xfe", b'{"id": 1} {"id": 2}',
        b'{"id": 9, "id": 10}', b'{"id": [1]}', b'{"id": {"a": 1}}', b'{"": 1}', b'{"id": 9, "name": "a\\u0000b"}',
        b'{"id": 9, "name": "\\ud800"}', b"nul", b"NaN", b'[{"id": 8}, {"name": "x"}]', b"[[[[]]]]",
    ],
)  # fmt: skip
def test_a_malformed_body_is_answered_not_stumbled_over(stall: Api, body: bytes) -> None:
    response = stall.post("/fruit", body, headers=JSON)

    assert response.status == 201 or is_documented_error(response), response.text


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("text/csv", b""),
        ("text/csv", b"id,name\n1"),
        ("text/csv", b'id,name\n"1'),
        ("text/csv", b"\xff\xfe"),
        ("text/csv", b"id,id\n8,9\n"),
        ("application/x-www-form-urlencoded", b"%"),
        ("application/x-www-form-urlencoded", b"=&=&&"),
        ("application/x-www-form-urlencoded", b"id=%ff"),
        ("multipart/form-data", b"--x"),
        ("nonsense", b"{}"),
        (";;;", b"{}"),
    ],
)
def test_bodies_of_other_types_are_answered_too(stall: Api, media_type: str, body: bytes) -> None:
    response = stall.post("/fruit", body, headers={"content-type": media_type})

    assert response.status == 201 or is_documented_error(response), response.text


@pytest.mark.parametrize(
    "headers",
    [
        {"accept": ";;;,,,q="},
        {"accept": "application/vnd.pgrst.object+json;nulls=;;"},
        {"prefer": ",,,=,;=;count=,return=,timezone="},
        {"prefer": "max-affected=minus one, handling=strict"},
        {"range": "99999999999999999999-"},
        {"range": "5-1-2"},
        {"range-unit": "\xff"},
        {"cookie": "=;;a=;=b;;"},
        {"accept-profile": ""},
        {"accept-profile": 'stall"; drop schema stall; --'},
        {"x-anything": "\xff\xfe"},
        {"origin": "\x7f"},
    ],
)
def test_malformed_headers_are_answered_not_stumbled_over(stall: Api, headers: dict[str, str]) -> None:
    response = stall.get("/fruit?id=eq.1", headers=headers)

    assert response.status == 200 or is_documented_error(response), response.text


VALID = sign({"role": "authenticated"})


@pytest.mark.parametrize(
    "token",
    [
        "", "x", "..", "...", "a.b.c", VALID[:-1], VALID + "=", VALID + ".x", VALID.replace(".", "!", 1),
        "\xff.\xff.\xff",
        sign({"role": "authenticated"}, header={"alg": "none"}), sign({"role": "authenticated"}, header={"alg": "XX"}),
        sign({"role": "authenticated"}, header={"alg": 5}), sign({"role": "authenticated", "exp": {}}),
        sign({"role": "authenticated", "aud": 7}), sign({"role": {"a": []}}), sign({"role": "a\x00b"}),
        sign({"role": "x" * 5000}), "e30." + VALID.split(".")[1] + "." + VALID.split(".")[2],
    ],
)  # fmt: skip
def test_malformed_tokens_are_refused_with_the_documented_error(stall: Api, token: str) -> None:
    response = stall.get("/fruit", headers={"authorization": f"Bearer {token}"})

    assert response.status in (400, 401, 403), response.text
    assert is_documented_error(response), response.text


@pytest.mark.parametrize(
    "target",
    [
        "/" + "x" * 5000,
        "/fruit?select=" + "id," * 1000 + "id",
        "/fruit?name=eq." + "x" * 8000,
        "/fruit?or=(" + "and(" * 300 + "id.eq.1,id.eq.1" + ")" * 300 + ")",
        "/fruit?select=" + "crates(fruit(" * 40 + "id" + "))" * 40,
        "/fruit?" + "&".join(f"id=gt.{-n}" for n in range(500)),
        "/fruit?details" + "->a" * 1000 + "=eq.1",
        "/fruit?limit=" + "9" * 400,
        "/fruit?offset=" + "9" * 400,
        "/fruit?id=in.(" + ",".join("1" * 3 for _ in range(3000)) + ")",
    ],
    ids=["path", "columns", "value", "logic", "embeddings", "filters", "JSON path", "limit", "offset", "list"],
)
def test_oversized_queries_are_answered_in_bounded_time(stall: Api, target: str) -> None:
    began = time.monotonic()

    response = stall.get(target)

    assert response.status < 500, response.text[:500]
    assert time.monotonic() - began < 10


def test_a_url_of_a_megabyte_is_refused_or_answered_but_harms_nobody(stall: Api) -> None:
    with suppress(OSError, http.client.HTTPException):
        response = stall.get("/fruit?name=eq." + "x" * 1_000_000)
        assert 400 <= response.status < 500 or response.status == 200

    assert stall.get("/fruit?id=eq.1").status == 200


def test_headers_of_a_megabyte_are_refused_or_answered_but_harm_nobody(stall: Api) -> None:
    with suppress(OSError, http.client.HTTPException):
        response = stall.get("/fruit", headers={f"x-{n}": "y" * 10_000 for n in range(100)})
        assert 400 <= response.status < 500 or response.status == 200

    assert stall.get("/fruit?id=eq.1").status == 200


@pytest.mark.parametrize(
    "body",
    [b"[" * 100_000, b'{"a":' * 50_000, b'{"id": 9, "name": "' + b"x" * 5_000_000 + b'"}',
     b'{"id": ' + b"9" * 100_000 + b"}"],
    ids=["open brackets", "open objects", "five megabytes of text", "a long number"],
)  # fmt: skip
def test_oversized_bodies_are_answered(stall: Api, body: bytes) -> None:
    response = stall.post("/fruit", body, headers=JSON)

    assert response.status == 201 or is_documented_error(response), response.text[:500]


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /fruit HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /fruit HTTP/1.1\r\nHost: x\r\nNo colon here\r\n\r\n",
        b"POST /fruit HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /fruit HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
        b"POST /fruit HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /fruit HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}   ",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x00" * 100,
    ],
)
def test_what_is_no_http_harms_nobody(stall: Api, sent: bytes) -> None:
    with suppress(ConnectionError):
        answer = stall.send_raw(sent, timeout=1)
        assert not answer.startswith(b"HTTP/1.1 5")

    assert stall.get("/fruit?id=eq.1").status == 200


def test_a_client_that_hangs_up_harms_nobody(stall: Api) -> None:
    for _ in range(10):
        connection = http.client.HTTPConnection(HOST, stall.port)
        connection.request("GET", "/rpc/nap?seconds=0.2")
        connection.close()

    assert stall.get("/fruit?id=eq.1").status == 200


def test_no_stack_trace_was_written_while_all_that_happened(stall: Api) -> None:
    stall.get("/fruit?select=(")

    assert "Traceback" not in stall.log
    assert SECRET not in stall.log


# ---------------------------------------------------------------- requests do not see each other


def test_concurrent_requests_see_only_their_own_settings(stall: Api) -> None:
    def ask(number: int) -> tuple[int, Response]:
        match number % 5:
            case 0:  # anonymous, and everything it sends must be gone for the others
                return number, stall.get("/rpc/seen", headers={"x-number": str(number)})
            case 1:
                headers = bearer("authenticated", sub=str(number)) | {"cookie": f"n={number}"}
                return number, stall.get("/rpc/seen", headers=headers)
            case 2:
                headers = bearer("authenticated", sub=str(number)) | {"prefer": "timezone=Asia/Tokyo"}
                return number, stall.post("/rpc/seen_writing", {}, headers=headers)
            case 3:
                state = ("P0001", "22012", "PT404")[number % 3]
                return number, stall.post("/rpc/fail", {"state": state}, headers=bearer("authenticated", sub="failed"))
            case _:
                return number, stall.get(f"/fruit?id=eq.{number % 2 + 1}&select=id")

    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(ask, range(500)))

    for number, answer in answers:
        _check_own_settings(number, answer)


def _check_own_settings(number: int, answer: Response) -> None:
    match number % 5:
        case 0:
            seen = answer.json()
            assert (seen["user"], seen["claims"]) == ("anonymous", {"role": "anonymous"})
            assert seen["headers"]["x-number"] == str(number)
            assert seen["cookies"] in ({}, None)
            assert (seen["timezone"], seen["read_only"]) == ("UTC", "on")
        case 1:
            seen = answer.json()
            assert (seen["user"], seen["claims"]["sub"]) == ("authenticated", str(number))
            assert seen["cookies"] == {"n": str(number)}
            assert "x-number" not in seen["headers"]
        case 2:
            seen = answer.json()
            assert (seen["claims"]["sub"], seen["timezone"]) == (str(number), "Asia/Tokyo")
            assert (seen["path"], seen["read_only"]) == ("/rpc/seen_writing", "off")
        case 3:
            assert answer.status in (400, 404)
            assert answer.headers["x-left"] is None
        case _:
            assert (answer.status, answer.json()) == (200, [{"id": number % 2 + 1}])
            assert answer.headers["x-left"] is None


def test_requests_that_wait_on_one_connection_are_answered_in_order(stall: Api) -> None:
    requests = [
        b"GET /rpc/nap?seconds=0.3 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /rpc/fail?state=P0001 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /rpc/seen HTTP/1.1\r\nHost: x\r\nX-Number: 1\r\n\r\n",
        b"GET /rpc/seen HTTP/1.1\r\nHost: x\r\nX-Number: 2\r\nAuthorization: Bearer " + VALID.encode() + b"\r\n\r\n",
        b"GET /rpc/seen HTTP/1.1\r\nHost: x\r\nX-Number: 3\r\nConnection: close\r\n\r\n",
    ]

    received = stall.send_raw(b"".join(requests)).decode()

    assert re.findall(r"HTTP/1\.1 (\d+)", received) == ["200", "400", "200", "200", "200"]
    assert re.findall(r'"x-number" ?: ?"(\d)"', received) == ["1", "2", "3"]
    assert re.findall(r'"user" ?: ?"(\w+)"', received) == ["anonymous", "authenticated", "anonymous"]


# ---------------------------------------------------------------- Postgres goes away


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[ClusterSpec]:
    """A cluster that may be stopped and started: on a port of its own that stays the same."""
    home = Path(tempfile.mkdtemp(prefix="tailrace-faults-"))
    home.chmod(0o755)
    yield ClusterSpec(data_dir=home / "postgres", password=PASSWORD, durable=False, port=free_port())
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def postgres(own_postgres: ClusterSpec) -> Iterator[list[RunningCluster]]:
    """The cluster, running; a test that stops and starts it puts the new one into the list."""
    running = [start(own_postgres)]
    with psycopg.connect(running[0].dsn(), autocommit=True) as connection:
        connection.execute("drop schema if exists stall cascade")
        connection.execute(
            "do $$ begin if not exists (select from pg_roles where rolname = 'anonymous') then "
            f"create role authenticator login noinherit password '{PASSWORD}'; "
            "create role anonymous; create role authenticated; grant anonymous, authenticated to authenticator; "
            "end if; end $$"
        )
        connection.execute(STALL.encode())
    yield running
    with suppress(Exception):
        running[-1].stop(immediate=True)


@pytest.fixture
def server(postgres: list[RunningCluster]) -> Iterator[Api]:
    """The executable on that cluster."""
    dsn = postgres[0].dsn(user="authenticator", password=PASSWORD)
    port, admin_port = free_port(), free_port()
    settings: dict[str, str | int | bool | None] = {"db_schemas": "stall", "db_pool": 3, "log_level": "info"}
    with tempfile.TemporaryDirectory() as folder:
        log_file = Path(folder) / "log"
        with log_file.open("wb") as log:
            env = environment(dsn, port=port, admin_port=admin_port, settings=settings)
            process = subprocess.Popen([EXECUTABLE], env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        api = Api(Database("postgres", postgres[0].dsn(), dsn), process, port=port, admin=HttpClient(admin_port))
        api.log_file = log_file
        try:
            wait_until_ready(api)
            yield api
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


def eventually(api: HttpClient, target: str, status: int, *, seconds: float = 30) -> Response:
    """Ask until the status comes; the last answer when it does not."""
    deadline = time.monotonic() + seconds
    while True:
        response = api.get(target)
        if response.status == status or time.monotonic() > deadline:
            return response
        time.sleep(0.1)


def test_while_postgres_is_away_requests_get_503_and_afterwards_they_work_again(
    server: Api, postgres: list[RunningCluster]
) -> None:
    assert server.get("/fruit?select=id&order=id").json() == [{"id": 1}, {"id": 2}]

    postgres[0].stop()
    away = [eventually(server, "/fruit", 503), server.get("/rpc/seen"), server.post("/fruit", {"id": 3})]
    unknown, options = server.get("/nowhere"), server.options("/fruit")
    live = server.admin.get("/live")
    postgres.append(start(postgres[0].spec))
    back = eventually(server, "/fruit?select=id&order=id", 200)

    for response in away:
        assert response.status == 503, response.text
        assert response.json()["code"] in ("PGRST000", "PGRST001", "PGRST002")
        assert set(response.json()) == {"code", "message", "details", "hint"}
    assert (unknown.status, options.status, live.status) == (404, 200, 200)
    assert back.status == 200
    assert back.json() == [{"id": 1}, {"id": 2}]
    assert eventually(server.admin, "/ready", 200).status == 200
    assert "Traceback" not in server.log


def test_connections_that_postgres_cut_are_replaced(server: Api) -> None:
    server.get("/fruit")

    server.database.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'authenticator'")
    first = server.get("/fruit")
    later = eventually(server, "/fruit", 200)

    assert first.status in (200, 503)
    assert later.status == 200


def test_a_request_whose_connection_is_cut_is_told_so(server: Api) -> None:
    with ThreadPoolExecutor(1) as threads:
        napping = threads.submit(server.get, "/rpc/nap?seconds=5")
        time.sleep(0.5)
        server.database.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where query like '%nap%' and pid <> pg_backend_pid()"
        )
        answer = napping.result(timeout=10)

    assert answer.status in (500, 503)
    assert set(answer.json()) == {"code", "message", "details", "hint"}
    assert eventually(server, "/fruit", 200).status == 200


# ---------------------------------------------------------------- ending


def test_sigterm_lets_requests_in_flight_finish(server: Api) -> None:
    answers: list[Any] = []
    request = threading.Thread(target=lambda: answers.append(server.get("/rpc/nap?seconds=1.5")))
    request.start()
    time.sleep(0.5)

    exit_code = server.terminate()
    request.join(timeout=10)

    assert [(answer.status, answer.json()) for answer in answers] == [(200, "awake")]
    assert exit_code == 0
    with pytest.raises(ConnectionRefusedError):
        server.get("/fruit")


def test_sigterm_closes_idle_connections_at_once(server: Api) -> None:
    idle = http.client.HTTPConnection(HOST, server.port)
    idle.request("GET", "/fruit?id=eq.1")
    assert json.loads(idle.getresponse().read())[0]["id"] == 1

    began = time.monotonic()
    exit_code = server.terminate()

    assert exit_code == 0
    assert time.monotonic() - began < 5
    idle.close()
