"""One check of the advisors, and the SQL that all of them start from."""

from dataclasses import dataclass

from tailrace.platform.advisors.issue import Category, Facing, Level

CATALOG = r"""
with recursive api_role as materialized (
    select oid, rolname
    from pg_roles
    where rolname = any ($2::text[])
),
exposed as materialized (
    select oid, nspname
    from pg_namespace
    where nspname = any ($1::text[])
        and nspname !~ '^pg_'
        and nspname <> 'information_schema'
),
relation as (
    select
        c.oid,
        n.nspname as schema,
        c.relname as name,
        c.relkind as kind,
        c.relispartition as is_partition,
        c.relrowsecurity as has_rls,
        c.relpages,
        c.reltuples,
        c.relam,
        c.reloptions,
        coalesce(
            (
                select bool_or(case when option_name = 'security_invoker' then option_value::boolean end)
                from pg_options_to_table(c.reloptions)
            ),
            false
        ) as is_invoker
    from pg_class c
    join exposed n on n.oid = c.relnamespace
    where not exists (
        select from pg_depend d
        where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
    )
),
policy as (
    select
        p.oid,
        p.polname as name,
        p.polcmd as command,
        p.polpermissive as is_permissive,
        p.polroles as roles,
        pg_get_expr(p.polqual, p.polrelid) as visible,
        pg_get_expr(p.polwithcheck, p.polrelid) as checked,
        r.oid as table_oid,
        r.schema,
        r.name as table_name,
        r.has_rls
    from pg_policy p
    join relation r on r.oid = p.polrelid
),
reader as (
    select r.oid, array_agg(a.rolname::text order by a.rolname) as roles
    from relation r
    join api_role a on has_any_column_privilege(a.oid, r.oid, 'SELECT')
    where r.kind in ('r', 'p', 'v', 'm', 'f')
    group by r.oid
),
table_access as (
    select r.oid, array_agg(a.rolname::text order by a.rolname) as roles
    from relation r
    join api_role a on has_any_column_privilege(a.oid, r.oid, 'SELECT, INSERT, UPDATE')
        or has_table_privilege(a.oid, r.oid, 'DELETE')
    where r.kind in ('r', 'p')
    group by r.oid
),
api_roles_sql as (
    select string_agg(quote_ident(rolname), ', ' order by rolname) as list
    from api_role
)
"""
"""Parameters: $1 the exposed schemas, $2 the roles of the API. What no check refers to costs nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A question to the catalog; each row of the answer is an issue.

    `query` continues CATALOG and gives, in this order: `subject` (text[], what the
    issue is about, unique within the check), `detail` (text), `metadata` (jsonb) and
    `fix` (text or null). `unseen`, in the same manner, gives one number: how many
    objects the connection's role may not judge. `since` is the oldest Postgres that
    the question makes sense for, in the form of `server_version_num`.
    """

    name: str
    title: str
    level: Level
    categories: tuple[Category, ...]
    description: str
    query: str
    unseen: str | None = None
    facing: Facing = Facing.EXTERNAL
    since: int = 0

    @property
    def sql(self) -> str:
        return CATALOG + self.query

    @property
    def unseen_sql(self) -> str | None:
        return None if self.unseen is None else CATALOG + self.unseen

    @property
    def anchor(self) -> str:
        """The heading of the check's section in the documentation, as an address's fragment."""
        return self.title.lower().replace(" ", "-")

    def remediation(self, page: str) -> str:
        return f"{page}#{self.anchor}"
