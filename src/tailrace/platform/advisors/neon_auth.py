"""Checks of what the database does with the users that the authentication service keeps in `neon_auth`."""

from tailrace.platform.advisors.check import Check
from tailrace.platform.advisors.issue import Category, Level

USERS_EXPOSED = Check(
    name="neon_auth_users_exposed",
    title="Neon Auth users exposed",
    level=Level.ERROR,
    categories=(Category.SECURITY,),
    description="A view shows the API's roles the users of the authentication service past row-level security.",
    query=r""",
    users as (
        select c.oid, c.relrowsecurity
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'neon_auth' and c.relname = 'user' and c.relkind in ('r', 'p')
    ),
    -- Views on the users, views on those, and whether one on the way reads with its owner's rights.
    reading (oid, is_open) as (
        select oid, false from users
        union
        select
            c.oid,
            reading.is_open or c.relkind = 'm' or not coalesce(
                (
                    select bool_or(case when option_name = 'security_invoker' then option_value::boolean end)
                    from pg_options_to_table(c.reloptions)
                ),
                false
            )
        from reading
        join pg_depend d
            on d.refclassid = 'pg_class'::regclass
            and d.refobjid = reading.oid
            and d.classid = 'pg_rewrite'::regclass
            and d.deptype = 'n'
        join pg_rewrite w on w.oid = d.objid
        join pg_class c on c.oid = w.ev_class and c.relkind in ('v', 'm')
    )
    select
        array[r.schema, r.name],
        format('%s `%s.%s` shows users of the authentication service to %s.',
            case r.kind when 'm' then 'Materialized view' else 'View' end, r.schema, r.name,
            array_to_string(reader.roles, ', ')),
        jsonb_build_object('schema', r.schema, 'name', r.name,
            'type', case r.kind when 'm' then 'materialized view' else 'view' end, 'exposed_to', reader.roles),
        format('revoke select on %I.%I from public, %s;', r.schema, r.name, (select list from api_roles_sql))
    from relation r
    join reader on reader.oid = r.oid
    where r.kind in ('v', 'm')
        and exists (
            select from reading
            where reading.oid = r.oid and (reading.is_open or not (select bool_and(relrowsecurity) from users))
        )
    """,
)

METADATA_IN_POLICY = Check(
    name="rls_references_neon_auth_metadata",
    title="RLS references Neon Auth metadata",
    level=Level.ERROR,
    categories=(Category.SECURITY,),
    description="A policy decides by a column of the authentication service that users can change themselves.",
    query=r"""
    select
        array[p.schema, p.table_name, p.name],
        format('Policy `%s` on table `%s.%s` decides by %s, which users can change themselves.', p.name, p.schema,
            p.table_name,
            string_agg(distinct format('`neon_auth.%s.%s`', c.relname, a.attname), ', ')),
        jsonb_build_object('schema', p.schema, 'name', p.table_name, 'type', 'table', 'policy', p.name,
            'columns', array_agg(distinct format('neon_auth.%s.%s', c.relname, a.attname))),
        null
    from policy p
    join pg_depend d
        on d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refclassid = 'pg_class'::regclass
    join pg_class c on c.oid = d.refobjid
    join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'neon_auth'
    join pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid
    where (c.relname, a.attname) in (('user', 'role'), ('organization', 'metadata'))
    group by p.schema, p.table_name, p.name
    """,
)

FOREIGN_KEY_TO_UNIQUE = Check(
    name="fkey_to_neon_auth_unique",
    title="FK to Neon Auth unique constraint",
    level=Level.ERROR,
    categories=(Category.SECURITY,),
    description="A foreign key refers to a unique column of the authentication service that is not the primary key.",
    query=r"""
    select
        array[r.schema, r.name, k.conname],
        format('Foreign key `%s` of table `%s.%s` refers to `neon_auth.%s` by other columns than its primary key.',
            k.conname, r.schema, r.name, c.relname),
        jsonb_build_object('schema', r.schema, 'name', r.name, 'type', 'table', 'foreign_key', k.conname),
        null
    from relation r
    join pg_constraint k on k.conrelid = r.oid and k.contype = 'f' and k.conparentid = 0
    join pg_class c on c.oid = k.confrelid
    join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'neon_auth'
    join pg_index i on i.indexrelid = k.conindid and i.indisunique and not i.indisprimary
    """,
)
