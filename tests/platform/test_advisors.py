"""What the advisors find: each section of their page in the documentation is a test of its check."""

import asyncio
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tailrace.platform.advisors import CHECKS, Category, Issue, Level, Report, Scope, scan
from tests.support.postgres import CreateDatabase

PAGE = Path(__file__).parents[2] / "docs" / "references" / "advisors.md"
SECTION = re.compile(
    r"^### (?P<title>[^\n]+)\n\n`(?P<name>\w+)`, (?P<level>\w+)\..*?\n(?=\n##|\Z)", re.MULTILINE | re.DOTALL
)
SQL = re.compile(r"^```sql\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INSTALLED = """
    create schema auth;
    create function auth.user_id() returns text language sql stable
        as $$ select current_setting('request.jwt.claims', true)::json ->> 'sub' $$;
    grant usage on schema auth to anonymous, authenticated;
    create schema neon_auth;
    create table neon_auth."user" (id uuid primary key, name text, email text unique, role text);
    create table neon_auth.organization (id uuid primary key, metadata jsonb);
"""
"""What a branch with a Data API and authentication has."""
ALSO = {"sensitive_columns_exposed": {"rls_disabled_in_public"}}
"""Checks whose objects are always those of another one too."""
AFTERWARDS = {"unindexed_foreign_keys": "unused_index"}
"""What the remedy makes, for a while: an index that nobody has used yet."""
MENDABLE = (
    "rls_disabled_in_public",
    "policy_exists_rls_disabled",
    "sensitive_columns_exposed",
    "security_definer_view",
    "neon_auth_users_exposed",
    "function_search_path_mutable",
    "materialized_view_in_api",
    "foreign_table_in_api",
    "duplicate_index",
    "unindexed_foreign_keys",
)
"""Checks whose issues bring their fix."""
CONDITIONS = (
    ("owner_id = auth.user_id()", True),
    ("owner_id = (select auth.user_id())", False),
    ("owner_id = current_setting('app.user', true)", True),
    ("owner_id = (select nullif(current_setting('app.user', true), ''))", False),
    ("owner_id = (select (current_setting('app.claims')::json ->> 'sub'))", False),
    ("owner_id in (select 'x' from neon_auth.\"user\" u where u.id::text = auth.user_id())", True),
    ("owner_id = my_auth.user_id()", False),
)
"""Conditions of policies, and whether they call once per row."""
ODD = 'a "b".c%s'
ODD_NAMES = """
    create schema "a ""b"".c%s";
    set search_path = "a ""b"".c%s";
    create table "T; drop" (id int primary key, "Pass word" text);
    create table "x'y" ("PASSWORD" text, "a b" int references "T; drop");
    create policy "p""q" on "x'y" using ("PASSWORD" = 'x');
    create unique index "i ON j" on "x'y" ("PASSWORD");
    create unique index "i ON k" on "x'y" ("PASSWORD");
    create function "F x"("a b" int, variadic "c" int[]) returns int language sql as 'select 1';
    grant usage on schema "a ""b"".c%s" to authenticated;
    grant insert on "x'y" to authenticated;
"""
SCOPE = Scope(schemas=("public",), docs_page="/docs/references/advisors.html")


@dataclass(frozen=True)
class Section:
    title: str
    name: str
    level: str
    example: str
    fix: str


def sections() -> Iterator[Section]:
    for found in SECTION.finditer(PAGE.read_text(encoding="utf-8")):
        example, fix = SQL.findall(found[0])
        yield Section(found["title"], found["name"], found["level"], example, fix)


SECTIONS = tuple(sections())


def look(
    dsn: str, *, category: Category | None = None, min_severity: Level | None = None, scope: Scope = SCOPE
) -> Report:
    async def run() -> Report:
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            return await scan(connection, scope, category=category, min_severity=min_severity)

    return asyncio.run(run())


def names(issues: Iterable[Issue]) -> set[str]:
    return {issue.name for issue in issues}


def test_the_page_has_a_section_for_every_check_in_their_order() -> None:
    described = [(section.title, section.name, section.level) for section in SECTIONS]

    assert described == [(check.title, check.name, check.level.name) for check in CHECKS]
    assert len(described) == 22


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_a_sections_example_is_found_by_its_check_alone_and_its_remedy_silences_all(
    section: Section, create_database: CreateDatabase
) -> None:
    database = create_database(INSTALLED)
    database.execute(section.example)

    before = look(database.dsn)
    database.execute(section.fix)
    after = look(database.dsn)

    assert names(before.issues) == {section.name} | ALSO.get(section.name, set())
    assert names(after.issues) <= {AFTERWARDS.get(section.name)}
    assert (before.notes, after.notes) == ((), ())
    assert all((issue.fix is not None) == (issue.name in MENDABLE) for issue in before.issues)


@pytest.mark.parametrize(
    "section", [section for section in SECTIONS if section.name in MENDABLE], ids=lambda section: section.name
)
def test_the_fix_that_comes_with_an_issue_silences_it(section: Section, create_database: CreateDatabase) -> None:
    database = create_database(INSTALLED)
    database.execute(section.example)
    fixes = [issue.fix for issue in look(database.dsn).issues if issue.name == section.name]

    for fix in fixes:
        assert fix is not None
        database.execute(fix)

    assert len(fixes) == 1
    assert section.name not in names(look(database.dsn).issues)


def test_names_of_any_kind_are_quoted_in_the_fix_and_plain_in_the_rest(create_database: CreateDatabase) -> None:
    database = create_database(ODD_NAMES)

    report = look(database.dsn, scope=Scope(schemas=(ODD,), docs_page="/advisors"))

    assert names(report.issues) == {
        "rls_disabled_in_public",
        "policy_exists_rls_disabled",
        "sensitive_columns_exposed",
        "function_search_path_mutable",
        "duplicate_index",
        "unindexed_foreign_keys",
        "no_primary_key",
    }
    assert {issue.metadata["schema"] for issue in report.issues} == {ODD}
    for fix in {issue.fix for issue in report.issues if issue.fix is not None}:
        database.execute(fix)
    assert names(look(database.dsn, scope=Scope(schemas=(ODD,), docs_page="/advisors")).issues) == {
        "no_primary_key",
        "unused_index",
    }


def test_what_is_not_exposed_and_what_extensions_brought_is_passed_over(create_database: CreateDatabase) -> None:
    database = create_database("""
        create schema private;
        create table private.secret (token text);
        grant select on private.secret to authenticated;
        grant usage on schema private to authenticated;
        create table public.member (token text);
        grant select on public.member to authenticated;
        create extension citext;
        alter extension citext add table public.member;
    """)

    report = look(database.dsn)

    assert names(report.issues) == {"extension_in_public"}


def test_category_and_severity_choose_and_the_worst_comes_first(create_database: CreateDatabase) -> None:
    database = create_database("""
        create table b (id int); create table a (id int);
        grant select on a, b to anonymous;
        create function f() returns int language sql as 'select 1';
    """)

    everything = look(database.dsn).issues
    security = look(database.dsn, category=Category.SECURITY).issues
    bad = look(database.dsn, min_severity=Level.WARN).issues

    assert [(issue.level.name, issue.metadata["name"]) for issue in everything] == [
        ("ERROR", "a"),
        ("ERROR", "b"),
        ("WARN", "f"),
        ("INFO", "a"),
        ("INFO", "b"),
    ]
    assert security == bad == everything[:3]


def test_an_issue_is_the_object_of_the_management_api(create_database: CreateDatabase) -> None:
    database = create_database("create table note (id int primary key); grant select on note to anonymous;")

    (issue,) = look(database.dsn).issues

    assert issue.to_json() == {
        "name": "rls_disabled_in_public",
        "title": "RLS disabled in public",
        "level": "ERROR",
        "facing": "EXTERNAL",
        "categories": ["SECURITY"],
        "description": issue.description,
        "detail": "Table `public.note` has no row-level security, and is open to anonymous.",
        "remediation": "/docs/references/advisors.html#rls-disabled-in-public",
        "metadata": {
            "schema": "public",
            "name": "note",
            "type": "table",
            "exposed_to": ["anonymous"],
            "fix": "alter table public.note enable row level security;",
        },
        "cache_key": "rls_disabled_in_public_public_note",
    }


def test_a_role_without_rights_gets_the_same_and_is_told_what_it_could_not_see(
    create_database: CreateDatabase,
) -> None:
    bloat = next(section for section in SECTIONS if section.name == "table_bloat")
    database = create_database(bloat.example + "create table visit (at date);")

    report = look(database.authenticator_dsn)

    assert [issue.metadata["name"] for issue in report.issues] == ["visit"]
    assert report.notes == ("table_bloat: not judged, since authenticator may not read them: 1 of the large tables.",)


def test_a_check_that_takes_too_long_is_left_out_and_the_others_go_on(create_database: CreateDatabase) -> None:
    database = create_database("create table note (id int);")
    with psycopg.connect(database.dsn) as other:
        other.execute("lock table pg_extension in access exclusive mode")

        report = look(database.dsn, scope=Scope(schemas=("public",), docs_page="", timeout=0.5))

    assert names(report.issues) == {"no_primary_key"}
    assert report.notes == (
        "extension_in_public: stopped after 0.5 seconds.",
        "extension_versions_outdated: stopped after 0.5 seconds.",
    )


def test_policies_are_judged_as_postgres_applies_them(create_database: CreateDatabase) -> None:
    database = create_database(
        INSTALLED
        + """
        create table note (id int primary key, owner_id text);
        alter table note enable row level security;
        create policy reads on note for select to anonymous using (true);
        create policy adds on note for insert to authenticated with check (1 = 1);
        create policy changes on note for update to authenticated using (owner_id = '') with check (true);
        create policy keeps on note as restrictive for delete to authenticated using (true);
        create policy others on note for delete to authenticator using (true);
        """
    )

    found = [issue.metadata["policy"] for issue in look(database.dsn).issues]

    assert found == ["adds", "changes"]


def test_a_call_is_per_row_unless_a_subselect_holds_it_alone(create_database: CreateDatabase) -> None:
    database = create_database(
        INSTALLED
        + "create schema my_auth;"
        + "create function my_auth.user_id() returns text language sql as 'select null::text';"
    )
    for number, (condition, _) in enumerate(CONDITIONS):
        database.execute(f"""
            create table note_{number} (id int primary key, owner_id text);
            alter table note_{number} enable row level security;
            create policy own on note_{number} using ({condition});
        """)

    found = {issue.metadata["name"] for issue in look(database.dsn).issues}

    assert found == {f"note_{number}" for number, (_, is_per_row) in enumerate(CONDITIONS) if is_per_row}


def test_an_index_serves_a_foreign_key_in_any_order_and_partially_but_not_from_the_second_column(
    create_database: CreateDatabase,
) -> None:
    database = create_database("""
        create table place (x int, y int, primary key (x, y));
        create table served (id int primary key, x int, y int, foreign key (x, y) references place);
        create unique index on served (y, x, id);
        create table late (id int primary key, x int, y int, foreign key (x, y) references place);
        create unique index on late (id, x, y);
        create table person (id int primary key);
        create table some_have (id int primary key, person_id int references person);
        create unique index on some_have (person_id) where person_id is not null;
    """)

    assert [issue.metadata["name"] for issue in look(database.dsn).issues] == ["late"]


def test_users_behind_two_views_are_found(create_database: CreateDatabase) -> None:
    database = create_database(
        INSTALLED
        + """
        alter table neon_auth."user" enable row level security;
        create schema inner_part;
        create view inner_part.everyone as select * from neon_auth."user";
        create view directory with (security_invoker = on) as select name from inner_part.everyone;
        grant select on directory to authenticated;
        """
    )

    (issue,) = look(database.dsn).issues

    assert (issue.name, issue.metadata["name"]) == ("neon_auth_users_exposed", "directory")


def test_policies_for_everyone_are_counted_with_those_of_a_role(create_database: CreateDatabase) -> None:
    database = create_database("""
        create table note (id int primary key, a boolean, b boolean);
        alter table note enable row level security;
        create policy all_public on note using (a);
        create policy reads on note for select to authenticated using (b);
        create policy narrows on note as restrictive for select using (b);
    """)

    (issue,) = look(database.dsn).issues

    assert issue.cache_key == "multiple_permissive_policies_public_note_authenticated_SELECT"
    assert issue.metadata["policies"] == ["all_public", "reads"]
