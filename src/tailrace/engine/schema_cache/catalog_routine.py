"""The functions that can be called, and the order in which overloads of one name stand."""

from collections.abc import Iterable
from typing import Any

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.schema_cache.catalog_type import domains_cte
from tailrace.engine.schema_cache.routine import ReturnType, Routine, RoutineParameter, Volatility
from tailrace.engine.schema_cache.text_format import document
from tailrace.engine.statement import IsolationLevel, Rows, Statement


def routines_statement(schemas: bytes, hoisted_settings: bytes, pg_version: int) -> Statement:
    """One row of JSON for each function of these schemas.

    `hoisted_settings` are regular expressions (db-hoisted-tx-settings), matched
    against `name=value` of the settings that a function has.
    """
    return Statement(
        routines_sql(
            pg_version,
            settings="(select json_agg(s) from unnest(f.proconfig) s where s ~ any($2::text[]))",
            isolation="(select s from unnest(f.proconfig) s where s like 'default_transaction_isolation%' limit 1)",
            condition="f.pronamespace = any($1::regnamespace[])",
        ),
        (schemas, hoisted_settings),
    )


def described_routines_statement(oids: bytes, pg_version: int) -> Statement:
    """The functions of these oids, an array; without their settings."""
    return Statement(
        routines_sql(pg_version, settings="null", isolation="null", condition="f.oid = any($1::oid[])"), (oids,)
    )


def routines_sql(pg_version: int, *, settings: str, isolation: str, condition: str) -> bytes:
    """Functions whose arguments are named, or whose only argument can take a request's body."""
    return f"""
      with recursive {domains_cte(pg_version)}
      select json_build_array(
        n.nspname, f.proname, d.description, arguments.list,
        rn.nspname, coalesce(r.relname, rt.typname),
        f.proretset,
        rt.typtype = 'c' or coalesce(f.proargmodes::text[] && '{{t,b,o}}', false),
        domains.oid is not null,
        f.provolatile, f.provariadic > 0,
        {isolation}, {settings}, f.oid::int8
      )
      from pg_proc f
      join pg_namespace n on n.oid = f.pronamespace
      left join domains on domains.oid = f.prorettype
      join pg_type rt on rt.oid = coalesce(domains.base, f.prorettype)
      join pg_namespace rn on rn.oid = rt.typnamespace
      left join pg_class r on r.oid = rt.typrelid
      left join pg_description d on d.objoid = f.oid and d.classoid = 'pg_proc'::regclass
      cross join lateral (
        select
          json_agg(json_build_array(
            coalesce(name, ''),
            type::regtype,
            case type
              when 'bit'::regtype then 'bit varying'
              when 'bit[]'::regtype then 'bit varying[]'
              when 'character'::regtype then 'character varying'
              when 'character[]'::regtype then 'character varying[]'
              else type::regtype::text
            end,
            place <= f.pronargs - f.pronargdefaults,
            coalesce(mode = 'v', false)
          ) order by place) as list,
          count(*) - count(name) as unnamed,
          (array_agg(type order by place))[1] as first_type
        from unnest(f.proargnames, f.proargtypes, f.proargmodes) with ordinality _ (name, type, mode, place)
        where type is not null
      ) arguments
      where f.prokind = 'f' and rt.oid <> 'trigger'::regtype and {condition}
        and (arguments.unnamed = 0 or arguments.unnamed = 1
          and arguments.first_type in
            ('bytea'::regtype, 'json'::regtype, 'jsonb'::regtype, 'text'::regtype, 'xml'::regtype))
    """.encode()


def read_routines(rows: Rows) -> dict[QualifiedName, tuple[Routine, ...]]:
    """Functions by name; overloads in the order of `overload_rank`."""
    return by_name(read_routine(document(rows, row, 0)) for row in range(rows.ntuples))


def by_name(routines: Iterable[Routine]) -> dict[QualifiedName, tuple[Routine, ...]]:
    found: dict[QualifiedName, list[Routine]] = {}
    for routine in routines:
        found.setdefault(QualifiedName(routine.schema, routine.name), []).append(routine)
    return {name: tuple(sorted(overloads, key=overload_rank)) for name, overloads in found.items()}


def read_routine(body: Any) -> Routine:
    """A function from the JSON of its row."""
    schema, name, description, parameters, return_schema, return_name, *rest = body
    is_set, is_composite, is_domain, volatility, has_variadic, isolation, settings, oid = rest
    return Routine(
        schema=schema,
        name=name,
        description=description,
        parameters=tuple(RoutineParameter(*parameter) for parameter in parameters or ()),
        return_type=ReturnType(
            QualifiedName(return_schema, return_name),
            is_set=is_set,
            is_composite=is_composite,
            is_composite_alias=is_composite and is_domain,
        ),
        volatility=Volatility(volatility),
        has_variadic=has_variadic,
        isolation=None if isolation is None else _isolation_level(isolation),
        settings=tuple(_setting(setting) for setting in settings or ()),
        oid=oid,
    )


def _setting(setting: str) -> tuple[str, str]:
    name, _, value = setting.partition("=")
    return name, value


def _isolation_level(setting: str) -> IsolationLevel:
    """From `default_transaction_isolation=…`; what is unknown counts as the default level."""
    match setting.partition("=")[2].partition(",")[0].lower():
        case "repeatable read":
            return IsolationLevel.REPEATABLE_READ
        case "serializable":
            return IsolationLevel.SERIALIZABLE
        case _:
            return IsolationLevel.READ_COMMITTED


def overload_rank(routine: Routine) -> tuple[Any, ...]:
    """Fewer parameters first; then description, parameters, result and volatility, so that the order is total."""
    result = routine.return_type
    return (
        len(routine.parameters),
        routine.description is not None,
        routine.description or "",
        tuple((p.name, p.type, p.type_max_length, p.required, p.variadic) for p in routine.parameters),
        (result.is_set, result.is_composite, result.name, result.is_composite_alias),
        "vsi".index(routine.volatility.value),
        routine.has_variadic,
        routine.isolation is not None,
        "" if routine.isolation is None else routine.isolation.value,
        routine.settings,
    )
