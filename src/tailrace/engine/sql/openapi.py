"""What a role may see of a schema, for the OpenAPI document."""

from tailrace.engine.identifiers import quote_identifier
from tailrace.engine.schema_cache.catalog_routine import accessible_routines_statement
from tailrace.engine.statement import Statement

ACCESSIBLE_TABLES = b"""
  select n.nspname, c.relname
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.oid = $1::regnamespace and c.relkind in ('v', 'r', 'm', 'f', 'p') and not c.relispartition
    and (pg_catalog.pg_has_role(c.relowner, 'USAGE')
      or pg_catalog.has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
      or pg_catalog.has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'))
"""

SCHEMA_DESCRIPTION = b"select pg_catalog.obj_description($1::regnamespace, 'pg_namespace')"


def inspection_statements(schema: str, pg_version: int, *, follow_privileges: bool = True) -> tuple[Statement, ...]:
    """The statements whose results `response.openapi.document.read_inspection` takes.

    The relations and the functions that the current role may use, then the
    schema's comment; without `follow_privileges` only the comment. The names of
    types are written as short as the search path allows. Units: `pg_version` as
    libpq counts, 150004 for 15.4.
    """
    name = quote_identifier(schema).encode()
    description = Statement(SCHEMA_DESCRIPTION, (name,))
    if not follow_privileges:
        return (description,)
    return Statement(ACCESSIBLE_TABLES, (name,)), accessible_routines_statement(name, pg_version), description
