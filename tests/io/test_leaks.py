"""What one request sets, does or breaks on a connection is nothing that another one sees.

Ten thousand users ask over many connections at a time, several questions on each
before the first is answered; the server has few connections to the database, so that
requests of different users stand one behind the other on each. Meanwhile statements
fail in all ways, clients hang up, schema and configuration are reloaded, tables change
and connections to the database are ended. Every answer must be the asking user's own.
"""

import asyncio
import contextlib
import itertools
import json
import os
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from tests.support.pipelined import Line, Question, Reply
from tests.support.serve import HOST, Api, Serve
from tests.support.tokens import bearer

USERS = 10_000
LINES = 48
AT_ONCE = 3
"""Questions on a line before the first of them is answered."""
ATTEMPTS = 12
"""Of a question whose connection to the database was ended in the middle."""
ROLES = ("authenticated", "hasty", "careful")
TIMEZONES = ("", "Asia/Tokyo", "America/Lima")
ZONE_OF_SERVER = "Africa/Cairo"
CUT_OFF = frozenset(("57P01", "57P03", "PGRST000", "PGRST001"))
"""What is told when a connection to the database was ended in the middle."""
SHOP = """
create schema shop;
create role hasty nologin;
create role careful nologin;
alter role hasty set statement_timeout = '400ms';
alter role careful set default_transaction_isolation = 'serializable';
grant hasty, careful to authenticator;
alter role authenticator set timezone = 'Africa/Cairo';
grant usage on schema shop to authenticated, hasty, careful;

create function shop.sub() returns text language sql stable as
  $$ select current_setting('request.jwt.claims')::json ->> 'sub' $$;
create function shop.state() returns json language sql stable as $$
  select json_build_object(
    'role', current_user,
    'claims', current_setting('request.jwt.claims')::json,
    'headers', current_setting('request.headers')::json ->> 'x-user',
    'cookies', current_setting('request.cookies')::json ->> 'who',
    'method', current_setting('request.method'),
    'path', current_setting('request.path'),
    'timezone', current_setting('timezone'),
    'timeout', current_setting('statement_timeout'),
    'isolation', current_setting('transaction_isolation'),
    'search_path', current_setting('search_path'),
    'name', current_setting('app.settings.name'),
    'checked', current_setting('shop.checked'),
    'stain', coalesce(nullif(current_setting('shop.stain', true), ''), '-')
  )
$$;
create function shop.check() returns void language plpgsql as $$
begin
  perform set_config('shop.checked', shop.sub(), true);
  if current_setting('request.headers')::json ->> 'x-fail' is not null then
    raise sqlstate 'PT418' using message = 'kettle of ' || shop.sub();
  end if;
end $$;

create view shop.me as select shop.sub() as sub, shop.state() as state;
create table shop.note (id int primary key, owner text not null default shop.sub(), text text);
insert into shop.note select i, i::text, 'note of ' || i from generate_series(0, 9999) i;
create index on shop.note (owner);
alter table shop.note enable row level security;
create policy own on shop.note using (owner = shop.sub()) with check (owner = shop.sub());
create table shop.secret (id int primary key);
create table shop.moving (owner text, value int);
insert into shop.moving select i::text, i from generate_series(0, 9999) i;
create view shop.many as
  select g as id, shop.sub() as sub, repeat('x', 200) as filling from generate_series(1, 1500) g;
create view shop.slow as select shop.sub() as sub, pg_sleep(0.5)::text as slept;

create function shop.fail_read(n int) returns text language plpgsql stable as $$
begin
  perform set_config('timezone', 'Europe/Oslo', true);
  perform set_config('shop.stain', 'of a failure', true);
  if n % 2 = 0 then raise exception 'sorry, %', shop.sub() using hint = shop.sub(); end if;
  raise sqlstate 'PT404' using message = 'nothing for ' || shop.sub();
end $$;
create view shop.broken as select g as n, shop.fail_read(g) as text from generate_series(1, 2) g;
create function shop.misspell() returns void language plpgsql as
  $$ begin execute 'selec ' || quote_ident(shop.sub()); end $$;
create function shop.nap(seconds float) returns text language sql as $$ select pg_sleep(seconds); select shop.sub() $$;
create function shop.stain() returns text language plpgsql as $$
begin
  perform set_config('shop.lasting', shop.sub(), false);
  perform set_config('request.jwt.claims', '{"sub":"thief"}', false);
  perform set_config('request.headers', '{"x-user":"thief"}', false);
  perform set_config('shop.checked', 'thief', false);
  perform set_config('search_path', 'pg_catalog', false);
  return current_setting('shop.lasting');
end $$;
create function shop.become() returns json language plpgsql as $$
declare before text := current_user;
begin
  execute 'set role hasty';
  return json_build_array(before, current_user, shop.sub());
end $$;
create function shop.workbench() returns json language plpgsql as $$
declare found text;
begin
  perform pg_advisory_xact_lock_shared(7);
  create temporary table bench on commit drop as select shop.sub() as sub;
  select sub into found from bench;
  return json_build_array(found, (select count(*) from bench));
end $$;
create function shop.forget() returns text language plpgsql as $$ begin deallocate all; return shop.sub(); end $$;
grant select, insert, delete on shop.note to authenticated, hasty, careful;
grant select on shop.me, shop.moving, shop.many, shop.slow, shop.broken to authenticated, hasty, careful;
"""


@dataclass(frozen=True, slots=True)
class User:
    number: int

    @property
    def sub(self) -> str:
        return str(self.number)

    @property
    def role(self) -> str:
        return ROLES[self.number % 7 % 3]

    @property
    def timezone(self) -> str:
        return TIMEZONES[self.number % 5 % 3]

    @property
    def claims(self) -> dict[str, Any]:
        return {"role": self.role, "sub": self.sub, "nested": {"of": [self.number]}}

    def asks(
        self, target: str, body: object = None, *, prefer: str = "", role: str | None = None, **headers: str
    ) -> Question:
        preferences = [prefer] if prefer else []
        if self.timezone:
            preferences.append(f"timezone={self.timezone}")
        sent = {
            **bearer(**(self.claims | ({"role": role} if role else {}))),
            "X-User": self.sub,
            "Cookie": f"who={self.sub}",
            **({"Prefer": ", ".join(preferences)} if preferences else {}),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        if body is None:
            return Question("GET", target, sent)
        return Question("POST", target, sent, json.dumps(body).encode())

    def state(self, path: str) -> dict[str, Any]:
        """What this user's transactions should see of themselves."""
        return {
            "role": self.role,
            "claims": self.claims,
            "headers": self.sub,
            "cookies": self.sub,
            "method": "GET",
            "path": path,
            "timezone": self.timezone or ZONE_OF_SERVER,
            "timeout": "400ms" if self.role == "hasty" else "0",
            "isolation": "serializable" if self.role == "careful" else "read committed",
            "search_path": '"shop", "public"',
            "name": "the shop",
            "checked": self.sub,
            "stain": "-",
        }


@dataclass(frozen=True, slots=True)
class Case:
    """A question, and whether an answer to it is the right one for its user."""

    user: User
    kind: str
    question: Question
    status: int
    is_right: Callable[[Any], bool]
    hang_up_after: float | None = None
    """Seconds; None for a client that waits for its answer."""


def says(code: str, message: str) -> Callable[[Any], bool]:
    return lambda error: (error["code"], error["message"]) == (code, message)


def failing_case(user: User) -> Case:
    sub, number = user.sub, user.number
    match number // 4 % 8:
        case 0:
            question, right = user.asks("/broken?n=eq.2"), says("P0001", f"sorry, {sub}")
            return Case(user, "exception", question, 400, lambda e: right(e) and e["hint"] == sub)
        case 1:
            return Case(user, "PT404", user.asks("/broken?n=eq.1"), 404, says("PT404", f"nothing for {sub}"))
        case 2:
            question = user.asks("/me", X_Fail="yes")
            return Case(user, "pre-request", question, 418, says("PT418", f"kettle of {sub}"))
        case 3:
            right = says("42501", "permission denied for table secret")
            return Case(user, "permission", user.asks("/secret"), 403, right)
        case 4:
            right = says("42601", 'syntax error at or near "selec"')
            return Case(user, "syntax", user.asks("/rpc/misspell", {}), 400, right)
        case 5:
            right = says("22023", f'role "ghost{sub}" does not exist')
            return Case(user, "role", user.asks("/me", role=f"ghost{sub}"), 401, right)
        case 6:
            body = {"id": 50_000 + number, "owner": "another"}
            right = says("42501", 'new row violates row-level security policy for table "note"')
            return Case(user, "row security", user.asks("/note", body), 403, right)
        case _:
            right = says("22P02", f'invalid input syntax for type integer: "x{sub}"')
            return Case(user, "value", user.asks(f"/note?id=eq.x{sub}"), 400, right)


def writing_case(user: User) -> Case:
    sub, number = user.sub, user.number
    row = {"id": 20_000 + number, "text": f"by {sub}"}
    written = [{"id": row["id"], "owner": sub, "text": row["text"]}]
    match number // 8 % 3:
        case 0:
            question = user.asks("/note", row, prefer="return=representation, tx=rollback")
            return Case(user, "rolled back", question, 201, lambda rows: rows == written)
        case 1:
            question = user.asks("/note", row, prefer="return=representation")
            return Case(user, "insert", question, 201, lambda rows: rows == written)
        case _:
            return Case(user, "count", user.asks("/note", prefer="count=exact"), 200, lambda rows: sole(rows, sub))


def sole(rows: list[dict[str, Any]], sub: str) -> bool:
    """Whether a user's own rows, and no others, are there."""
    return {row["owner"] for row in rows} == {sub}


def odd_case(user: User) -> Case:
    sub = user.sub
    match user.number // 8 % 10:
        case 0:
            return Case(user, "stain", user.asks("/rpc/stain", {}), 200, lambda value: value == sub)
        case 1:
            return Case(user, "become", user.asks("/rpc/become", {}), 200, lambda v: v == [user.role, "hasty", sub])
        case 2:
            return Case(user, "workbench", user.asks("/rpc/workbench", {}), 200, lambda value: value == [sub, 1])
        case 3:
            return Case(user, "forget", user.asks("/rpc/forget", {}), 200, lambda value: value == sub)
        case 4:
            return Case(
                user,
                "streamed",
                user.asks("/many"),
                200,
                lambda rows: len(rows) == 1500 and {row["sub"] for row in rows} == {sub},
            )
        case 5:
            question = user.asks("/many" if user.number % 3 else "/slow")
            return Case(user, "hung up", question, 0, lambda _: True, hang_up_after=user.number % 40 / 1000)
        case 6:
            question = user.asks("/rpc/nap", {"seconds": 0.05})
            return Case(user, "hung up call", question, 0, lambda _: True, hang_up_after=user.number % 60 / 1000)
        case 7 if user.number % 11 == 0 and user.role == "hasty":
            right = says("57014", "canceling statement due to statement timeout")
            return Case(user, "timeout", user.asks("/rpc/nap", {"seconds": 3}), 500, right)
        case _:
            question = user.asks(f"/moving?owner=eq.{sub}")
            return Case(user, "moving", question, 200, lambda rows: [str(row["value"]) for row in rows] in ([sub], []))


def case_of(user: User) -> Case:
    """Mostly reads that are quick, which stand on one connection, and all that may disturb them in between."""
    match user.number % 4:
        case 0:
            return odd_case(user) if user.number % 8 else writing_case(user)
        case 1:
            return failing_case(user)
        case 2 if user.number % 3 == 0:
            question = user.asks("/rpc/state")
            return Case(user, "function", question, 200, lambda found: found == user.state("/rpc/state"))
        case 2:
            question = user.asks(f"/note?id=eq.{user.sub}")
            right = [{"id": user.number, "owner": user.sub, "text": f"note of {user.sub}"}]
            return Case(user, "own row", question, 200, lambda rows: rows == right)
        case _:
            right = [{"sub": user.sub, "state": user.state("/me")}]
            return Case(user, "view", user.asks("/me"), 200, lambda rows: rows == right)


class Crowd:
    """All users, and what was told to them that was not theirs."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._cases = map(case_of, map(User, range(USERS)))
        self.wrong: list[tuple[str, Question, int, bytes]] = []
        self.answered: Counter[str] = Counter()
        self.cut_off: Counter[str] = Counter()

    async def ask_all(self) -> None:
        await asyncio.gather(*(self._keep_asking(Line(HOST, self._port)) for _ in range(LINES)))

    async def _keep_asking(self, line: Line) -> None:
        while cases := list(itertools.islice(self._cases, AT_ONCE)):
            for case in cases:
                if case.hang_up_after is not None:
                    await line.abandon(case.question, after=case.hang_up_after)
                    self.answered[case.kind] += 1
            await self._ask(line, [case for case in cases if case.hang_up_after is None])
        line.close()

    async def _ask(self, line: Line, cases: list[Case]) -> None:
        for _ in range(ATTEMPTS):
            try:
                replies = await line.ask(*(case.question for case in cases))
            except (OSError, EOFError):  # an answer in pieces that broke off; who wrote may ask twice
                self.cut_off["connection"] += 1
                continue
            cases = [case for case, reply in zip(cases, replies, strict=True) if not self._is_told(case, reply)]
            if not cases:
                return
            await asyncio.sleep(0.02)
        self.wrong += [(case.kind, case.question, 0, b"never answered") for case in cases]

    def _is_told(self, case: Case, reply: Reply) -> bool:
        """False if the user must ask again, for the database's connection was ended."""
        found = reply.json() if reply.body else None
        code = found.get("code") if isinstance(found, dict) else None
        if code in CUT_OFF:
            self.cut_off[str(code)] += 1
            return False
        if code == "23505" and case.kind == "insert" and self.cut_off:
            return True  # written, and then not told
        self.answered[case.kind] += 1
        if reply.status != case.status or not case.is_right(found):
            self.wrong.append((case.kind, case.question, reply.status, reply.body[:600]))
        return True


@pytest.fixture(scope="module")
def shop(serve: Serve) -> Api:
    return serve(
        SHOP,
        db_schemas="shop",
        db_pool=6,
        db_pool_acquisition_timeout=60,
        db_pre_request="shop.check",
        db_tx_end="commit-allow-override",
        app_settings_name="the shop",
        log_level="crit",
    )


async def disturb(api: Api) -> None:
    """Reload, change a table, and end a connection, again and again."""
    connection = await psycopg.AsyncConnection.connect(api.database.dsn, autocommit=True)
    async with connection:
        await connection.execute("set lock_timeout = '100ms'")
        for turn in itertools.count():
            await asyncio.sleep(0.3)
            match turn % 4:
                case 0:
                    os.kill(api.process.pid, signal.SIGUSR1)
                case 1:
                    type_of = "text" if turn % 8 == 1 else "int"
                    change = f"alter table shop.moving alter value type {type_of} using value::{type_of}"
                    with contextlib.suppress(psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
                        await connection.execute(change)
                case 2:
                    os.kill(api.process.pid, signal.SIGUSR2)
                case _:
                    await connection.execute(
                        "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'authenticator' limit 1"
                    )


def test_ten_thousand_users_never_see_anything_of_each_other(shop: Api) -> None:
    async def run() -> Crowd:
        crowd = Crowd(shop.port)
        disturbing = asyncio.create_task(disturb(shop))
        await crowd.ask_all()
        disturbing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await disturbing
        return crowd

    crowd = asyncio.run(run())

    strangers = shop.database.query("select * from shop.note where id >= 20000 and owner <> (id - 20000)::text")
    kept = shop.database.query("select count(*) from shop.note where id >= 50000")
    assert crowd.wrong == [], f"{len(crowd.wrong)} wrong answers: {Counter(kind for kind, *_ in crowd.wrong)}"
    assert strangers == []
    assert kept == [(0,)]
