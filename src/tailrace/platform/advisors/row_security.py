"""Checks of row-level security: tables without it, and policies that do not do what one thinks."""

from tailrace.platform.advisors.check import Check
from tailrace.platform.advisors.issue import Category, Level

RLS_DISABLED = Check(
    name="rls_disabled_in_public",
    title="RLS disabled in public",
    level=Level.ERROR,
    categories=(Category.SECURITY,),
    description="A table that the API's roles can reach has no row-level security: each of its rows is open to them.",
    query=r"""
    select
        array[r.schema, r.name],
        format('Table `%s.%s` has no row-level security, and is open to %s.', r.schema, r.name,
            array_to_string(access.roles, ', ')),
        jsonb_build_object('schema', r.schema, 'name', r.name, 'type', 'table', 'exposed_to', access.roles),
        format('alter table %I.%I enable row level security;', r.schema, r.name)
    from relation r
    join table_access access on access.oid = r.oid
    where not r.has_rls
    """,
)

POLICY_WITHOUT_RLS = Check(
    name="policy_exists_rls_disabled",
    title="Policy exists RLS disabled",
    level=Level.ERROR,
    categories=(Category.SECURITY,),
    description="A table has policies, but its row-level security is off: none of them has an effect.",
    query=r"""
    select
        array[p.schema, p.table_name],
        format('Table `%s.%s` has policies that have no effect, since its row-level security is off: %s.',
            p.schema, p.table_name, string_agg(format('`%s`', p.name), ', ' order by p.name)),
        jsonb_build_object('schema', p.schema, 'name', p.table_name, 'type', 'table',
            'policies', array_agg(p.name order by p.name)),
        format('alter table %I.%I enable row level security;', p.schema, p.table_name)
    from policy p
    where not p.has_rls
    group by p.schema, p.table_name
    """,
)

RLS_WITHOUT_POLICY = Check(
    name="rls_enabled_no_policy",
    title="RLS enabled no policy",
    level=Level.INFO,
    categories=(Category.SECURITY,),
    description="A table has row-level security but no policy: none but its owner sees a row.",
    query=r"""
    select
        array[r.schema, r.name],
        format('Table `%s.%s` has row-level security but no policy, so the API shows none of its rows.',
            r.schema, r.name),
        jsonb_build_object('schema', r.schema, 'name', r.name, 'type', 'table'),
        null
    from relation r
    where r.kind in ('r', 'p')
        and r.has_rls
        and not exists (select from pg_policy p where p.polrelid = r.oid)
    """,
)

ALWAYS_TRUE = Check(
    name="rls_policy_always_true",
    title="RLS policy always true",
    level=Level.WARN,
    categories=(Category.SECURITY,),
    description="A policy lets the API's roles write every row: its condition is always true.",
    query=r""",
    judged as (
        select
            p.*,
            p.command in ('w', 'd', '*') and visible.is_true as all_visible,
            p.command in ('a', 'w', '*') and checked.is_true as all_checked
        from policy p
        cross join lateral (
            select coalesce(regexp_replace(p.visible, '[\s()]', '', 'g') ~* '^(true|(\d+)=\2)$', false) as is_true
        ) visible
        cross join lateral (
            select coalesce(regexp_replace(p.checked, '[\s()]', '', 'g') ~* '^(true|(\d+)=\2)$', false) as is_true
        ) checked
        where p.has_rls
            and p.is_permissive
            and (p.roles && array[0::oid] or p.roles && array(select oid from api_role))
    )
    select
        array[p.schema, p.table_name, p.name],
        format('Policy `%s` on table `%s.%s` lets %s every row: its %s is always true.', p.name, p.schema,
            p.table_name,
            case p.command when 'a' then 'INSERT' when 'w' then 'UPDATE' when 'd' then 'DELETE' else 'ALL' end,
            case when p.all_visible and p.all_checked then 'USING and its WITH CHECK'
                when p.all_visible then 'USING' else 'WITH CHECK' end),
        jsonb_build_object('schema', p.schema, 'name', p.table_name, 'type', 'table', 'policy', p.name,
            'command', case p.command when 'a' then 'INSERT' when 'w' then 'UPDATE' when 'd' then 'DELETE'
                else 'ALL' end,
            'using', p.visible, 'with_check', p.checked),
        null
    from judged p
    where p.all_visible or p.all_checked
    """,
)

AUTH_CALLED_PER_ROW = Check(
    name="auth_rls_initplan",
    title="Auth RLS InitPlan",
    level=Level.WARN,
    categories=(Category.PERFORMANCE,),
    description="A policy asks who the caller is once per row; within a subselect it would be once per query.",
    query=r"""
    select
        array[p.schema, p.table_name, p.name],
        format('Policy `%s` on table `%s.%s` calls %s for each row; write `(select %s)` instead.',
            p.name, p.schema, p.table_name, bare.call, bare.call),
        jsonb_build_object('schema', p.schema, 'name', p.table_name, 'type', 'table', 'policy', p.name,
            'call', bare.call),
        null
    from policy p
    cross join lateral (
        -- Calls that stand alone in a subselect, also within other calls, are taken out; what remains is per row.
        select regexp_replace(
            concat_ws(' ', p.visible, p.checked),
            'select[\s(]*(?:[a-z_.]+\([\s(]*)*?(?:auth\.[a-z_]+\(\)|current_setting\()', '', 'gi'
        ) as text
    ) rest
    cross join lateral (
        select substring(
            rest.text from
            '(?:^|[^\w."])((?:auth\.(?:user_id|uid|session|jwt|role|email|organization|organization_id)|current_setting)\()'
        ) || ')' as call
    ) bare
    where p.has_rls and bare.call is not null
    """,
)

MANY_PERMISSIVE = Check(
    name="multiple_permissive_policies",
    title="Multiple permissive policies",
    level=Level.WARN,
    categories=(Category.PERFORMANCE,),
    description="A table has several permissive policies for the same role and action: each is run for each row.",
    query=r""",
    permissive as (
        select p.schema, p.table_name, p.table_oid, p.name, p.roles, action
        from policy p
        cross join lateral unnest(
            case p.command
                when 'r' then array['SELECT']
                when 'a' then array['INSERT']
                when 'w' then array['UPDATE']
                when 'd' then array['DELETE']
                else array['SELECT', 'INSERT', 'UPDATE', 'DELETE']
            end
        ) action
        where p.has_rls and p.is_permissive
    ),
    -- A policy for PUBLIC counts for every role that has one of its own; PUBLIC itself is reported once.
    named as (
        select distinct p.table_oid, p.action, role
        from permissive p
        cross join lateral unnest(p.roles) role
    ),
    several as (
        select p.schema, p.table_name, n.action, n.role, array_agg(distinct p.name::text order by p.name::text) as names
        from named n
        join permissive p
            on p.table_oid = n.table_oid and p.action = n.action and p.roles && array[n.role, 0::oid]
        group by p.schema, p.table_name, n.action, n.role
        having count(*) > 1
    )
    select
        array[s.schema, s.table_name, coalesce(r.rolname, 'public'), s.action],
        format('Table `%s.%s` has several permissive policies for %s by role `%s`: %s.', s.schema, s.table_name,
            s.action, coalesce(r.rolname, 'public'),
            (select string_agg(format('`%s`', name), ', ' order by name) from unnest(s.names) name)),
        jsonb_build_object('schema', s.schema, 'name', s.table_name, 'type', 'table',
            'role', coalesce(r.rolname, 'public'), 'action', s.action, 'policies', s.names),
        null
    from several s
    left join pg_roles r on r.oid = s.role
    """,
)
