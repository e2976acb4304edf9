"""Settings that the database holds: the statements that read them, and what their rows say.

Source: PostgREST docs, references/configuration, "In-Database Configuration", and
references/transactions, "Impersonated Role Settings".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tailrace.engine.config.settings import SETTINGS
from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.statement import IsolationLevel, Rows, Statement

PREFIX = "pgrst."
PARAMETER_PRIVILEGES_SINCE = 150_000
"""The `server_version_num` that has has_parameter_privilege()."""
ISOLATION = "default_transaction_isolation"

NAMES = f"{{{','.join(setting.database_name for setting in SETTINGS if setting.database_name)}}}"

# What ALTER ROLE … IN DATABASE says wins over ALTER ROLE, and that over the function.
READ_SETTINGS = """
WITH named AS (
  SELECT s.setdatabase, split_part(entry, '=', 1) AS name, substr(entry, strpos(entry, '=') + 1) AS value
  FROM pg_catalog.pg_db_role_setting s
  CROSS JOIN LATERAL unnest(s.setconfig) AS entry
  WHERE s.setrole = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user)
    AND s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_catalog))
  {from_function}
)
SELECT DISTINCT ON (name) name, value
FROM named
WHERE name = ANY ($1::text[]) AND value IS NOT NULL
ORDER BY name, setdatabase DESC NULLS LAST"""

FROM_FUNCTION = """
  UNION ALL
  SELECT NULL, name, current_setting(name, true)
  FROM unnest($1::text[]) AS name CROSS JOIN {function}() AS called"""

READ_ROLE_SETTINGS = """
SELECT r.rolname, p.name, substr(entry, strpos(entry, '=') + 1)
FROM pg_catalog.pg_auth_members m
JOIN pg_catalog.pg_roles r ON r.oid = m.roleid
CROSS JOIN LATERAL unnest(r.rolconfig) WITH ORDINALITY AS config (entry, place)
JOIN pg_catalog.pg_settings p ON p.name = split_part(entry, '=', 1)
WHERE m.member = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user)
  AND (p.context = 'user'{or_granted})
ORDER BY r.rolname, place"""

OR_GRANTED = " OR has_parameter_privilege(p.name, 'SET')"


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    settings: Mapping[str, str] = field(default_factory=dict)
    """By the setting's own name: `db-schemas`."""
    role_settings: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    role_isolation: Mapping[str, IsolationLevel] = field(default_factory=dict)


def settings_statement(pre_config: QualifiedName | None) -> Statement:
    """The statement that reads the `pgrst.*` settings; it calls db-pre-config first."""
    from_function = "" if pre_config is None else FROM_FUNCTION.format(function=pre_config.quoted)
    return Statement(READ_SETTINGS.format(from_function=from_function).encode(), (NAMES.encode(),))


def decode_settings(rows: Rows) -> Mapping[str, str]:
    """The settings by their own name, such as `db-schemas`."""
    found: dict[str, str] = {}
    for row in range(rows.ntuples):
        name, value = _text(rows, row, 0), _text(rows, row, 1)
        found[name.removeprefix(PREFIX).replace("_", "-")] = value
    return found


def role_settings_statement(server_version: int) -> Statement:
    """The statement that reads the settings of all roles that may be assumed.

    Units: `server_version` as `server_version_num` has it.
    Only such settings are read as the authenticator may set on its own.
    """
    or_granted = OR_GRANTED if server_version >= PARAMETER_PRIVILEGES_SINCE else ""
    return Statement(READ_ROLE_SETTINGS.format(or_granted=or_granted).encode())


def decode_role_settings(
    rows: Rows,
) -> tuple[Mapping[str, tuple[tuple[str, str], ...]], Mapping[str, IsolationLevel]]:
    """Settings by role, and the isolation level of the roles that have one."""
    settings: dict[str, tuple[tuple[str, str], ...]] = {}
    isolation: dict[str, IsolationLevel] = {}
    for row in range(rows.ntuples):
        role, name, value = _text(rows, row, 0), _text(rows, row, 1), _text(rows, row, 2)
        if name == ISOLATION:
            isolation[role] = isolation_level(value)
        else:
            settings[role] = (*settings.get(role, ()), (name, value))
    return settings, isolation


def isolation_level(text: str) -> IsolationLevel:
    """What a value of default_transaction_isolation means; Postgres runs "read uncommitted" as "read committed"."""
    match text.lower():
        case "repeatable read":
            return IsolationLevel.REPEATABLE_READ
        case "serializable":
            return IsolationLevel.SERIALIZABLE
        case _:
            return IsolationLevel.READ_COMMITTED


def _text(rows: Rows, row: int, column: int) -> str:
    return (rows.get_value(row, column) or b"").decode()
