"""What stands in a database before a Data API is installed, changed or removed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from tailrace.platform.data_apis.provisioning.ledger import FutureGrants, Ledger, ObjectBefore, SchemaGrants
from tailrace.platform.data_apis.provisioning.provisioning import AUTHENTICATOR, Provisioning
from tailrace.platform.data_apis.provisioning.transaction import Work

TABLE_PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE")
SEQUENCE_PRIVILEGES = ("USAGE", "SELECT")
TABLE_KINDS = ("r", "p", "v", "m", "f")
SEQUENCE_KINDS = ("S",)

_CONNECTION = """
SELECT pg_catalog.current_setting('server_version_num')::int, pg_catalog.current_database(), current_user::text,
  r.rolsuper, r.rolsuper OR r.rolcreaterole, pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'),
  pg_catalog.has_database_privilege('public', pg_catalog.current_database(), 'CONNECT')
FROM pg_catalog.pg_roles r WHERE r.rolname = current_user"""
_ROLES = """
SELECT r.rolname, r.rolcanlogin,
  (SELECT CASE WHEN pg_catalog.bool_or(m.rolsuper) THEN 'SUPERUSER' ELSE 'BYPASSRLS' END
   FROM pg_catalog.pg_roles m
   WHERE (m.rolsuper OR m.rolbypassrls)
     AND (m.oid = r.oid OR (NOT r.rolsuper AND pg_catalog.pg_has_role(r.oid, m.oid, 'MEMBER')))
   HAVING pg_catalog.count(*) > 0),
  pg_catalog.pg_has_role(r.oid, 'USAGE'),
  EXISTS (SELECT FROM pg_catalog.pg_auth_members a JOIN pg_catalog.pg_roles g ON g.oid = a.member
    WHERE a.roleid = r.oid AND g.rolname = 'authenticator'),
  EXISTS (SELECT FROM pg_catalog.pg_auth_members a JOIN pg_catalog.pg_roles g ON g.oid = a.member
    WHERE a.roleid = r.oid AND a.admin_option AND pg_catalog.pg_has_role(g.oid, 'MEMBER')),
  pg_catalog.has_database_privilege(r.oid, pg_catalog.current_database(), 'CONNECT'),
  EXISTS (SELECT FROM pg_catalog.pg_namespace n
    WHERE n.nspname = 'auth' AND pg_catalog.has_schema_privilege(r.oid, n.oid, 'USAGE'))
FROM pg_catalog.pg_roles r WHERE r.rolname = ANY (%s)"""
_SCHEMAS = """
SELECT nspname, pg_catalog.obj_description(oid, 'pg_namespace') FROM pg_catalog.pg_namespace
WHERE nspname = ANY (%s)"""
_FUNCTIONS = """
SELECT p.proname, p.prosrc FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = %s"""
_USAGE = """
SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace n CROSS JOIN LATERAL pg_catalog.aclexplode(n.nspacl) a
  JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
  WHERE n.nspname = %s AND r.rolname = %s AND a.grantor = n.nspowner AND a.privilege_type = 'USAGE')"""
_OBJECTS = """
SELECT c.oid::bigint, c.relname, pg_catalog.array_agg(a.privilege_type ORDER BY a.privilege_type)
FROM pg_catalog.pg_class c CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) a
JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
WHERE c.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = %s) AND r.rolname = %s
  AND c.relkind = ANY (%s) AND a.grantor = c.relowner AND a.privilege_type = ANY (%s)
GROUP BY c.oid, c.relname ORDER BY c.oid"""
_FUTURE = """
SELECT a.privilege_type FROM pg_catalog.pg_default_acl d CROSS JOIN LATERAL pg_catalog.aclexplode(d.defaclacl) a
JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
WHERE d.defaclrole = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = %s)
  AND d.defaclnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = %s)
  AND d.defaclobjtype = %s AND r.rolname = %s AND a.privilege_type = ANY (%s) ORDER BY 1"""


@dataclass(frozen=True, slots=True)
class FoundRole:
    may_log_in: bool = True
    unsafe: str | None = None
    """SUPERUSER or BYPASSRLS, when the role has or may assume it."""
    ours_to_use: bool = True
    """Whether the connecting role has this role's privileges."""
    given_to_authenticator: bool = False
    may_be_granted: bool = True
    """Whether the connecting role holds its ADMIN option; superusers need none."""
    may_connect: bool = True
    may_use_auth: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A database as it stands. The defaults are those of an empty one and a superuser."""

    server_version: int
    database: str
    user: str = "postgres"
    superuser: bool = True
    may_create_roles: bool = True
    may_create_schemas: bool = True
    public_may_connect: bool = True
    roles: Mapping[str, FoundRole] = field(default_factory=lambda: MappingProxyType({}))
    schemas: Mapping[str, str | None] = field(default_factory=lambda: MappingProxyType({}))
    """Schemas that exist, with their comments."""
    auth_functions: frozenset[str] = frozenset()
    pre_config: str | None = None
    """The source of `pgrst.pre_config()`."""
    ledger: Ledger | None = None

    @property
    def authenticator_may_connect(self) -> bool:
        role = self.roles.get(AUTHENTICATOR)
        return self.public_may_connect if role is None else role.may_connect


async def find(work: Work, *, roles: tuple[str, ...], schemas: tuple[str, ...]) -> Found:
    """Look at the database; `roles` and `schemas` are looked up besides our own."""
    [(version, database, user, superuser, may_create_roles, may_create_schemas, public_may_connect)] = await work.rows(
        _CONNECTION
    )
    found_schemas = dict(await work.rows(_SCHEMAS, [*schemas, "auth", "pgrst"]))
    sources = dict(await work.rows(_FUNCTIONS, "pgrst"))
    return Found(
        server_version=version,
        database=database,
        user=user,
        superuser=superuser,
        may_create_roles=may_create_roles,
        may_create_schemas=may_create_schemas,
        public_may_connect=public_may_connect,
        roles={name: FoundRole(*rest) for name, *rest in await work.rows(_ROLES, [*roles, AUTHENTICATOR])},
        schemas=found_schemas,
        auth_functions=frozenset(name for name, _ in await work.rows(_FUNCTIONS, "auth")),
        pre_config=sources.get("pre_config"),
        ledger=Ledger.read(found_schemas.get("pgrst")),
    )


async def find_for(work: Work, provisioning: Provisioning) -> Found:
    return await find(
        work,
        roles=(provisioning.owner, *provisioning.api_roles),
        schemas=provisioning.settings.db_schemas,
    )


async def schema_grants(work: Work, schema: str, role: str) -> SchemaGrants:
    """What `role` was granted by the owners of a schema and of what is in it."""
    [(usage,)] = await work.rows(_USAGE, schema, role)
    return SchemaGrants(
        schema,
        usage,
        tables=await objects(work, schema, role, kinds=TABLE_KINDS),
        sequences=await objects(work, schema, role, kinds=SEQUENCE_KINDS),
    )


async def objects(work: Work, schema: str, role: str, *, kinds: tuple[str, ...]) -> tuple[ObjectBefore, ...]:
    privileges = SEQUENCE_PRIVILEGES if kinds == SEQUENCE_KINDS else TABLE_PRIVILEGES
    rows = await work.rows(_OBJECTS, schema, role, list(kinds), list(privileges))
    return tuple(ObjectBefore(oid, name, tuple(held)) for oid, name, held in rows)


async def future_grants(work: Work, schema: str, owner: str, *, role: str) -> FutureGrants:
    """The default privileges that `owner` gives to `role` in a schema."""
    tables = await work.rows(_FUTURE, owner, schema, "r", role, list(TABLE_PRIVILEGES))
    sequences = await work.rows(_FUTURE, owner, schema, "S", role, list(SEQUENCE_PRIVILEGES))
    return FutureGrants(
        schema,
        owner,
        tables=tuple(privilege for (privilege,) in tables),
        sequences=tuple(privilege for (privilege,) in sequences),
    )
