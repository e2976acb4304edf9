"""The catalog's relations and columns, kept as the rows that came and read when they are first asked for."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.schema_cache.catalog_type import domains_cte
from tailrace.engine.schema_cache.table import Column
from tailrace.engine.schema_cache.text_format import text, value
from tailrace.engine.statement import Rows, Statement

CHARACTER_TYPES = "('bpchar'::regtype, 'varchar'::regtype)"
BIT_TYPES = "('bit'::regtype, 'varbit'::regtype)"


def relations_statement(schemas: bytes, pg_version: int) -> Statement:
    """Rows of types (no oid; type, modifier, ..., JSON) and of relations.

    What says something about a type is sent once for all its columns. Relations
    of schemas that are not exposed have `-` for a kind, and partitions none: they
    are told because keys may lead to them. Columns are found relation by relation, which
    is quick however many there are and whatever the planner knows of the catalog.
    """
    return Statement(
        f"""
      with recursive {domains_cte(pg_version)},
      enums as (
        select enumtypid, json_agg(enumlabel order by enumsortorder) as labels from pg_enum group by enumtypid
      ),
      types as (select distinct atttypid as type, atttypmod as modifier from pg_attribute where attnum > 0),
      descriptions as (
        select objoid, json_object_agg(objsubid, description) as texts
        from pg_description where classoid = 'pg_class'::regclass group by objoid
      ),
      defaults as (
        select ad.adrelid,
          json_object_agg(ad.adnum, case a.attgenerated when '' then pg_get_expr(ad.adbin, 0) end) as expressions
        from pg_attrdef ad join pg_attribute a on a.attrelid = ad.adrelid and a.attnum = ad.adnum
        group by ad.adrelid
      )
      select null::oid, types.type::text, types.modifier::text, null::"char", null::integer,
        null::json, null::json, json_build_array(
          case when coalesce(base.typnamespace, t.typnamespace) = 'pg_catalog'::regnamespace
            then format_type(coalesce(base.oid, t.oid), null)
            else format_type(types.type, types.modifier) end,
          format_type(types.type, types.modifier),
          case when own.modifier = -1 then null
            when own.type in {CHARACTER_TYPES} then own.modifier - 4
            when own.type in {BIT_TYPES} then own.modifier end,
          t.typtype = 'd' and t.typnotnull,
          enums.labels,
          t.typtype = 'd',
          pg_get_expr(t.typdefaultbin, 0)
        )
      from types
      join pg_type t on t.oid = types.type
      cross join lateral (
        select case t.typtype when 'd' then t.typbasetype else t.oid end as type,
               case t.typtype when 'd' then t.typtypmod else types.modifier end as modifier
      ) own
      left join domains on domains.oid = t.oid
      left join pg_type base on base.oid = domains.base
      left join enums on enums.enumtypid = coalesce(base.oid, t.oid)
      union all
      select c.oid, n.nspname, c.relname,
        case when not c.relispartition then c.relkind end,
        case when c.relkind in ('v', 'f') then pg_relation_is_updatable(c.oid, true) end,
        descriptions.texts, defaults.expressions, (
          select json_agg(json_build_array(a.attnum, a.attname, a.atttypid::int8, a.atttypmod, a.attnotnull,
            case a.attidentity when 'd' then (
              select format('nextval(%L)', s.objid::regclass) from pg_depend s
              where s.refclassid = 'pg_class'::regclass and s.refobjid = a.attrelid
                and s.refobjsubid = a.attnum and s.deptype = 'i' limit 1) end))
          from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      left join descriptions on descriptions.objoid = c.oid
      left join defaults on defaults.adrelid = c.oid
      where c.relkind in ('r', 'v', 'm', 'f', 'p') and (not c.relispartition or c.relhastriggers)
        and n.oid = any($1::regnamespace[]) and n.nspname not in ('pg_catalog', 'information_schema')
      union all
      select c.oid, n.nspname, c.relname, '-', null, null, null, null
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p') and (c.relhasindex or c.relhastriggers)
        and (c.relispartition and not c.relhastriggers or n.oid <> all($1::regnamespace[])
          or n.nspname in ('pg_catalog', 'information_schema'))
    """.encode(),
        (schemas,),
    )


OID, SCHEMA, NAME, KIND, EVENTS, DESCRIPTIONS, DEFAULTS, COLUMNS = range(8)
"""The columns of the rows."""

OUTSIDE = b"-"
NO_NAMES: Mapping[str, int] = MappingProxyType({})

INSERT, UPDATE, DELETE = 8, 4, 16
"""Bits of pg_relation_is_updatable."""


class Ability(NamedTuple):
    """What a relation is and is able to do."""

    is_view: bool
    insertable: bool
    updatable: bool
    deletable: bool


class Relations:
    """The relations of the catalog by oid: those that are exposed, and others that keys lead to.

    Numbers of rows are all that is kept besides the rows: a hundred thousand
    small objects would stop all requests whenever garbage is collected.
    """

    def __init__(self, rows: Rows) -> None:
        self.exposed: dict[str, dict[str, int]] = {}
        """The oids of what the schema cache has as tables, by schema and name."""
        self._partitions: dict[str, dict[str, int]] = {}
        self._rows = rows
        self._inside: dict[int, int] = {}
        """The rows of relations of exposed schemas; of others, which are known by name only, in `_outside`."""
        self._outside: dict[int, int] = {}
        self._schemas: dict[bytes, str] = {}
        self._types: dict[tuple[int, int], Any] = {}
        self._read()

    def _read(self) -> None:
        rows, schemas = self._rows, self._schemas
        get = rows.get_value
        for row in range(rows.ntuples):
            oid, schema, name, kind = get(row, OID), get(row, SCHEMA) or b"", get(row, NAME) or b"", get(row, KIND)
            if oid is None:
                self._types[int(schema), int(name)] = orjson.loads(value(rows, row, COLUMNS))
                continue
            if schema not in schemas:
                schemas[schema] = schema.decode()
            number = int(oid)
            if kind == OUTSIDE:
                self._outside[number] = row
                continue
            self._inside[number] = row
            relations = self._partitions if kind is None else self.exposed
            relations.setdefault(schemas[schema], {})[name.decode()] = number

    def oid(self, name: QualifiedName) -> int | None:
        """Of a table of the schema cache, or a partition that has foreign keys."""
        for relations in (self.exposed, self._partitions):
            found = relations.get(name.schema, NO_NAMES).get(name.name)
            if found is not None:
                return found
        return None

    def is_inside(self, oid: int) -> bool:
        """Whether it is of an exposed schema, so that its columns are known."""
        return oid in self._inside

    def schema(self, oid: int) -> str:
        return self._schemas[value(self._rows, self._row_of(oid), SCHEMA)]

    def name(self, oid: int) -> QualifiedName:
        return QualifiedName(self.schema(oid), text(self._rows, self._row_of(oid), NAME))

    def _row_of(self, oid: int) -> int:
        row = self._inside.get(oid)
        return self._outside[oid] if row is None else row

    def ability(self, oid: int) -> Ability:
        row = self._inside[oid]
        kind = self._rows.get_value(row, KIND)
        events = int(self._rows.get_value(row, EVENTS) or 0)
        is_table = kind in (b"r", b"p")
        return Ability(
            is_view=kind in (b"v", b"m"),
            insertable=is_table or bool(events & INSERT),
            updatable=is_table or bool(events & UPDATE),
            deletable=is_table or bool(events & DELETE),
        )

    def description(self, oid: int) -> str | None:
        found: str | None = self._texts(oid, DESCRIPTIONS).get("0")
        return found

    def column_names(self, oid: int) -> dict[int, str]:
        """By number."""
        return {body[0]: body[1] for body in self._columns(oid)}

    def columns(self, oid: int) -> dict[str, Column]:
        """By name, in the order of the relation's definition."""
        descriptions, defaults = self._texts(oid, DESCRIPTIONS), self._texts(oid, DEFAULTS)
        return {
            body[1]: self._column(body, descriptions, defaults)
            for body in sorted(self._columns(oid), key=_number_of_column)
        }

    def _columns(self, oid: int) -> list[Any]:
        return self._document(oid, COLUMNS) or []

    def _texts(self, oid: int, column: int) -> dict[str, str | None]:
        return self._document(oid, column) or {}

    def _document(self, oid: int, column: int) -> Any:
        found = self._rows.get_value(self._inside[oid], column)
        return None if found is None else orjson.loads(found)

    def _column(self, body: Any, descriptions: dict[str, str | None], defaults: dict[str, str | None]) -> Column:
        number, name, type_oid, modifier, not_null, identity = body
        type, nominal_type, max_length, never_null, enum, is_domain, type_default = self._types[type_oid, modifier]
        key = str(number)
        default = defaults.get(key) if identity is None else identity
        return Column(
            name=name,
            description=descriptions.get(key),
            nullable=not (not_null or never_null),
            type=type,
            nominal_type=nominal_type,
            max_length=max_length,
            default=type_default if is_domain and key not in defaults else default,
            enum=tuple(enum or ()),
        )


def _number_of_column(body: list[int]) -> int:
    return body[0]
