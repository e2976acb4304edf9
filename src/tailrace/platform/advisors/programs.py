"""Checks of functions and extensions."""

from tailrace.platform.advisors.check import Check
from tailrace.platform.advisors.issue import Category, Level

MUTABLE_SEARCH_PATH = Check(
    name="function_search_path_mutable",
    title="Function search path mutable",
    level=Level.WARN,
    categories=(Category.SECURITY,),
    description="A function finds the objects it names by its caller's search_path, so a caller can give it others.",
    query=r"""
    select
        array[n.nspname, p.proname, signature.text],
        format('Function `%s.%s(%s)` does not set its search_path.', n.nspname, p.proname, signature.text),
        jsonb_build_object('schema', n.nspname, 'name', p.proname, 'type', 'function', 'arguments', signature.text),
        -- A procedure with settings of its own cannot commit, so that is left to its author.
        case when p.prokind = 'f' then
            format('alter function %I.%I(%s) set search_path = pg_catalog, %I, pg_temp;', n.nspname, p.proname,
                signature.text, n.nspname)
        end
    from pg_proc p
    join exposed n on n.oid = p.pronamespace
    join pg_language l on l.oid = p.prolang and l.lanname not in ('c', 'internal')
    cross join lateral (select pg_get_function_identity_arguments(p.oid) as text) signature
    where p.prokind in ('f', 'p')
        and p.prosqlbody is null -- names in such a body were resolved when it was created
        and not exists (select from unnest(p.proconfig) setting where setting like 'search_path=%')
        and not exists (
            select from pg_depend d
            where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
        )
    """,
)

EXTENSION_IN_PUBLIC = Check(
    name="extension_in_public",
    title="Extension in public",
    level=Level.WARN,
    categories=(Category.SECURITY,),
    description="An extension is installed in the schema public, so its functions are part of the API.",
    query=r"""
    select
        array[e.extname],
        format('Extension `%s` is installed in the schema `public`.', e.extname),
        jsonb_build_object('schema', n.nspname, 'name', e.extname, 'type', 'extension'),
        null
    from pg_extension e
    join pg_namespace n on n.oid = e.extnamespace and n.nspname = 'public'
    where e.extrelocatable
    """,
)

OUTDATED_EXTENSION = Check(
    name="extension_versions_outdated",
    title="Extension versions outdated",
    level=Level.WARN,
    categories=(Category.SECURITY,),
    description="An extension has another version than the one that this Postgres brings as its default.",
    query=r"""
    select
        array[e.name, e.installed_version],
        format('Extension `%s` has version %s; the default is %s.', e.name, e.installed_version, e.default_version),
        jsonb_build_object('name', e.name, 'type', 'extension', 'installed_version', e.installed_version,
            'default_version', e.default_version),
        null
    from pg_available_extensions e
    where e.installed_version <> e.default_version
    """,
)
