"""A database's schema as SQL and as JSON, and the difference of two."""

import asyncio
import json
import stat
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.cluster.installation import find_installation
from tailrace.cluster.owner import choose_owner
from tailrace.platform.schema_dump import DumpFailed, Table, compare, dump_schema, read_tables, to_json
from tailrace.platform.schema_dump.dump import without_run
from tests.support.postgres import CreateDatabase

SHOP = r"""
    create type mood as enum ('good', 'bad');
    create table customer (
        id bigint generated always as identity primary key,
        "E-Mail" varchar(80) not null unique,
        name text,
        feels mood,
        shout text generated always as (upper(name)) stored
    );
    create table purchase (
        id bigint primary key,
        customer_id bigint references customer on delete cascade,
        price numeric(10, 2) constraint costs_something check (price > 0)
    );
    create view cheap as select * from purchase where price < 10;
    create function banner() returns text language sql as $$ select '
-- Dumped from nowhere
\restrict abc
' $$;
"""


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    return find_installation(choose_owner(tmp_path_factory.mktemp("owner"))).program


def dump(dsn: str, program: Callable[[str], str], *, timeout: float = 30.0) -> str:
    return asyncio.run(dump_schema(dsn, program=program, timeout=timeout))


def tables(dsn: str) -> tuple[Table, ...]:
    async def run() -> tuple[Table, ...]:
        async with await psycopg.AsyncConnection.connect(dsn) as connection:
            return await read_tables(connection)

    return asyncio.run(run())


def patched(text: str, diff: str) -> str:
    """What `patch` makes of the text; each line that the diff says is there must be there."""
    old, new, place = text.split("\n"), [], 0
    for line in diff.split("\n")[2:-1]:
        if line.startswith("@@"):
            start, _, length = line.split()[1][1:].partition(",")
            begin = int(start) - (length != "0")
            new += old[place:begin]
            place = begin
            continue
        if line[0] in " -":
            assert old[place] == line[1:]
            place += 1
        if line[0] in " +":
            new.append(line[1:])
    return "\n".join(new + old[place:])


def test_the_same_schema_gives_the_same_text_in_two_databases(
    create_database: CreateDatabase, program: Callable[[str], str]
) -> None:
    first, second = create_database(SHOP), create_database(SHOP)

    texts = dump(first.dsn, program), dump(second.dsn, program)

    assert texts[0] == texts[1]
    assert compare(*texts, database="shop") is None
    assert texts[0].startswith("--\n-- PostgreSQL database dump\n--\n\nSET statement_timeout = 0;\n")
    assert texts[0].endswith("\n-- PostgreSQL database dump complete\n--\n\n")
    assert "CREATE TABLE public.purchase (" in texts[0]
    assert "-- Dumped from nowhere\n\\restrict abc\n" in texts[0]


def test_a_new_column_is_a_hunk_with_three_lines_around_it(
    create_database: CreateDatabase, program: Callable[[str], str]
) -> None:
    base = create_database("create table note (id int not null, body text);")
    target = create_database("create table note (id int not null, body text, done boolean);")

    diff = compare(dump(base.dsn, program), dump(target.dsn, program), database="neondb")

    assert diff is not None
    lines = diff.split("\n")
    assert lines[:2] == ["--- a/neondb", "+++ b/neondb"]
    assert lines[2].startswith("@@ -")
    assert lines[3:] == [
        " ",
        " CREATE TABLE public.note (",
        "     id integer NOT NULL,",
        "-    body text",
        "+    body text,",
        "+    done boolean",
        " );",
        " ",
        " ",
        "",
    ]


def test_the_json_form_lists_tables_columns_and_constraints(create_database: CreateDatabase) -> None:
    database = create_database(SHOP + "create extension citext; create temp table gone (id int);")

    document = json.loads(json.dumps(to_json(tables(database.dsn))))

    assert document == {
        "tables": [
            {
                "schema": "public",
                "name": "customer",
                "columns": [
                    {"name": "id", "type": "bigint", "nullable": False, "generated": False},
                    {"name": "E-Mail", "type": "character varying(80)", "nullable": False, "generated": False},
                    {"name": "name", "type": "text", "nullable": True, "generated": False},
                    {"name": "feels", "type": "public.mood", "nullable": True, "generated": False},
                    {"name": "shout", "type": "text", "nullable": True, "generated": True},
                ],
                "constraints": [
                    {"name": "customer_pkey", "type": "PRIMARY KEY", "definition": "PRIMARY KEY (id)"},
                    {"name": "customer_E-Mail_key", "type": "UNIQUE", "definition": 'UNIQUE ("E-Mail")'},
                ],
            },
            {
                "schema": "public",
                "name": "purchase",
                "columns": [
                    {"name": "id", "type": "bigint", "nullable": False, "generated": False},
                    {"name": "customer_id", "type": "bigint", "nullable": True, "generated": False},
                    {"name": "price", "type": "numeric(10,2)", "nullable": True, "generated": False},
                ],
                "constraints": [
                    {"name": "purchase_pkey", "type": "PRIMARY KEY", "definition": "PRIMARY KEY (id)"},
                    {
                        "name": "purchase_customer_id_fkey",
                        "type": "FOREIGN KEY",
                        "definition": "FOREIGN KEY (customer_id) REFERENCES public.customer(id) ON DELETE CASCADE",
                    },
                    {
                        "name": "costs_something",
                        "type": "CHECK",
                        "definition": "CHECK ((price > (0)::numeric))",
                    },
                ],
            },
        ]
    }


def test_a_table_without_columns_is_listed(create_database: CreateDatabase) -> None:
    database = create_database('create schema "S p"; create table "S p"."a.b" ();')

    assert tables(database.dsn) == (Table("S p", "a.b", (), ()),)


def test_what_pg_dump_complains_of_is_the_error(create_database: CreateDatabase, program: Callable[[str], str]) -> None:
    database = create_database("")

    with pytest.raises(DumpFailed, match='database "no such" does not exist'):
        dump(database.dsn.replace(database.name, "no%20such"), program)


def test_a_dump_that_waits_for_a_lock_is_ended(create_database: CreateDatabase, program: Callable[[str], str]) -> None:
    database = create_database("create table note (id int);")
    with psycopg.connect(database.dsn) as other:
        other.execute("lock table note in access exclusive mode")

        with pytest.raises(DumpFailed, match=r"not ready after 0\.3 seconds"):
            dump(database.dsn, program, timeout=0.3)


def test_the_password_is_not_among_the_arguments_and_foreign_variables_are_not_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "pg_dump"
    script.write_text('#!/bin/sh\necho "$@"; echo "$PGPASSWORD/$PGHOST"\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PGHOST", "elsewhere")

    said = dump("postgresql://me:se%2Fcret@127.0.0.1:29400/shop", lambda name: str(tmp_path / name))

    arguments, variables = said.splitlines()
    assert "cret" not in arguments
    assert "user=me" in arguments
    assert variables == "se/cret/"


def test_the_versions_and_the_random_key_are_taken_from_the_head_and_the_foot() -> None:
    text = (
        "--\n-- PostgreSQL database dump\n--\n\n\\restrict Ab1\n\n"
        "-- Dumped from database version 17.2\n-- Dumped by pg_dump version 18.0\n\nSET x = 1;\n\n"
        "--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict Ab1\n\n"
    )

    assert without_run(text) == (
        "--\n-- PostgreSQL database dump\n--\n\nSET x = 1;\n\n--\n-- PostgreSQL database dump complete\n--\n\n"
    )
    assert without_run(without_run(text)) == without_run(text)


LINES = st.lists(st.sampled_from("abcdefgh") | st.sampled_from(("", ");", "--", "-- x")), max_size=40)


@given(LINES, LINES)
def test_a_diff_leads_from_one_text_to_the_other(old: list[str], new: list[str]) -> None:
    base, target = "".join(f"{line}\n" for line in old), "".join(f"{line}\n" for line in new)

    diff = compare(base, target, database="d")

    assert (base if diff is None else patched(base, diff)) == target


def test_a_last_line_without_an_end_is_told() -> None:
    assert compare("a\nb", "a\nb\n", database="d") == (
        "--- a/d\n+++ b/d\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n"
    )


def test_texts_of_a_hundred_thousand_lines_are_compared_at_once() -> None:
    def schema(numbers: range, column: str) -> str:
        return "".join(
            f"--\n-- Name: t{n}; Type: TABLE\n--\n\nCREATE TABLE t{n} (\n    id integer,\n    {column} text\n);\n\n\n"
            for n in numbers
        )

    base = schema(range(10_000), "x") + schema(range(20_000, 20_010), "x")
    target = schema(range(5, 10_000), "y") + "junk\n" * 20_000

    began = time.monotonic()
    diff = compare(base, target, database="d")

    assert time.monotonic() - began < 10
    assert diff is not None
    assert patched(base, diff) == target
