"""Domain representations: implicit casts between a domain and json or text.

Source: PostgREST docs, references/api/domain_representations.
"""

from tailrace.engine.schema_cache.text_format import text
from tailrace.engine.statement import Rows, Statement

REPRESENTATIONS = b"""
  select c.castsource::regtype, c.casttarget::regtype, c.castfunc::regproc
  from pg_cast c
  join pg_type source on source.oid = c.castsource
  join pg_type target on target.oid = c.casttarget
  where c.castcontext = 'i' and c.castmethod = 'f'
    and (source.typtype = 'd' and c.casttarget in ('json'::regtype, 'text'::regtype)
      or target.typtype = 'd' and c.castsource in ('json'::regtype, 'text'::regtype))
    and has_function_privilege(c.castfunc, 'execute')
"""


def representations_statement() -> Statement:
    return Statement(REPRESENTATIONS)


def read_representations(rows: Rows) -> dict[tuple[str, str], str]:
    """(Source type, target type) to the function's name, quoted as it goes into SQL."""
    return {(text(rows, row, 0), text(rows, row, 1)): text(rows, row, 2) for row in range(rows.ntuples)}
