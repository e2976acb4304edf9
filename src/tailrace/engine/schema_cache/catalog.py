"""The catalog queries that a schema cache is built from, to be sent in one round trip."""

from collections.abc import Sequence
from itertools import pairwise

from tailrace.engine.config.config import Config
from tailrace.engine.schema_cache.catalog_computed import computed_relationships_statement
from tailrace.engine.schema_cache.catalog_key import keys_statement
from tailrace.engine.schema_cache.catalog_media_handler import media_handlers_statement
from tailrace.engine.schema_cache.catalog_relation import relations_statement
from tailrace.engine.schema_cache.catalog_representation import representations_statement
from tailrace.engine.schema_cache.catalog_routine import routines_statement
from tailrace.engine.schema_cache.catalog_view import views_statement
from tailrace.engine.schema_cache.text_format import identifier_array, text_array
from tailrace.engine.statement import Rows, Statement

PROLOGUE = b"""
  select set_config('search_path', '', true), set_config('jit', 'off', true), set_config('work_mem', '64MB', true),
    set_config('max_parallel_workers_per_gather', '0', true)
"""
"""Without a search path Postgres qualifies the names that it writes; compiling or spilling these queries costs more.

One process for them leaves the other processors to the requests.
"""

SLEEP = b"select pg_sleep($1::numeric / 1000.0)"


def catalog_statements(config: Config, pg_version: int) -> tuple[Statement, ...]:
    """The queries in the order in which `build_schema_cache` takes their rows.

    They belong into one transaction, as the first one empties its search path.
    Units: `pg_version` as libpq counts, 150004 for 15.4.
    Errors: 3F000 of Postgres when an exposed schema, or one of db-extra-search-path, does not exist.
    """
    schemas = identifier_array(config.db_schemas)
    return (
        *_sleep(config.internal_schema_cache_query_sleep_before_queries),
        Statement(PROLOGUE),
        relations_statement(schemas, pg_version),
        keys_statement(),
        views_statement(schemas, identifier_array(name for name in config.db_extra_search_path if name)),
        computed_relationships_statement(schemas),
        routines_statement(schemas, text_array(config.db_hoisted_tx_settings), pg_version),
        representations_statement(),
        media_handlers_statement(schemas),
        *_sleep(config.internal_schema_cache_query_sleep),
    )


def first_result(config: Config) -> int:
    """Where among the results of `catalog_statements` those of the catalog queries begin."""
    return 1 if config.internal_schema_cache_query_sleep_before_queries is None else 2


CLOCK = Statement(b"select extract(epoch from clock_timestamp())")
LABELS = ("tables", "rels", "keydeps", "comprels", "funcs", "dreps", "mhandlers")
"""The catalog queries in the order in which they are sent, by the names that PostgREST's log has for them."""
LABELS_SHOWN = ("tables", "keydeps", "rels", "funcs", "comprels", "dreps", "mhandlers")


def timed(statements: Sequence[Statement], config: Config) -> tuple[Statement, ...]:
    """The catalog statements with Postgres's clock read around each query, for `timings`."""
    first = first_result(config)
    last = first + len(LABELS)
    clocked = (one for statement in statements[first:last] for one in (statement, CLOCK))
    return (*statements[:first], CLOCK, *clocked, *statements[last:])


def timings(results: Sequence[Rows], config: Config) -> tuple[list[Rows], tuple[tuple[str, float], ...]]:
    """From the results of `timed` statements: those of the catalog statements, and (label, milliseconds) of each."""
    first = first_result(config)
    last = first + 2 * len(LABELS) + 1
    clocks = [float(rows.get_value(0, 0) or 0) for rows in results[first:last:2]]
    spans = dict(zip(LABELS, (1000 * (end - start) for start, end in pairwise(clocks)), strict=True))
    plain = [*results[:first], *results[first + 1 : last : 2], *results[last:]]
    return plain, tuple((label, spans[label]) for label in LABELS_SHOWN)


def _sleep(milliseconds: int | None) -> tuple[Statement, ...]:
    return () if milliseconds is None else (Statement(SLEEP, (str(milliseconds).encode(),)),)
