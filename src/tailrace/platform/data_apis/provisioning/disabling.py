"""Removing a Data API from a database: what was installed, unless somebody builds on it."""

from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg

from tailrace.platform.data_apis.provisioning import auth_schema, catalog
from tailrace.platform.data_apis.provisioning.catalog import Found, find
from tailrace.platform.data_apis.provisioning.ledger import FutureGrants, Ledger, ObjectBefore, SchemaGrants
from tailrace.platform.data_apis.provisioning.provisioning import (
    ANONYMOUS,
    AUTH_SCHEMA,
    AUTHENTICATED,
    AUTHENTICATOR,
    CONFIG_SCHEMA,
    PRE_CONFIG,
    Limits,
)
from tailrace.platform.data_apis.provisioning.quoting import identifier
from tailrace.platform.data_apis.provisioning.script import NOTIFY, ROLE_MARKER, ledger_step
from tailrace.platform.data_apis.provisioning.transaction import Work, persistently, transaction

DEFAULT_LIMITS = Limits()
ADMIN_NEEDED_SINCE = 160_000
"""The `server_version_num` since which CREATEROLE drops only roles that it administers."""

_DEPENDENTS: LiteralString = """
SELECT DISTINCT CASE WHEN d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
  THEN (SELECT pg_catalog.pg_describe_object('pg_catalog.pg_class'::pg_catalog.regclass, w.ev_class, 0)
        FROM pg_catalog.pg_rewrite w WHERE w.oid = d.objid)
  ELSE pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid) END
FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_proc p ON p.oid = d.refobjid
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.deptype IN ('n', 'a')
  AND n.nspname = %s AND p.proname = %s AND p.pronargs = %s ORDER BY 1"""
_CONTENTS: LiteralString = """
SELECT DISTINCT pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid) FROM pg_catalog.pg_depend d
WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
  AND d.refobjid = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = %s) ORDER BY 1"""
_OUR_ROLE: LiteralString = """
SELECT oid::bigint FROM pg_catalog.pg_roles
WHERE rolname = %s AND pg_catalog.shobj_description(oid, 'pg_authid') = %s"""
_NEEDS: LiteralString = """
SELECT CASE WHEN d.dbid IN (0, b.oid) THEN pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid)
  ELSE 'database ' || (SELECT datname FROM pg_catalog.pg_database o WHERE o.oid = d.dbid) END
FROM pg_catalog.pg_shdepend d JOIN pg_catalog.pg_database b ON b.datname = pg_catalog.current_database()
WHERE d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND d.refobjid = %s
UNION
SELECT 'role ' || m.rolname FROM pg_catalog.pg_auth_members a JOIN pg_catalog.pg_roles m ON m.oid = a.member
WHERE a.roleid = %s AND m.rolname <> 'authenticator' AND NOT (a.admin_option AND m.rolname = current_user)
UNION
SELECT 'settings in database ' || b.datname FROM pg_catalog.pg_db_role_setting s
JOIN pg_catalog.pg_database b ON b.oid = s.setdatabase
WHERE s.setrole = %s AND b.datname <> pg_catalog.current_database()
ORDER BY 1"""
_USED_ELSEWHERE: LiteralString = """
SELECT EXISTS (SELECT FROM pg_catalog.pg_shdepend d
  WHERE d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
    AND d.refobjid = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = 'authenticator')
    AND d.dbid NOT IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())))"""
_COLUMNS: LiteralString = """
SELECT c.oid::bigint, t.attname, a.privilege_type, a.is_grantable
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute t ON t.attrelid = c.oid
CROSS JOIN LATERAL pg_catalog.aclexplode(t.attacl) a JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
WHERE c.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = %s) AND r.rolname = %s
  AND a.grantor = c.relowner AND NOT t.attisdropped"""


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that stays, and what needs it, in Postgres's words."""

    what: str
    dependents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Disabled:
    removed: tuple[str, ...]
    kept: tuple[Kept, ...]


@dataclass(slots=True)
class _Account:
    removed: list[str]
    kept: list[Kept]


async def disable(connection: psycopg.AsyncConnection[Any], *, limits: Limits = DEFAULT_LIMITS) -> Disabled:
    """Remove the Data API in one transaction; a database without one is left as it is.

    What was granted to others before stays, and so does what somebody's objects need.
    Errors: MissingPrivileges, DatabaseBusy; then nothing has changed.
    """
    return await persistently(lambda: _disable(connection, limits))


async def _disable(connection: psycopg.AsyncConnection[Any], limits: Limits) -> Disabled:
    async with transaction(connection, limits) as work:
        found = await find(work, roles=(AUTHENTICATED, ANONYMOUS), schemas=())
        if found.ledger is None or not found.ledger.enabled:
            return Disabled((), ())
        account = _Account([], [])
        await _revoke(work, found.ledger, found)
        if not found.ledger.skip_auth_schema and _is_ours(found):
            await _remove_auth(work, found, account)
        await _remove_settings(work, found, account)
        await _revoke_memberships(work, found.ledger, found)
        for role in (AUTHENTICATOR, AUTHENTICATED, ANONYMOUS):
            if role in found.roles:
                await _remove_role(work, role, found=found, account=account)
        await work.run(*NOTIFY)
        return Disabled(tuple(account.removed), tuple(account.kept))


def _is_ours(found: Found) -> bool:
    return (found.schemas.get(AUTH_SCHEMA) or "").startswith(auth_schema.MARKER)


async def _revoke(work: Work, ledger: Ledger, found: Found) -> None:
    if AUTHENTICATED in found.roles:
        for future in ledger.future:
            await _revoke_future(work, future)
        for before in ledger.schemas:
            await _revoke_schema(work, before)
    if ledger.connect and AUTHENTICATOR in found.roles:
        work.doing = "revoking access to the database"
        database, role = identifier(found.database), identifier(AUTHENTICATOR)
        await work.run(f"REVOKE CONNECT ON DATABASE {database} FROM {role}")


async def _revoke_future(work: Work, before: FutureGrants) -> None:
    now = await catalog.future_grants(work, before.schema, before.owner, role=AUTHENTICATED)
    work.doing = f"revoking default privileges in schema {before.schema}"
    change = (
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {identifier(before.owner)} IN SCHEMA {identifier(before.schema)} REVOKE"
    )
    for kind, held, kept in (
        ("TABLES", now.tables, before.tables),
        ("SEQUENCES", now.sequences, before.sequences),
    ):
        ours = [privilege for privilege in held if privilege not in kept]
        if ours:
            await work.run(f"{change} {', '.join(ours)} ON {kind} FROM {identifier(AUTHENTICATED)}")


async def _revoke_schema(work: Work, before: SchemaGrants) -> None:
    schema, role = before.schema, identifier(AUTHENTICATED)
    now = await catalog.schema_grants(work, schema, AUTHENTICATED)
    columns = await work.rows(_COLUMNS, schema, AUTHENTICATED)
    work.doing = f"revoking what is in schema {schema}"
    statements = []
    for granted in now.tables:
        if ours := _ours(granted, before.tables):
            table = identifier(schema, granted.name)
            statements.append(f"REVOKE {', '.join(ours)} ON TABLE {table} FROM {role}")
            statements += (
                # Revoking from a table takes the same from its columns, where it was not ours.
                f"GRANT {privilege} ({identifier(column)}) ON TABLE {table} TO {role}{' WITH GRANT OPTION' * grantable}"
                for oid, column, privilege, grantable in columns
                if oid == granted.oid and privilege in ours
            )
    for granted in now.sequences:
        if ours := _ours(granted, before.sequences):
            statements.append(f"REVOKE {', '.join(ours)} ON SEQUENCE {identifier(schema, granted.name)} FROM {role}")
    if now.usage_before and not before.usage_before:
        statements.append(f"REVOKE USAGE ON SCHEMA {identifier(schema)} FROM {role}")
    await work.run(*statements)


def _ours(granted: ObjectBefore, before: tuple[ObjectBefore, ...]) -> tuple[str, ...]:
    kept = {
        privilege
        for other in before
        if other.oid == granted.oid or other.name == granted.name
        for privilege in other.privileges
    }
    return tuple(privilege for privilege in granted.privileges if privilege not in kept)


async def _remove_auth(work: Work, found: Found, account: _Account) -> None:
    work.doing = f"removing schema {AUTH_SCHEMA}"
    for name in auth_schema.FUNCTIONS:
        if name in found.auth_functions:
            await _remove_function(work, f"{AUTH_SCHEMA}.{name}", account=account)
    if auth_schema.PARSER in found.auth_functions:
        await _remove_function(work, f"{AUTH_SCHEMA}.{auth_schema.PARSER}", account=account, argument="pg_catalog.text")
    await _remove_schema(work, AUTH_SCHEMA, account)


async def _remove_settings(work: Work, found: Found, account: _Account) -> None:
    work.doing = f"removing schema {CONFIG_SCHEMA}"
    await _remove_function(work, PRE_CONFIG, account=account)
    if not await _remove_schema(work, CONFIG_SCHEMA, account):
        await work.run(*ledger_step(Ledger(enabled=False)).statements)
        if AUTHENTICATOR not in found.roles:
            return
        revoke = f"REVOKE USAGE ON SCHEMA {identifier(CONFIG_SCHEMA)} FROM {identifier(AUTHENTICATOR)}"
        await work.run(revoke)


async def _remove_function(work: Work, name: str, *, account: _Account, argument: str = "") -> None:
    schema, _, function = name.partition(".")
    dependents = await work.rows(_DEPENDENTS, schema, function, 1 if argument else 0)
    if dependents:
        account.kept.append(Kept(f"function {name}({argument})", _first(dependents)))
        return
    await work.run(f"DROP FUNCTION IF EXISTS {name}({argument})")
    account.removed.append(f"function {name}({argument})")


async def _remove_schema(work: Work, schema: str, account: _Account) -> bool:
    contents = await work.rows(_CONTENTS, schema)
    if contents:
        account.kept.append(Kept(f"schema {schema}", _first(contents)))
        return False
    await work.run(f"DROP SCHEMA {identifier(schema)}")
    account.removed.append(f"schema {schema}")
    return True


async def _revoke_memberships(work: Work, ledger: Ledger, found: Found) -> None:
    """Roles are everybody's: while another database lets the authenticator in, it keeps what it may become."""
    if AUTHENTICATOR not in found.roles:
        return
    [(used_elsewhere,)] = await work.rows(_USED_ELSEWHERE)
    if used_elsewhere:
        return
    work.doing = f"revoking roles from {AUTHENTICATOR}"
    existing = await catalog.find(work, roles=ledger.memberships, schemas=())
    for role in ledger.memberships:
        if role in existing.roles and existing.roles[role].given_to_authenticator:
            await work.run(f"REVOKE {identifier(role)} FROM {identifier(AUTHENTICATOR)}")


async def _remove_role(work: Work, role: str, *, found: Found, account: _Account) -> None:
    """Only a role that an installation made, that nothing needs, and that the connecting role may drop."""
    ours = await work.rows(_OUR_ROLE, role, ROLE_MARKER)
    if not ours:
        account.kept.append(Kept(f"role {role}", ("it was there before",)))
        return
    dependents = _first(await work.rows(_NEEDS, ours[0][0], ours[0][0], ours[0][0]))
    if not dependents and not _may_drop(role, found):
        dependents = (f"{found.user} lacks its ADMIN option",)
    if dependents:
        account.kept.append(Kept(f"role {role}", dependents))
        return
    work.doing = f"dropping role {role}"
    await work.run(f"DROP ROLE {identifier(role)}")
    account.removed.append(f"role {role}")


def _may_drop(role: str, found: Found) -> bool:
    if found.superuser:
        return True
    return found.may_create_roles and (found.server_version < ADMIN_NEEDED_SINCE or found.roles[role].may_be_granted)


def _first(rows: list[tuple[Any, ...]]) -> tuple[str, ...]:
    return tuple(row[0] for row in rows)
