"""What a role may see of a schema, for the OpenAPI document."""

from tailrace.engine.identifiers import quote_identifier
from tailrace.engine.schema_cache.catalog_routine import described_routines_statement
from tailrace.engine.schema_cache.inventory import Inventory
from tailrace.engine.statement import Statement

RIGHTS = b"""
  select (
      select pg_catalog.string_agg(case when
          pg_catalog.has_table_privilege(oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
          or pg_catalog.has_any_column_privilege(oid, 'SELECT, INSERT, UPDATE, REFERENCES')
          or (select pg_catalog.pg_has_role(c.relowner, 'USAGE') from pg_catalog.pg_class c where c.oid = known.oid)
        then '1' else '0' end, '' order by place)
      from pg_catalog.unnest($1::pg_catalog.oid[]) with ordinality known(oid, place)
    ), (
      select pg_catalog.string_agg(case when
          pg_catalog.has_function_privilege(oid, 'EXECUTE') then '1' else '0' end, '' order by place)
      from pg_catalog.unnest($2::pg_catalog.oid[]) with ordinality known(oid, place)
    ),
    pg_catalog.obj_description($3::pg_catalog.regnamespace, 'pg_namespace')
"""
"""A digit for each relation and each function, 1 for what the role may use; of what is gone by now nothing may be."""

SCHEMA_DESCRIPTION = b"select null, null, pg_catalog.obj_description($1::pg_catalog.regnamespace, 'pg_namespace')"


def rights_statement(schema: str, inventory: Inventory) -> Statement:
    """What the current role may use of the inventory, for `decode_rights`."""
    name = quote_identifier(schema).encode()
    return Statement(RIGHTS, (inventory.table_oids, inventory.routine_oids, name))


def schema_description_statement(schema: str) -> Statement:
    """The schema's comment alone, for `decode_rights`."""
    return Statement(SCHEMA_DESCRIPTION, (quote_identifier(schema).encode(),))


def routines_statement(inventory: Inventory, pg_version: int) -> Statement:
    """The functions as JSON, the names of types as short as the search path allows.

    Units: `pg_version` as libpq counts, 150004 for 15.4.
    """
    return described_routines_statement(inventory.routine_oids, pg_version)
