"""The SQL of an installation: the steps that bring a database from what was found to what is asked for.

An installation runs these steps, and `render_sql` prints them, so the two cannot differ.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tailrace.platform.data_apis.provisioning import auth_schema
from tailrace.platform.data_apis.provisioning.catalog import SEQUENCE_PRIVILEGES, TABLE_PRIVILEGES, Found
from tailrace.platform.data_apis.provisioning.ledger import Ledger
from tailrace.platform.data_apis.provisioning.provisioning import (
    ANONYMOUS,
    AUTH_SCHEMA,
    AUTHENTICATED,
    AUTHENTICATOR,
    CHANNEL,
    CONFIG_SCHEMA,
    PRE_CONFIG,
    Provisioning,
)
from tailrace.platform.data_apis.provisioning.quoting import dollar_quoted, identifier, literal
from tailrace.platform.data_apis.provisioning.settings import Settings

ROLE_MARKER = "Tailrace Data API: role"
NOTIFY = (f"NOTIFY {CHANNEL}, 'reload config'", f"NOTIFY {CHANNEL}, 'reload schema'")


@dataclass(frozen=True, slots=True)
class Step:
    """What is done, in words that follow "what", and how."""

    doing: str
    statements: tuple[str, ...]


def installation(provisioning: Provisioning, found: Found) -> Iterator[Step]:
    """The steps that are missing; none when everything stands as asked for."""
    yield from _roles(provisioning, found)
    if not provisioning.skip_auth_schema:
        yield from _auth_schema(provisioning, found)
    if provisioning.add_default_grants:
        yield from _default_grants(provisioning, found)
    yield from configuration(provisioning.settings, found)


def configuration(settings: Settings, found: Found) -> Iterator[Step]:
    """The settings as a function that the engine calls before it reads its configuration."""
    body = _pre_config_body(settings)
    if CONFIG_SCHEMA not in found.schemas:
        yield Step(
            f"creating schema {CONFIG_SCHEMA}",
            (f"CREATE SCHEMA {identifier(CONFIG_SCHEMA)}",),
        )
    if found.pre_config != body or AUTHENTICATOR not in found.roles:
        yield Step(
            "writing the settings",
            (
                f"CREATE OR REPLACE FUNCTION {PRE_CONFIG}() RETURNS pg_catalog.void\n"
                f"  LANGUAGE sql VOLATILE SET search_path = ''\n  AS {dollar_quoted(body)}",
                f"REVOKE ALL ON FUNCTION {PRE_CONFIG}() FROM PUBLIC",
                f"GRANT USAGE ON SCHEMA {identifier(CONFIG_SCHEMA)} TO {identifier(AUTHENTICATOR)}",
                f"GRANT EXECUTE ON FUNCTION {PRE_CONFIG}() TO {identifier(AUTHENTICATOR)}",
            ),
        )


def known_grants(found: Found) -> Ledger:
    """What was granted and still is: with the role, its grants are gone."""
    ledger = found.ledger or Ledger()
    return ledger if AUTHENTICATED in found.roles else replace(ledger, schemas=(), future=())


def ungranted(roles: tuple[str, ...], found: Found) -> tuple[str, ...]:
    """Those of the roles that the authenticator may not become yet."""
    return tuple(name for name in roles if name not in found.roles or not found.roles[name].given_to_authenticator)


def memberships(roles: tuple[str, ...], found: Found) -> Iterator[Step]:
    """Let the authenticator become these roles."""
    for name in ungranted(roles, found):
        grant = f"GRANT {identifier(name)} TO {identifier(AUTHENTICATOR)}"
        yield Step(f"granting role {name} to {AUTHENTICATOR}", (grant,))


def auth_usage(roles: tuple[str, ...], found: Found) -> Iterator[Step]:
    """Let these roles name the functions of schema `auth`."""
    for name in dict.fromkeys(roles):
        if name not in found.roles or not found.roles[name].may_use_auth:
            grant = f"GRANT USAGE ON SCHEMA {identifier(AUTH_SCHEMA)} TO {identifier(name)}"
            yield Step(f"granting schema {AUTH_SCHEMA} to {name}", (grant,))


def ledger_step(ledger: Ledger) -> Step:
    """Write down what was done, for the day when it is undone."""
    comment = f"COMMENT ON SCHEMA {identifier(CONFIG_SCHEMA)} IS {literal(ledger.comment())}"
    return Step("noting what was granted", (comment,))


def render_sql(provisioning: Provisioning, *, server_version: int = 180_000) -> str:
    """The whole installation as a script for psql, for an empty database.

    Units: `server_version` as `server_version_num` has it. The script holds no password. It accepts
    roles that exist, but cannot know what was granted before: an API that it installed keeps its
    default grants when it is disabled.
    """
    found = Found(server_version=server_version, database=provisioning.database)
    ledger = Ledger(skip_auth_schema=provisioning.skip_auth_schema, settings=provisioning.settings.as_object())
    steps = (*installation(replace(provisioning, authenticator_password=None), found), ledger_step(ledger))
    lines = [
        f"-- A Data API, to be run in its database by a superuser. Then: \\password {AUTHENTICATOR}",
        "BEGIN;",
        "SET LOCAL search_path TO '';",
        "SET LOCAL standard_conforming_strings TO on;",
    ]
    for step in steps:
        lines += ["", f"-- {step.doing}".replace("\n", " ").replace("\r", " ")]
        lines += [f"{statement};" for statement in step.statements]
    lines += ["", *(f"{statement};" for statement in NOTIFY), "COMMIT;", ""]
    return "\n".join(lines)


def _roles(provisioning: Provisioning, found: Found) -> Iterator[Step]:
    login = "LOGIN NOINHERIT"
    for name, attributes in ((AUTHENTICATOR, login), (AUTHENTICATED, "NOLOGIN"), (ANONYMOUS, "NOLOGIN")):
        if name not in found.roles:
            yield Step(f"creating role {name}", (_create_role(name, attributes),))
    if provisioning.authenticator_password is not None:
        password = literal(provisioning.authenticator_password)
        role = identifier(AUTHENTICATOR)
        yield Step(f"setting the password of {AUTHENTICATOR}", (f"ALTER ROLE {role} PASSWORD {password}",))
    yield from memberships(provisioning.api_roles, found)
    if not found.authenticator_may_connect:
        database = identifier(provisioning.database)
        grant = f"GRANT CONNECT ON DATABASE {database} TO {identifier(AUTHENTICATOR)}"
        yield Step(f"letting {AUTHENTICATOR} into the database", (grant,))


def _create_role(name: str, attributes: str) -> str:
    create = f"CREATE ROLE {identifier(name)} {attributes};\n    COMMENT ON ROLE {identifier(name)} IS '{ROLE_MARKER}';"
    body = (
        "\nBEGIN\n"
        f"  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = {literal(name)}) THEN\n"
        f"    {create}\n"
        "  END IF;\n"
        "END"
    )
    return f"DO {dollar_quoted(body)}"


def _auth_schema(provisioning: Provisioning, found: Found) -> Iterator[Step]:
    marker = auth_schema.marker(found.server_version)
    names = auth_schema.names(found.server_version)
    if AUTH_SCHEMA not in found.schemas:
        yield Step(f"creating schema {AUTH_SCHEMA}", (f"CREATE SCHEMA {identifier(AUTH_SCHEMA)}",))
    if found.schemas.get(AUTH_SCHEMA) != marker or not found.auth_functions.issuperset(names):
        yield _auth_functions(names, found)
    yield from auth_usage((*provisioning.api_roles, provisioning.owner), found)


def _auth_functions(names: tuple[str, ...], found: Found) -> Step:
    functions = ", ".join(f"{AUTH_SCHEMA}.{name}()" for name in auth_schema.FUNCTIONS)
    if auth_schema.PARSER in names:
        functions += f", {AUTH_SCHEMA}.{auth_schema.PARSER}(pg_catalog.text)"
    marker = auth_schema.marker(found.server_version)
    return Step(
        f"creating the functions of schema {AUTH_SCHEMA}",
        (
            *auth_schema.functions(found.server_version),
            f"GRANT EXECUTE ON FUNCTION {functions} TO PUBLIC",
            f"COMMENT ON SCHEMA {identifier(AUTH_SCHEMA)} IS {literal(marker)}",
        ),
    )


def _default_grants(provisioning: Provisioning, found: Found) -> Iterator[Step]:
    role, owner = identifier(AUTHENTICATED), identifier(provisioning.owner)
    tables, sequences = ", ".join(TABLE_PRIVILEGES), ", ".join(SEQUENCE_PRIVILEGES)
    ledger = known_grants(found)
    for name in provisioning.settings.db_schemas:
        schema = identifier(name)
        if ledger.schema(name) is None:
            yield Step(
                f"granting what is in schema {name} to {AUTHENTICATED}",
                (
                    f"GRANT USAGE ON SCHEMA {schema} TO {role}",
                    f"GRANT {tables} ON ALL TABLES IN SCHEMA {schema} TO {role}",
                    f"GRANT {sequences} ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
                ),
            )
        if ledger.future_of(name, provisioning.owner) is None:
            future = f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema} GRANT"
            yield Step(
                f"granting what {provisioning.owner} will make in schema {name} to {AUTHENTICATED}",
                (f"{future} {tables} ON TABLES TO {role}", f"{future} {sequences} ON SEQUENCES TO {role}"),
            )


def _pre_config_body(settings: Settings) -> str:
    calls = (
        f"\n  SELECT pg_catalog.set_config({literal(name)}, {literal(value)}, true);"
        for name, value in settings.parameters()
    )
    return f"{''.join(calls)}\n"
