"""The catalog's relations and columns; a `Table` is made when it is first asked for."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.schema_cache.catalog_type import domains_cte
from tailrace.engine.schema_cache.table import Column, Table
from tailrace.engine.schema_cache.text_format import document, text, value
from tailrace.engine.statement import Rows, Statement

PrimaryKeys = Mapping[QualifiedName, tuple[str, ...]]

CHARACTER_TYPES = "('bpchar'::regtype, 'varchar'::regtype)"
BIT_TYPES = "('bit'::regtype, 'varbit'::regtype)"


def relations_statement(schemas: bytes, pg_version: int) -> Statement:
    """Two kinds of rows: types (no schema, a number, JSON) and relations (schema, name, JSON).

    What says something about a type is sent once for all its columns, which
    name it by its number.
    """
    return Statement(
        f"""
      with recursive {domains_cte(pg_version)},
      relations as materialized (
        select c.oid, n.nspname, c.relname, c.relkind
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'v', 'm', 'f', 'p') and not c.relispartition
          and n.oid = any($1::regnamespace[]) and n.nspname not in ('pg_catalog', 'information_schema')
      ),
      attributes as materialized (
        select a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.attidentity, a.attgenerated
        from pg_attribute a
        where a.attrelid in (select oid from relations) and a.attnum > 0 and not a.attisdropped
      ),
      enums as (
        select enumtypid, json_agg(enumlabel order by enumsortorder) as labels from pg_enum group by enumtypid
      ),
      types as materialized (
        select row_number() over () as number, used.atttypid, used.atttypmod
        from (select distinct atttypid, atttypmod from attributes) used
      ),
      described as (
        select types.number, json_build_array(
          case when coalesce(base.typnamespace, t.typnamespace) = 'pg_catalog'::regnamespace
            then format_type(coalesce(base.oid, t.oid), null)
            else format_type(types.atttypid, types.atttypmod) end,
          format_type(types.atttypid, types.atttypmod),
          case when own.modifier = -1 then null
            when own.type in {CHARACTER_TYPES} then own.modifier - 4
            when own.type in {BIT_TYPES} then own.modifier end,
          t.typtype = 'd' and t.typnotnull,
          enums.labels,
          t.typtype = 'd',
          pg_get_expr(t.typdefaultbin, 0)
        ) as body
        from types
        join pg_type t on t.oid = types.atttypid
        cross join lateral (
          select case t.typtype when 'd' then t.typbasetype else t.oid end as type,
                 case t.typtype when 'd' then t.typtypmod else types.atttypmod end as modifier
        ) own
        left join domains on domains.oid = t.oid
        left join pg_type base on base.oid = domains.base
        left join enums on enums.enumtypid = coalesce(base.oid, t.oid)
      ),
      columns as (
        select a.attrelid, json_agg(json_build_array(
            a.attname, types.number, a.attnotnull, d.description, ad.adbin is not null,
            case when a.attidentity = 'd' and t.typtype <> 'd' then (
                select format('nextval(%L)', s.objid::regclass) from pg_depend s
                where s.refclassid = 'pg_class'::regclass and s.refobjid = a.attrelid
                  and s.refobjsubid = a.attnum and s.deptype = 'i' limit 1)
              when a.attgenerated = '' then pg_get_expr(ad.adbin, 0) end
          ) order by a.attnum) as body
        from attributes a
        join types on types.atttypid = a.atttypid and types.atttypmod = a.atttypmod
        join pg_type t on t.oid = a.atttypid
        left join pg_attrdef ad on ad.adrelid = a.attrelid and ad.adnum = a.attnum
        left join pg_description d
          on d.classoid = 'pg_class'::regclass and d.objoid = a.attrelid and d.objsubid = a.attnum
        group by a.attrelid
      )
      select null::name, number::text, body from described
      union all
      select r.nspname, r.relname, json_build_array(
        d.description, r.relkind in ('v', 'm'),
        r.relkind in ('r', 'p') or able.to & 8 = 8,
        r.relkind in ('r', 'p') or able.to & 4 = 4,
        r.relkind in ('r', 'p') or able.to & 16 = 16,
        columns.body)
      from relations r
      cross join lateral (
        select case when r.relkind in ('v', 'f') then pg_relation_is_updatable(r.oid, true) else 0 end as to
      ) able
      left join columns on columns.attrelid = r.oid
      left join pg_description d on d.classoid = 'pg_class'::regclass and d.objoid = r.oid and d.objsubid = 0
    """.encode(),
        (schemas,),
    )


class Tables(Mapping[QualifiedName, Table]):
    """The exposed relations; each is read from its JSON when it is first looked up."""

    def __init__(self, rows: Rows, primary_keys: PrimaryKeys) -> None:
        self._types: dict[int, Any] = {}
        self._relations: dict[QualifiedName, Table | bytes] = {}
        self._primary_keys = primary_keys
        schemas: dict[bytes, str] = {}
        for row in range(rows.ntuples):
            schema = rows.get_value(row, 0)
            if schema is None:
                self._types[int(value(rows, row, 1))] = document(rows, row, 2)
                continue
            if schema not in schemas:
                schemas[schema] = schema.decode()
            self._relations[QualifiedName(schemas[schema], text(rows, row, 1))] = value(rows, row, 2)

    def __getitem__(self, name: QualifiedName) -> Table:
        found = self._relations[name]
        if isinstance(found, bytes):
            found = self._relations[name] = self._table(QualifiedName(*name), json.loads(found))
        return found

    def __iter__(self) -> Iterator[QualifiedName]:
        return iter(self._relations)

    def __len__(self) -> int:
        return len(self._relations)

    def __contains__(self, name: object) -> bool:
        return name in self._relations

    def _table(self, name: QualifiedName, body: Any) -> Table:
        description, is_view, insertable, updatable, deletable, columns = body
        return Table(
            schema=name.schema,
            name=name.name,
            description=description,
            is_view=is_view,
            insertable=insertable,
            updatable=updatable,
            deletable=deletable,
            primary_key=self._primary_keys.get(name, ()),
            columns={column[0]: self._column(column) for column in columns or ()},
        )

    def _column(self, body: Any) -> Column:
        name, type_number, not_null, description, has_default, default = body
        type, nominal_type, max_length, never_null, enum, is_domain, type_default = self._types[type_number]
        return Column(
            name=name,
            description=description,
            nullable=not (not_null or never_null),
            type=type,
            nominal_type=nominal_type,
            max_length=max_length,
            default=type_default if is_domain and not has_default else default,
            enum=tuple(enum or ()),
        )
