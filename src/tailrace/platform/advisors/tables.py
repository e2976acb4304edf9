"""Checks of how tables are made and how they fill their pages."""

from tailrace.platform.advisors.check import Check
from tailrace.platform.advisors.issue import Category, Level

UNSUPPORTED_TYPE = Check(
    name="unsupported_reg_types",
    title="Unsupported reg types",
    level=Level.WARN,
    categories=(Category.SECURITY,),
    description="A column stores the number of a catalog's row, which pg_upgrade cannot carry to the next Postgres.",
    query=r"""
    select
        array[r.schema, r.name, a.attname],
        format('Column `%s` of table `%s.%s` has the type `%s`.', a.attname, r.schema, r.name, t.typname),
        jsonb_build_object('schema', r.schema, 'name', r.name, 'type', 'table', 'column', a.attname,
            'column_type', t.typname),
        null
    from relation r
    join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
    join pg_type t on a.atttypid in (t.oid, t.typarray) and t.typnamespace = 'pg_catalog'::regnamespace
    where r.kind in ('r', 'p', 'm')
        and t.typname in ('regcollation', 'regconfig', 'regdictionary', 'regnamespace', 'regoper', 'regoperator',
            'regproc', 'regprocedure')
    """,
)

NO_PRIMARY_KEY = Check(
    name="no_primary_key",
    title="No primary key",
    level=Level.INFO,
    categories=(Category.PERFORMANCE,),
    description="A table has no primary key: its rows cannot be told apart, and the API cannot address one of them.",
    query=r"""
    select
        array[r.schema, r.name],
        format('Table `%s.%s` has no primary key.', r.schema, r.name),
        jsonb_build_object('schema', r.schema, 'name', r.name, 'type', 'table'),
        null
    from relation r
    where r.kind in ('r', 'p')
        and not r.is_partition
        and not exists (select from pg_index i where i.indrelid = r.oid and i.indisprimary)
    """,
)

_LARGE = r""",
    large as (
        select r.*, current_setting('block_size')::bigint as block
        from relation r
        where r.kind = 'r'
            and r.reltuples >= 0
            and r.relam = (select oid from pg_am where amname = 'heap')
            and r.relpages * current_setting('block_size')::bigint >= 20 * 1024 * 1024
    )"""

TABLE_BLOAT = Check(
    name="table_bloat",
    title="Table bloat",
    level=Level.INFO,
    categories=(Category.PERFORMANCE,),
    description="By the planner's statistics, most of a large table's pages hold nothing that is still needed.",
    query=_LARGE
    + r""",
    width as (
        select large.oid, sum((1 - s.null_frac) * s.avg_width) as data
        from large
        join pg_stats s on s.schemaname = large.schema and s.tablename = large.name and not s.inherited
        group by large.oid
    ),
    -- A row is its data in steps of 8 bytes, a header of 24 and a pointer of 4; a page gives 24 bytes to its header.
    estimate as (
        select
            large.*,
            ceil(large.reltuples * (ceil(coalesce(width.data, 0) / 8) * 8 + 28)
                / ((large.block - 24) * coalesce(
                    (
                        select max(case when option_name = 'fillfactor' then option_value::float end)
                        from pg_options_to_table(large.reloptions)
                    ), 100) / 100)) as needed
        from large
        left join width on width.oid = large.oid
        where width.oid is not null or large.reltuples = 0
    )
    select
        array[e.schema, e.name],
        format('Table `%s.%s` takes %s, of which about %s are empty.', e.schema, e.name,
            pg_size_pretty(e.relpages * e.block), pg_size_pretty(((e.relpages - e.needed) * e.block)::bigint)),
        jsonb_build_object('schema', e.schema, 'name', e.name, 'type', 'table', 'bytes', e.relpages * e.block,
            'wasted_bytes', ((e.relpages - e.needed) * e.block)::bigint),
        null
    from estimate e
    where (e.relpages - e.needed) * e.block >= 20 * 1024 * 1024 and e.relpages >= 2 * e.needed
    """,
    # pg_stats shows nothing of what its reader may not read.
    unseen=_LARGE
    + r"""
    select count(*)
    from large
    where large.reltuples > 0
        and (row_security_active(large.oid) or not has_any_column_privilege(large.oid, 'SELECT'))
    """,
)
