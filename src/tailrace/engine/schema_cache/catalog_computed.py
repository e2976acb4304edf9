"""Computed relationships: functions of one row of a relation that return rows of another.

Source: PostgREST docs, references/api/resource_embedding, "Computed Relationships".
"""

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.schema_cache.relationship import ComputedRelationship
from tailrace.engine.schema_cache.text_format import text, value
from tailrace.engine.statement import Rows, Statement

COMPUTED_RELATIONSHIPS = b"""
  select fn.nspname, f.proname, an.nspname, a.relname, rn.nspname, r.relname, not f.proretset or f.prorows = 1
  from pg_proc f
  join pg_namespace fn on fn.oid = f.pronamespace
  join pg_type at on at.oid = f.proargtypes[0] and at.typrelid <> 0
  join pg_class a on a.oid = at.typrelid and a.relkind in ('v', 'r', 'm', 'f', 'p')
  join pg_namespace an on an.oid = a.relnamespace and an.oid = any($1::regnamespace[])
  join pg_type rt on rt.oid = f.prorettype and rt.typrelid <> 0
  join pg_class r on r.oid = rt.typrelid and r.relkind in ('v', 'r', 'm', 'f', 'p')
  join pg_namespace rn on rn.oid = r.relnamespace
  where f.pronargs = 1
"""


def computed_relationships_statement(schemas: bytes) -> Statement:
    return Statement(COMPUTED_RELATIONSHIPS, (schemas,))


def read_computed_relationships(rows: Rows) -> list[ComputedRelationship]:
    def name(row: int, column: int) -> QualifiedName:
        return QualifiedName(text(rows, row, column), text(rows, row, column + 1))

    return [
        ComputedRelationship(
            function=name(row, 0),
            table=name(row, 2),
            foreign_table=name(row, 4),
            is_to_one=value(rows, row, 6) == b"t",
            is_self=name(row, 2) == name(row, 4),
        )
        for row in range(rows.ntuples)
    ]
