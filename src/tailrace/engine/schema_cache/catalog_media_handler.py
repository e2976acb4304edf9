"""Media type handlers: aggregates and functions that return a domain named like a media type.

Source: PostgREST docs, references/api/media_type_handlers.
"""

from collections.abc import Mapping
from types import MappingProxyType

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.media_type import ANY, CSV, GEOJSON, JSON, MediaType, parse_media_type
from tailrace.engine.schema_cache.media_handler import Builtin, CustomHandler, ResolvedHandler
from tailrace.engine.schema_cache.text_format import text
from tailrace.engine.statement import Rows, Statement

HandlerKey = tuple[QualifiedName | None, MediaType]

BUILTINS: Mapping[HandlerKey, ResolvedHandler] = MappingProxyType(
    {
        (None, ANY): ResolvedHandler(Builtin.JSON, JSON),
        (None, JSON): ResolvedHandler(Builtin.JSON, JSON),
        (None, CSV): ResolvedHandler(Builtin.CSV, CSV),
        (None, GEOJSON): ResolvedHandler(Builtin.GEOJSON, GEOJSON),
    }
)
"""What every relation can be answered as, unless the database has a handler of its own."""

MEDIA_HANDLERS = rb"""
  with media_types as (
    select t.oid, t.typnamespace, lower(t.typname) as asked,
      case t.typname when '*/*' then 'application/octet-stream' else t.typname end as answered
    from pg_type t
    where t.typtype = 'd' and (t.typname ~* '^[a-z0-9.-]+/[a-z0-9.+-]+$' or t.typname = '*/*')
  )
  select fn.nspname, f.proname, an.nspname, a.typname, m.asked, m.answered
  from media_types m
  join pg_proc f on f.prorettype = m.oid and f.prokind = 'a' and f.pronargs = 1
  join pg_namespace fn on fn.oid = f.pronamespace
  join pg_type a on a.oid = f.proargtypes[0]
  join pg_namespace an on an.oid = a.typnamespace
  left join pg_class r on r.oid = a.typrelid
  where fn.oid = any($1::regnamespace[])
    and (r.relkind in ('v', 'r', 'm', 'f', 'p') or a.typname = 'anyelement')
  union all
  select tn.nspname, m.asked, fn.nspname, f.proname, m.asked, m.answered
  from media_types m
  join pg_proc f on f.prorettype = m.oid and f.prokind = 'f' and not f.proretset
  join pg_namespace fn on fn.oid = f.pronamespace
  join pg_namespace tn on tn.oid = m.typnamespace
  where fn.oid = any($1::regnamespace[])
"""
"""Aggregates over rows of a relation, then functions: those are relation and handler in one."""


def media_handlers_statement(schemas: bytes) -> Statement:
    return Statement(MEDIA_HANDLERS, (schemas,))


def read_media_handlers(rows: Rows) -> dict[HandlerKey, ResolvedHandler]:
    """The built-in handlers and those of the database, which prevail."""
    handlers = dict(BUILTINS)
    for row in range(rows.ntuples):
        function = QualifiedName(text(rows, row, 0), text(rows, row, 1))
        target = QualifiedName(text(rows, row, 2), text(rows, row, 3))
        relation = None if target == ("pg_catalog", "anyelement") else target
        asked, answered = parse_media_type(text(rows, row, 4)), parse_media_type(text(rows, row, 5))
        handlers[relation, asked] = ResolvedHandler(CustomHandler(function, relation), answered)
    return handlers
