"""Installing a Data API in a database, and changing its settings."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, LiteralString

import psycopg

from tailrace.platform.data_apis.provisioning import auth_schema
from tailrace.platform.data_apis.provisioning.catalog import Found, find, find_for, future_grants, schema_grants
from tailrace.platform.data_apis.provisioning.errors import (
    CannotLogIn,
    ForeignSchema,
    MissingPrivileges,
    MissingRole,
    MissingSchema,
    NotProvisioned,
    PasswordNeeded,
    UnsafeRole,
    WrongDatabase,
)
from tailrace.platform.data_apis.provisioning.ledger import Ledger
from tailrace.platform.data_apis.provisioning.provisioning import (
    ANONYMOUS,
    AUTH_SCHEMA,
    AUTHENTICATED,
    AUTHENTICATOR,
    CONFIG_SCHEMA,
    Limits,
    Provisioning,
)
from tailrace.platform.data_apis.provisioning.script import (
    NOTIFY,
    Step,
    auth_usage,
    configuration,
    installation,
    known_grants,
    ledger_step,
    memberships,
    ungranted,
)
from tailrace.platform.data_apis.provisioning.settings import Settings
from tailrace.platform.data_apis.provisioning.transaction import Work, persistently, transaction

DEFAULT_LIMITS = Limits()
_CLOSED_SCHEMAS: LiteralString = """
SELECT nspname FROM pg_catalog.pg_namespace
WHERE nspname = ANY (%s) AND NOT pg_catalog.has_schema_privilege(%s, oid, 'USAGE')"""
CREATE_ROLE_GRANTS_UNTIL = 160_000
"""Before this `server_version_num`, CREATEROLE may grant any role that is no superuser."""


@dataclass(frozen=True, slots=True)
class Enabled:
    """What an installation did, in words; nothing when all was there."""

    done: tuple[str, ...]

    @property
    def changed(self) -> bool:
        return bool(self.done)


async def enable(
    connection: psycopg.AsyncConnection[Any], provisioning: Provisioning, *, limits: Limits = DEFAULT_LIMITS
) -> Enabled:
    """Install what a Data API needs, in one transaction; what is there already is left as it is.

    Errors: every ProvisioningError but NotProvisioned; then nothing has changed.
    """
    return await persistently(lambda: _enable(connection, provisioning, limits))


async def _enable(connection: psycopg.AsyncConnection[Any], provisioning: Provisioning, limits: Limits) -> Enabled:
    async with transaction(connection, limits) as work:
        found = await find_for(work, provisioning)
        _check(provisioning, found)
        ledger = await _next_ledger(work, provisioning, found)
        steps = tuple(installation(_with_hidden_password(connection, provisioning), found))
        if ledger != found.ledger:
            steps = (*steps, ledger_step(ledger))
        await _run(work, steps)
        if provisioning.add_default_grants:
            await _check_usage(work, provisioning, found)
        if steps:
            await work.run(*NOTIFY)
        return Enabled(tuple(step.doing for step in steps))


async def update_settings(
    connection: psycopg.AsyncConnection[Any], settings: Settings, *, limits: Limits = DEFAULT_LIMITS
) -> None:
    """Replace the settings, and tell the engine to read them and the schema again, even if they are the same.

    Errors: NotProvisioned, MissingSchema, MissingRole, UnsafeRole, MissingPrivileges, DatabaseBusy.
    """
    async with transaction(connection, limits) as work:
        anonymous = () if settings.db_anon_role is None else (settings.db_anon_role,)
        found = await find(work, roles=anonymous, schemas=settings.db_schemas)
        if found.ledger is None or not found.ledger.enabled:
            raise NotProvisioned(found.database)
        _check_settings(settings, found)
        _check_privileges(found, missing_roles=(), granted=ungranted(anonymous, found))
        steps = [*memberships(anonymous, found), *configuration(settings, found)]
        if not found.ledger.skip_auth_schema:
            steps += auth_usage(anonymous, found)
        ledger = replace(
            found.ledger,
            memberships=(*found.ledger.memberships, *ungranted(anonymous, found)),
            settings=settings.as_object(),
        )
        if ledger != found.ledger:
            steps.append(ledger_step(ledger))
        await _run(work, steps)
        await work.run(*NOTIFY)


async def provisioned(connection: psycopg.AsyncConnection[Any], *, limits: Limits = DEFAULT_LIMITS) -> Settings | None:
    """The settings of the database's Data API, as a branch has inherited them; None without one."""
    async with transaction(connection, limits) as work:
        ledger = (await find(work, roles=(), schemas=())).ledger
        return Settings.parse(ledger.settings) if ledger is not None and ledger.enabled else None


async def _run(work: Work, steps: Sequence[Step]) -> None:
    for step in steps:
        work.doing = step.doing
        await work.run(*step.statements)


async def _check_usage(work: Work, provisioning: Provisioning, found: Found) -> None:
    """A GRANT that one may not make can end in a mere warning."""
    closed = await work.rows(_CLOSED_SCHEMAS, list(provisioning.settings.db_schemas), AUTHENTICATED)
    if closed:
        raise MissingPrivileges(found.user, tuple(f"the right to grant USAGE on schema {name}" for (name,) in closed))


async def _next_ledger(work: Work, provisioning: Provisioning, found: Found) -> Ledger:
    """The ledger after the installation: what stood before is looked up once, before the first grant."""
    ledger = known_grants(found)
    schemas, future = list(ledger.schemas), list(ledger.future)
    for schema in provisioning.settings.db_schemas if provisioning.add_default_grants else ():
        if ledger.schema(schema) is None:
            schemas.append(await schema_grants(work, schema, AUTHENTICATED))
        if ledger.future_of(schema, provisioning.owner) is None:
            future.append(await future_grants(work, schema, provisioning.owner, role=AUTHENTICATED))
    granted = ungranted(provisioning.api_roles, found)
    return Ledger(
        schemas=tuple(schemas),
        future=tuple(future),
        memberships=tuple(dict.fromkeys((*ledger.memberships, *granted))),
        connect=ledger.connect or not found.authenticator_may_connect,
        skip_auth_schema=provisioning.skip_auth_schema,
        settings=provisioning.settings.as_object(),
    )


def _with_hidden_password(connection: psycopg.AsyncConnection[Any], provisioning: Provisioning) -> Provisioning:
    """Send what the server stores instead of the password, so that no server log shows it."""
    password = provisioning.authenticator_password
    if password is None:
        return provisioning
    verifier = connection.pgconn.encrypt_password(password.encode(), AUTHENTICATOR.encode(), b"scram-sha-256")
    return replace(provisioning, authenticator_password=verifier.decode())


def _check(provisioning: Provisioning, found: Found) -> None:
    if provisioning.database != found.database:
        raise WrongDatabase(meant=provisioning.database, connected=found.database)
    if provisioning.owner not in found.roles:
        raise MissingRole(provisioning.owner)
    made = (AUTHENTICATOR, AUTHENTICATED, ANONYMOUS)
    schemas = (CONFIG_SCHEMA,) if provisioning.skip_auth_schema else (CONFIG_SCHEMA, AUTH_SCHEMA)
    _check_settings(provisioning.settings, found, made=(*made, *schemas))
    for name in made:
        _check_safe(name, found)
    authenticator = found.roles.get(AUTHENTICATOR)
    if authenticator is None and provisioning.authenticator_password is None:
        raise PasswordNeeded(AUTHENTICATOR)
    if authenticator is not None and not authenticator.may_log_in:
        raise CannotLogIn(AUTHENTICATOR)
    comment = found.schemas.get(AUTH_SCHEMA)
    if (
        not provisioning.skip_auth_schema
        and AUTH_SCHEMA in found.schemas
        and not (comment or "").startswith(auth_schema.MARKER)
    ):
        raise ForeignSchema(AUTH_SCHEMA)
    if CONFIG_SCHEMA in found.schemas and found.ledger is None:
        raise ForeignSchema(CONFIG_SCHEMA)
    _check_privileges(
        found,
        missing_roles=tuple(name for name in made if name not in found.roles),
        granted=ungranted(provisioning.api_roles, found),
        future_of=provisioning.owner if provisioning.add_default_grants else None,
        password=provisioning.authenticator_password is not None,
    )


def _check_settings(settings: Settings, found: Found, *, made: tuple[str, ...] = ()) -> None:
    """`made` are the roles and schemas that the installation is about to make."""
    for schema in settings.db_schemas:
        if schema not in found.schemas and schema not in made:
            raise MissingSchema(schema)
    anonymous = settings.db_anon_role
    if anonymous is not None:
        if anonymous not in found.roles and anonymous not in made:
            raise MissingRole(anonymous)
        _check_safe(anonymous, found)


def _check_safe(name: str, found: Found) -> None:
    role = found.roles.get(name)
    if role is not None and role.unsafe is not None:
        raise UnsafeRole(name, role.unsafe)


def _check_privileges(
    found: Found,
    *,
    missing_roles: tuple[str, ...],
    granted: tuple[str, ...],
    future_of: str | None = None,
    password: bool = False,
) -> None:
    """Name everything that is missing at once, before anything is tried."""
    if found.superuser:
        return
    missing = []
    schemas = [schema for schema in (AUTH_SCHEMA, CONFIG_SCHEMA) if schema not in found.schemas]
    if schemas and not found.may_create_schemas:
        missing.append(f"CREATE on database {found.database} (for schemas {', '.join(schemas)})")
    if missing_roles and not found.may_create_roles:
        missing.append(f"CREATEROLE (for roles {', '.join(missing_roles)})")
    administered = dict.fromkeys((*granted, *((AUTHENTICATOR,) if password else ())))
    for name in administered:
        if name in found.roles and not _administers(name, found):
            missing.append(f"the ADMIN option of role {name}")
    if future_of is not None and not found.roles[future_of].ours_to_use:
        missing.append(f"membership in role {future_of} (for default privileges)")
    if missing:
        raise MissingPrivileges(found.user, tuple(missing))


def _administers(name: str, found: Found) -> bool:
    by_create_role = found.may_create_roles and found.server_version < CREATE_ROLE_GRANTS_UNTIL
    return by_create_role or found.roles[name].may_be_granted
