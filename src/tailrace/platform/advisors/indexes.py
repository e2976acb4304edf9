"""Checks of indexes: one too many, one too few, one for nothing."""

from tailrace.platform.advisors.check import Check
from tailrace.platform.advisors.issue import Category, Level

DUPLICATE_INDEX = Check(
    name="duplicate_index",
    title="Duplicate index",
    level=Level.WARN,
    categories=(Category.PERFORMANCE,),
    description="A table has indexes that differ in their names alone: every write pays for each of them.",
    query=r""",
    candidate as (
        select
            r.oid,
            r.schema,
            r.name,
            r.kind,
            i.*,
            count(*) over (partition by i.indrelid, i.indkey::text) as alike
        from relation r
        join pg_index i on i.indrelid = r.oid
        where r.kind in ('r', 'p', 'm') and i.indislive
    ),
    described as (
        select
            c.schema,
            c.name,
            c.kind,
            x.relname as index_name,
            -- What stands behind the name in the index's definition.
            substr(pg_get_indexdef(c.indexrelid), length(
                'CREATE ' || case when c.indisunique then 'UNIQUE ' else '' end || 'INDEX ' || quote_ident(x.relname)
            ) + 1) as definition,
            c.indisunique,
            c.indisprimary,
            c.indisreplident,
            exists (select from pg_constraint k where k.conindid = c.indexrelid) as is_needed
        from candidate c
        join pg_class x on x.oid = c.indexrelid and not x.relispartition
        where c.alike > 1
    ),
    ranked as (
        select
            d.*,
            row_number() over (
                partition by d.schema, d.name, d.indisunique, d.definition
                order by d.indisprimary desc, d.is_needed desc, d.indisreplident desc, d.index_name
            ) as place
        from described d
    )
    select
        array[d.schema, d.name, string_agg(d.index_name, '_' order by d.index_name)],
        format('Table `%s.%s` has indexes that are the same: %s.', d.schema, d.name,
            string_agg(format('`%s`', d.index_name), ', ' order by d.index_name)),
        jsonb_build_object('schema', d.schema, 'name', d.name,
            'type', case d.kind when 'm' then 'materialized view' else 'table' end,
            'indexes', array_agg(d.index_name order by d.index_name)),
        string_agg(format('drop index %I.%I;', d.schema, d.index_name), ' ' order by d.index_name)
            filter (where d.place > 1 and not d.is_needed and not d.indisreplident)
    from ranked d
    group by d.schema, d.name, d.kind, d.indisunique, d.definition
    having count(*) > 1
    """,
)

UNINDEXED_FOREIGN_KEY = Check(
    name="unindexed_foreign_keys",
    title="Unindexed foreign keys",
    level=Level.INFO,
    categories=(Category.PERFORMANCE,),
    description="No index begins with the columns of a foreign key: joins and deletes must read the whole table.",
    query=r"""
    select
        array[r.schema, r.name, k.conname],
        format('No index of table `%s.%s` begins with the columns of its foreign key `%s`: %s.', r.schema, r.name,
            k.conname, array_to_string(keys.names, ', ')),
        jsonb_build_object('schema', r.schema, 'name', r.name, 'type', 'table', 'foreign_key', k.conname,
            'columns', keys.names),
        format('create index on %I.%I (%s);', r.schema, r.name, keys.list)
    from relation r
    join pg_constraint k on k.conrelid = r.oid and k.contype = 'f' and k.conparentid = 0
    cross join lateral (
        select
            array_agg(a.attname::text order by c.place) as names,
            string_agg(quote_ident(a.attname), ', ' order by c.place) as list
        from unnest(k.conkey) with ordinality c (number, place)
        join pg_attribute a on a.attrelid = r.oid and a.attnum = c.number
    ) keys
    where not exists (
        select
        from pg_index i
        join pg_class x on x.oid = i.indexrelid
        join pg_am m on m.oid = x.relam and m.amname in ('btree', 'hash')
        -- In whichever order: the columns are compared all together. indkey counts from 0.
        where i.indrelid = r.oid
            and i.indisvalid
            and (i.indpred is null or pg_get_expr(i.indpred, r.oid) = format('(%s IS NOT NULL)', keys.list))
            and (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey
    )
    """,
)

UNUSED_INDEX = Check(
    name="unused_index",
    title="Unused index",
    level=Level.INFO,
    categories=(Category.PERFORMANCE,),
    description="Since statistics are kept, no query has used an index, but every write pays for it.",
    query=r"""
    select
        array[r.schema, r.name, x.relname],
        format('Index `%s` of table `%s.%s` has not been used.', x.relname, r.schema, r.name),
        jsonb_build_object('schema', r.schema, 'name', r.name,
            'type', case r.kind when 'm' then 'materialized view' else 'table' end, 'index', x.relname),
        null
    from relation r
    join pg_index i on i.indrelid = r.oid and not i.indisunique and not i.indisexclusion
    join pg_class x on x.oid = i.indexrelid and x.relkind = 'i' and not x.relispartition
    where r.kind in ('r', 'm') and pg_stat_get_numscans(i.indexrelid) = 0
    """,
)
