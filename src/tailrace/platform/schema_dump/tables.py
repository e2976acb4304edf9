"""The tables of a database as values: what the JSON form of the schema says."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import tuple_row

_QUERY = r"""
select
    n.nspname,
    c.relname,
    coalesce(columns.list, '[]'),
    coalesce(constraints.list, '[]')
from pg_class c
join pg_namespace n on n.oid = c.relnamespace and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
left join lateral (
    select json_agg(
        json_build_array(a.attname, format_type(a.atttypid, a.atttypmod), not a.attnotnull, a.attgenerated <> '')
        order by a.attnum
    ) as list
    from pg_attribute a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
) columns on true
left join lateral (
    select json_agg(
        json_build_array(
            k.conname,
            case k.contype
                when 'p' then 'PRIMARY KEY'
                when 'u' then 'UNIQUE'
                when 'f' then 'FOREIGN KEY'
                when 'c' then 'CHECK'
                else 'EXCLUDE'
            end,
            pg_get_constraintdef(k.oid)
        )
        order by array_position(array['p', 'u', 'f', 'c', 'x'], k.contype::text), k.conname
    ) as list
    from pg_constraint k
    where k.conrelid = c.oid and k.contype in ('p', 'u', 'f', 'c', 'x')
) constraints on true
where c.relkind in ('r', 'p', 'f')
    and c.relpersistence <> 't'
    and not exists (
        select from pg_depend d
        where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
    )
order by n.nspname collate "C", c.relname collate "C"
"""


@dataclass(frozen=True, slots=True)
class Column:
    """`type` is spelled as in CREATE TABLE; `generated` means computed from other columns."""

    name: str
    type: str
    nullable: bool
    generated: bool


@dataclass(frozen=True, slots=True)
class Constraint:
    """`type` in the words of SQL; `definition` is what ADD CONSTRAINT takes behind the name."""

    name: str
    type: str
    definition: str


@dataclass(frozen=True, slots=True)
class Table:
    schema: str
    name: str
    columns: tuple[Column, ...]
    constraints: tuple[Constraint, ...]


async def read_tables(connection: AsyncConnection[Any]) -> tuple[Table, ...]:
    """All tables, partitioned and foreign ones too, ordered by name; not those of extensions.

    The connection must not be within a transaction.
    """
    async with connection.transaction():
        await connection.execute("set transaction read only")
        # Types and tables outside of pg_catalog are then spelled with their schema.
        await connection.execute("select set_config('search_path', 'pg_catalog', true), set_config('jit', 'off', true)")
        async with connection.cursor(row_factory=tuple_row) as cursor:
            await cursor.execute(_QUERY)
            rows = await cursor.fetchall()
    return tuple(
        Table(
            schema,
            name,
            tuple(Column(*column) for column in columns),
            tuple(Constraint(*constraint) for constraint in constraints),
        )
        for schema, name, columns, constraints in rows
    )


def to_json(tables: Sequence[Table]) -> dict[str, Any]:
    """The value of `json` in the answer of the management API."""
    return {"tables": [asdict(table) for table in tables]}
