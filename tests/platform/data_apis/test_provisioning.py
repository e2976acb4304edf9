"""What a database has after a Data API was enabled in it, changed, and disabled again."""

import asyncio
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
from psycopg import sql

from tailrace.cluster import ClusterSpec, RunningCluster, start
from tailrace.platform.data_apis.provisioning import (
    CannotLogIn,
    DatabaseBusy,
    Disabled,
    ForeignSchema,
    Limits,
    MissingPrivileges,
    MissingRole,
    MissingSchema,
    NotProvisioned,
    PasswordNeeded,
    Provisioning,
    Settings,
    UnsafeRole,
    WrongDatabase,
    auth_schema,
    disable,
    enable,
    provisioned,
    render_sql,
    update_settings,
)
from tests.support.postgres import CreateDatabase, Database
from tests.support.serve import Serve
from tests.support.tokens import bearer

PASSWORD = "it's a pass\\word"
OWNER = 'own"er of ünïcode.\n'
API_ROLES = ("authenticator", "authenticated", "anonymous")
T = TypeVar("T")

NOTES = """
    create table notes (
      id uuid primary key default gen_random_uuid(),
      owner_id text not null default auth.user_id(),
      title text not null default 'untitled note',
      created_at timestamptz default now(),
      updated_at timestamptz default now(),
      shared boolean default false);
    create index owner_idx on notes (owner_id);
    create table paragraphs (
      id uuid primary key default gen_random_uuid(),
      note_id uuid constraint paragraphs_note_id_notes_id_fk references notes (id),
      content text not null,
      created_at timestamptz default now());
    alter table notes enable row level security;
    alter table paragraphs enable row level security;
    create policy "crud-authenticated-policy-select" on notes for select to authenticated
      using ((select auth.user_id() = notes.owner_id));
    create policy "crud-authenticated-policy-insert" on notes for insert to authenticated
      with check ((select auth.user_id() = notes.owner_id));
    create policy "crud-authenticated-policy-update" on notes for update to authenticated
      using ((select auth.user_id() = notes.owner_id)) with check ((select auth.user_id() = notes.owner_id));
    create policy "crud-authenticated-policy-delete" on notes for delete to authenticated
      using ((select auth.user_id() = notes.owner_id));
    create policy shared_policy on notes for select to authenticated using (shared = true);
    create policy "crud-authenticated-policy-select" on paragraphs for select to authenticated
      using ((select notes.owner_id = auth.user_id() from notes where notes.id = paragraphs.note_id));
    create policy "crud-authenticated-policy-insert" on paragraphs for insert to authenticated
      with check ((select notes.owner_id = auth.user_id() from notes where notes.id = paragraphs.note_id));
    create policy shared_policy on paragraphs for select to authenticated
      using ((select notes.shared from notes where notes.id = paragraphs.note_id));
"""


@pytest.fixture(scope="module")
def own_cluster() -> Iterator[RunningCluster]:
    """A server of these tests' own: roles belong to the whole of it."""
    home = Path(tempfile.mkdtemp(prefix="tailrace-provisioning-"))
    home.chmod(0o755)
    try:
        with start(ClusterSpec(data_dir=home / "postgres", password="postgres", durable=False)) as running:
            with psycopg.connect(running.dsn(), autocommit=True) as connection:
                connection.execute(sql.SQL("create role {} login password 'owner'").format(sql.Identifier(OWNER)))
            yield running
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def make(own_cluster: RunningCluster) -> Iterator[Callable[[], Database]]:
    """Makes databases that belong to OWNER; they and the API's roles are gone after the test."""
    made: list[str] = []

    def create() -> Database:
        name = f'shop "{len(made)}"'
        with psycopg.connect(own_cluster.dsn(), autocommit=True) as connection:
            create = sql.SQL("create database {} owner {} template template0")
            connection.execute(create.format(sql.Identifier(name), sql.Identifier(OWNER)))
        made.append(name)
        login = own_cluster.dsn(name, user="authenticator", password=PASSWORD)
        return Database(name, own_cluster.dsn(name), login)

    yield create
    with psycopg.connect(own_cluster.dsn(), autocommit=True) as connection:
        for name in made:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
        kept = connection.execute("select rolname from pg_roles where oid >= 16384 and rolname <> %s", [OWNER])
        for (role,) in kept.fetchall():
            connection.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))


@pytest.fixture
def database(make: Callable[[], Database]) -> Database:
    return make()


def run(dsn: str, verb: Callable[[psycopg.AsyncConnection[Any]], Coroutine[Any, Any, T]]) -> T:
    async def connected() -> T:
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            return await verb(connection)

    return asyncio.run(connected())


def asked(database: Database, **fields: Any) -> Provisioning:
    fields.setdefault("authenticator_password", PASSWORD)
    return Provisioning(database=database.name, owner=OWNER, **fields)


def switch_on(database: Database, **fields: Any) -> tuple[str, ...]:
    return run(database.dsn, lambda connection: enable(connection, asked(database, **fields))).done


def switch_off(database: Database) -> Disabled:
    return run(database.dsn, disable)


def as_owner(database: Database, cluster: RunningCluster, statements: str) -> None:
    with psycopg.connect(cluster.dsn(database.name, user=OWNER, password="owner"), autocommit=True) as connection:
        connection.execute(statements)


def as_user(database: Database, user: str | None, statement: str, *, role: str = "authenticated") -> list[Any]:
    """What the engine does for a request: the authenticator becomes the role, for one transaction."""
    claims = "" if user is None else json.dumps({"sub": user, "role": role})
    with psycopg.connect(database.authenticator_dsn) as connection:
        connection.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
        connection.execute("select set_config('request.jwt.claims', %s, true)", [claims])
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def catalog(database: Database) -> list[Any]:
    """All that an installation could have changed."""
    return database.query("""
        select 'schema ' || nspname, nspacl::text from pg_namespace where nspname !~ '^pg_(toast|temp)'
        union all select 'class ' || relname, relacl::text from pg_class where relnamespace = 'public'::regnamespace
        union all select 'column ' || attname, attacl::text from pg_attribute where attacl is not null
        union all select 'default', defaclacl::text from pg_default_acl
        union all select 'role ' || rolname, rolconfig::text from pg_roles where oid >= 16384
        union all select 'member ' || roleid::regrole, member::regrole::text from pg_auth_members
        order by 1, 2""")


def claims_seen(database: Database, claims: str) -> Any:
    with psycopg.connect(database.dsn) as connection:
        connection.execute("select set_config('request.jwt.claims', %s, false)", [claims])
        return connection.execute(
            "select auth.user_id(), auth.uid()::text, auth.session(), auth.organization(), auth.organization_id()::text"
        ).fetchone()


ID = "7f1c1c1e-0000-4000-8000-00000000000A"
DEEP = '{"a":' * 20_000 + "1" + "}" * 20_000
CLAIMS = (
    ('{"sub":"ann"}', ("ann", None, {"sub": "ann"}, None, None)),
    (' {"sub" : "\\u00e9\\ud83d\\ude00"}\n', ("é😀", None, {"sub": "é😀"}, None, None)),
    (f'{{"sub":"{ID}"}}', (ID, ID.lower(), {"sub": ID}, None, None)),
    (f'{{"sub":"{ID}x"}}', (f"{ID}x", None, {"sub": f"{ID}x"}, None, None)),
    ('{"sub":7,"e":[-1.5e3,{}]}', (None, None, {"sub": 7, "e": [-1500, {}]}, None, None)),
    ('{"sub":null}', (None, None, {"sub": None}, None, None)),
    (f'{{"o":{{"id":"{ID}"}}}}', (None, None, {"o": {"id": ID}}, {"id": ID}, ID.lower())),
    ('{"o":{"id":"x"}}', (None, None, {"o": {"id": "x"}}, {"id": "x"}, None)),
    ('{"o":["x"]}', (None, None, {"o": ["x"]}, None, None)),
    *(
        (broken, (None, None, None, None, None))
        for broken in ("", "x", "{", "[]", '["sub"]', '"sub"', "null", "1", '{"sub":"a"}}', '{"sub":"a",}', "{'sub':1}")
    ),
    *(
        (broken, (None, None, None, None, None))
        for broken in (
            '{"sub":"\\u0000"}',
            '{"sub":"\\ud800"}',
            '{"sub":"a\nb"}',
            '{"sub":"a","n":1e999999}',
            '{"sub":"a","n":01}',
            '{"sub":"a","n":-{}}',
            '{"sub":"a" "b":1}',
            '{"sub":"a\\q"}',
            DEEP,
            "[" * 50_000,
        )
    ),
)


@pytest.mark.parametrize("server_version", [150_000, 180_000], ids=["checked casts", "soft casts"])
def test_the_functions_read_what_claims_say_and_survive_what_they_do_not(
    database: Database, server_version: int
) -> None:
    database.execute("create schema auth")
    database.execute(";".join(auth_schema.functions(server_version)))

    for claims, expected in CLAIMS:
        assert claims_seen(database, claims) == expected, claims[:80]
    with psycopg.connect(database.dsn) as connection:
        unset = connection.execute("select auth.user_id(), auth.jwt()::text, auth.organization()").fetchone()
    assert unset == (None, "null", None)


def test_the_functions_are_inlined_and_may_run_in_parallel(database: Database) -> None:
    switch_on(database)
    database.execute("create table t (owner_id text)")

    plan = database.query("explain select from t where auth.user_id() = owner_id")
    marks = database.query("""
        select distinct provolatile::text, proparallel::text from pg_proc
        where pronamespace = 'auth'::regnamespace""")

    assert "user_id" not in str(plan)
    assert marks == [("s", "s")]


def test_two_people_see_their_own_notes_and_what_is_shared(database: Database, own_cluster: RunningCluster) -> None:
    switch_on(database, add_default_grants=True)
    as_owner(database, own_cluster, NOTES.replace("create table notes", "create table public.notes"))

    as_user(database, "ann", "insert into notes (title) values ('mine')")
    [(note,)] = as_user(database, "ann", "select id from notes")
    as_user(database, "ann", f"insert into paragraphs (note_id, content) values ('{note}', 'text')")

    assert as_user(database, "ben", "select * from notes") == []
    assert as_user(database, "ben", "select * from paragraphs") == []
    as_user(database, "ann", "update notes set shared = true")
    assert as_user(database, "ben", "select title from notes") == [("mine",)]
    assert as_user(database, "ben", "select content from paragraphs") == [("text",)]
    assert as_user(database, "ben", "update notes set title = 'his' returning id") == []
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        as_user(database, None, "insert into notes (title) values ('nobody''s')")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        as_user(database, "ben", "insert into notes (owner_id) values ('ann')")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied"):
        as_user(database, None, "select * from notes", role="anonymous")


def test_enabling_twice_changes_nothing(database: Database) -> None:
    switch_on(database, add_default_grants=True)
    before = catalog(database)

    done = switch_on(database, add_default_grants=True, authenticator_password=None)

    assert done == ()
    assert catalog(database) == before


def test_two_enablings_at_once_both_succeed(database: Database) -> None:
    async def both() -> list[int]:
        async def one() -> int:
            async with await psycopg.AsyncConnection.connect(database.dsn, autocommit=True) as connection:
                return len((await enable(connection, asked(database, add_default_grants=True))).done)

        return sorted(await asyncio.gather(one(), one()))

    second, first = asyncio.run(both())

    assert first > second == 1, "the second one sets the password again, and nothing else"


def test_two_databases_of_a_server_may_be_enabled_at_once(make: Callable[[], Database]) -> None:
    databases = [make() for _ in range(3)]

    async def all_of_them() -> None:
        async def one(database: Database) -> None:
            async with await psycopg.AsyncConnection.connect(database.dsn, autocommit=True) as connection:
                await enable(connection, asked(database, add_default_grants=True))

        await asyncio.gather(*(one(database) for database in databases))

    asyncio.run(all_of_them())

    for database in databases:
        assert as_user(database, "ann", "select auth.user_id()") == [("ann",)]


def test_disabling_leaves_no_trace(database: Database, own_cluster: RunningCluster) -> None:
    database.execute("create table public.old (id serial, secret text)")
    before = catalog(database)
    switch_on(database, add_default_grants=True)
    as_owner(database, own_cluster, "create table public.new (id serial)")

    removed = switch_off(database)

    database.execute("drop table public.new")
    assert removed.kept == ()
    assert {"schema auth", "schema pgrst", "role authenticator"} <= set(removed.removed)
    assert [row[0] for row in catalog(database)] == [row[0] for row in before]
    assert "authenticated" not in str(catalog(database))
    assert switch_off(database) == Disabled((), ())


def test_disabling_keeps_what_others_had_granted_before(database: Database) -> None:
    database.execute("""
        create role authenticated nologin;
        create table public."a.b" (id int, title text);
        create table public.c (id int, title text);
        grant select on public."a.b" to authenticated;
        grant select (title), references (id) on public.c to authenticated;
        grant usage on schema public to authenticated;
        alter default privileges in schema public grant select on tables to authenticated;""")
    before = catalog(database)
    switch_on(database, add_default_grants=True)
    database.execute('alter table public."a.b" rename to renamed')

    removed = switch_off(database)

    database.execute('alter table public.renamed rename to "a.b"')
    owner_made_explicit = {"class a.b", "class c"}
    assert [kept.what for kept in removed.kept] == ["role authenticated"]
    assert [row for row in catalog(database) if row[0] not in owner_made_explicit] == [
        row for row in before if row[0] not in owner_made_explicit
    ]
    held = database.query("""
        select table_name, privilege_type from information_schema.role_table_grants where grantee = 'authenticated'""")
    assert held == [("a.b", "SELECT")]
    database.execute("""
        drop table public."a.b", public.c; drop owned by authenticated""")


def test_disabling_keeps_functions_that_tables_need_and_names_them(
    database: Database, own_cluster: RunningCluster
) -> None:
    switch_on(database, add_default_grants=True)
    as_owner(database, own_cluster, NOTES + "create view mine as select auth.user_id() as me, auth.uid() as id")

    removed = switch_off(database)
    kept = {kept.what: kept.dependents for kept in removed.kept}

    assert "default value for column owner_id of table public.notes" in kept["function auth.user_id()"]
    assert "policy crud-authenticated-policy-select on table public.notes" in kept["function auth.user_id()"]
    assert kept["function auth.uid()"] == ("view public.mine",)
    assert "policy shared_policy on table public.notes" in kept["role authenticated"]
    assert "function auth.session()" in removed.removed
    assert "schema pgrst" in removed.removed

    assert "creating the functions of schema auth" in switch_on(database), "what stayed is known as ours"
    database.execute("drop view public.mine; drop table public.paragraphs, public.notes")
    assert switch_off(database).kept == ()


def test_roles_stay_while_another_database_needs_them(make: Callable[[], Database]) -> None:
    first, second = make(), make()
    switch_on(first)
    switch_on(second)

    removed = switch_off(first)

    assert {kept.what for kept in removed.kept} == {f"role {role}" for role in API_ROLES}
    assert f"database {second.name}" in removed.kept[0].dependents
    assert as_user(second, "ann", "select auth.user_id()") == [("ann",)]
    assert switch_off(second).kept == ()


def test_settings_reach_a_function_that_the_authenticator_may_call(database: Database) -> None:
    strange = "o'ne \\ \" $body$ two"
    database.execute(f"create schema {sql.Identifier(strange).as_string()}")
    settings = Settings(db_schemas=("public", strange), db_max_rows=7, jwt_cache_max_lifetime=0)
    switch_on(database, settings=settings)
    with psycopg.connect(database.authenticator_dsn) as connection:
        connection.execute("select pgrst.pre_config()")
        shown = connection.execute("""
            select current_setting('pgrst.db_schemas'), current_setting('pgrst.db_max_rows'),
              current_setting('pgrst.jwt_cache_max_entries'), current_setting('pgrst.server_timing_enabled')""")

        assert shown.fetchone() == (f"public, {strange}", "7", "0", "false")
    assert run(database.dsn, provisioned) == settings


def test_new_settings_replace_the_old_and_are_announced(database: Database) -> None:
    switch_on(database, settings=Settings(db_max_rows=7))
    with psycopg.connect(database.dsn, autocommit=True) as listener:
        listener.execute("listen pgrst")

        run(database.dsn, lambda connection: update_settings(connection, Settings(openapi_mode="ignore-privileges")))

        announced = [notice.payload for notice in listener.notifies(timeout=5, stop_after=2)]
    assert announced == ["reload config", "reload schema"]
    [(source,)] = database.query("select prosrc from pg_proc where proname = 'pre_config'")
    assert "ignore-privileges" in source
    assert "db_max_rows" not in source


def test_another_anonymous_role_is_given_to_the_authenticator(database: Database) -> None:
    switch_on(database)
    database.execute("create role visitor")

    run(database.dsn, lambda connection: update_settings(connection, Settings(db_anon_role="visitor")))

    assert as_user(database, "ann", "select auth.user_id()", role="visitor") == [("ann",)]
    assert switch_off(database).kept == ()


def test_what_is_wrong_is_said_and_nothing_is_left_behind(database: Database) -> None:
    before = catalog(database)
    for expected, wrong in (
        (WrongDatabase, replace(asked(database), database="other")),
        (MissingRole, replace(asked(database), owner="nobody")),
        (MissingSchema, asked(database, settings=Settings(db_schemas=("absent",)))),
        (MissingSchema, asked(database, settings=Settings(db_schemas=("auth",)), skip_auth_schema=True)),
        (MissingRole, asked(database, settings=Settings(db_anon_role="nobody"))),
        (UnsafeRole, asked(database, settings=Settings(db_anon_role="postgres"))),
        (PasswordNeeded, asked(database, authenticator_password=None)),
    ):
        with pytest.raises(expected):
            run(database.dsn, lambda connection, wrong=wrong: enable(connection, wrong))  # type: ignore[misc]
    with pytest.raises(NotProvisioned):
        run(database.dsn, lambda connection: update_settings(connection, Settings()))

    assert catalog(database) == before


@pytest.mark.parametrize("attributes", ["superuser", "bypassrls", "nologin in role powerful"])
def test_a_role_that_would_see_all_rows_is_refused(database: Database, attributes: str) -> None:
    database.execute(f"create role powerful bypassrls; create role authenticated {attributes}")

    with pytest.raises(UnsafeRole):
        switch_on(database)

    assert database.query("select from pg_namespace where nspname in ('auth', 'pgrst')") == []


def test_an_authenticator_that_exists_keeps_its_password_and_must_log_in(database: Database) -> None:
    database.execute("create role authenticator nologin password 'kept'")
    with pytest.raises(CannotLogIn):
        switch_on(database, authenticator_password=None)
    [(verifier,)] = database.query("select rolpassword from pg_authid where rolname = 'authenticator'")
    database.execute("alter role authenticator login")

    switch_on(database, authenticator_password=None)

    attributes = database.query("select rolpassword, rolinherit from pg_authid where rolname = 'authenticator'")
    assert attributes == [(verifier, True)]


def test_a_schema_auth_of_somebody_else_is_left_alone(database: Database) -> None:
    database.execute("create schema auth; create table auth.users (id int)")
    with pytest.raises(ForeignSchema):
        switch_on(database)

    switch_on(database, skip_auth_schema=True)

    assert database.query("select from pg_proc where pronamespace = 'auth'::regnamespace") == []
    assert switch_off(database).kept == ()
    assert database.query("select count(*) from auth.users") == [(0,)]


def test_an_older_installation_is_brought_up_to_date(database: Database) -> None:
    switch_on(database)
    database.execute("""
        comment on schema auth is 'Tailrace Data API: auth, version 0';
        create or replace function auth.user_id() returns text language sql return 'old'""")

    done = switch_on(database, authenticator_password=None)

    assert done == ("creating the functions of schema auth",)
    assert as_user(database, "ann", "select auth.user_id()") == [("ann",)]


def test_who_is_no_superuser_can_enable_with_what_it_takes(database: Database, own_cluster: RunningCluster) -> None:
    database.execute("create role dba login password 'dba'; create table public.t (id serial)")
    dba = own_cluster.dsn(database.name, user="dba", password="dba")
    wish = asked(database, add_default_grants=True)
    with pytest.raises(MissingPrivileges) as refused:
        run(dba, lambda connection: enable(connection, wish))
    assert [privilege.partition(" ")[0] for privilege in refused.value.missing] == [
        "CREATE",
        "CREATEROLE",
        "membership",
    ]
    owner = sql.Identifier(OWNER).as_string()
    database.execute(f"alter role dba createrole; grant {owner} to dba")
    with pytest.raises(MissingPrivileges, match="permission denied for table t"):
        run(dba, lambda connection: enable(connection, wish))
    assert database.query("select from pg_roles where rolname = 'authenticated'") == []
    database.execute(f"alter table public.t owner to {owner}")

    run(dba, lambda connection: enable(connection, wish))

    as_owner(database, own_cluster, "create table public.mine (id int)")
    assert as_user(database, "ann", "select * from mine") == []
    assert run(dba, disable).kept == ()
    database.execute("drop table public.mine")


def test_what_others_put_into_our_schemas_is_kept(database: Database) -> None:
    switch_on(database)
    database.execute("create table pgrst.theirs (id int); create table auth.theirs (id int)")

    kept = {kept.what: kept.dependents for kept in switch_off(database).kept}

    assert kept == {"schema auth": ("table auth.theirs",), "schema pgrst": ("table pgrst.theirs",)} | {
        f"role {role}": ("schema auth",) for role in ("authenticated", "anonymous")
    }
    assert run(database.dsn, provisioned) is None
    switch_on(database)
    assert as_user(database, "ann", "select auth.user_id()") == [("ann",)]


def test_a_busy_database_is_reported_and_not_waited_for(database: Database) -> None:
    database.execute("create table public.t (id int)")
    with psycopg.connect(database.dsn) as other:
        other.execute("grant select on public.t to public")
        started = time.monotonic()

        with pytest.raises(DatabaseBusy):
            run(
                database.dsn,
                lambda connection: enable(
                    connection, asked(database, add_default_grants=True), limits=Limits(lock_timeout=0.2)
                ),
            )

    assert time.monotonic() - started < 5
    assert database.query("select from pg_namespace where nspname = 'auth'") == []


def test_the_script_is_the_installation(make: Callable[[], Database]) -> None:
    by_hand, by_call = make(), make()
    wish = asked(by_hand, add_default_grants=True)

    by_hand.execute(render_sql(wish))
    switch_on(by_call, add_default_grants=True)

    assert catalog(by_hand) == catalog(by_call)
    assert PASSWORD not in render_sql(wish)
    functions = "select proname, prosqlbody::text is null, prosrc from pg_proc where pronamespace in" + (
        " (select oid from pg_namespace where nspname in ('auth', 'pgrst')) order by 1"
    )
    assert by_hand.query(functions) == by_call.query(functions)
    assert switch_off(by_hand).removed


def test_the_engine_serves_everybody_their_own_rows(serve: Serve, create_database: CreateDatabase) -> None:
    script = render_sql(Provisioning(database="any", owner="postgres", add_default_grants=True))
    api = serve(script + NOTES, db_pre_config="pgrst.pre_config", db_anon_role=None, db_schemas=None)
    for person in ("ann", "ann", "ben"):
        assert api.post("/notes", {"title": f"{person}'s"}, headers=bearer(sub=person)).status == 201

    seen = api.get("/notes?select=title", headers=bearer(sub="ann"))
    run(api.database.dsn, lambda connection: update_settings(connection, Settings(db_max_rows=1)))

    assert seen.json() == [{"title": "ann's"}] * 2
    assert api.get("/notes").json()["code"] == "42501", "anonymous was granted nothing"
    deadline = time.monotonic() + 10
    while len(api.get("/notes", headers=bearer(sub="ann")).json()) > 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(api.get("/notes", headers=bearer(sub="ann")).json()) == 1
    switch_off(api.database)
