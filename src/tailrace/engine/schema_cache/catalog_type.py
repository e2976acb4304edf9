"""SQL that several catalog queries share: the types that domains stand on."""

PG_17 = 170000


def domains_cte(pg_version: int) -> str:
    """`domains(oid, base)`: every domain with the type that it ends at, however many domains lie between.

    To stand in a `with recursive`; only domains are walked, since a database
    has two types of its own for each relation.
    """
    if pg_version >= PG_17:
        return "domains as (select oid, pg_basetype(oid) as base from pg_type where typtype = 'd')"
    return """domain_steps(oid, base) as (
        select oid, typbasetype from pg_type where typtype = 'd'
        union all
        select step.oid, below.typbasetype
        from domain_steps step join pg_type below on below.oid = step.base and below.typtype = 'd'
      ),
      domains as (
        select step.oid, step.base from domain_steps step
        join pg_type last on last.oid = step.base and last.typtype <> 'd'
      )"""
