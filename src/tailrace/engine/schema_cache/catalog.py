"""The catalog queries that a schema cache is built from, to be sent in one round trip."""

from tailrace.engine.config.config import Config
from tailrace.engine.schema_cache.catalog_computed import computed_relationships_statement
from tailrace.engine.schema_cache.catalog_key import keys_statement
from tailrace.engine.schema_cache.catalog_media_handler import media_handlers_statement
from tailrace.engine.schema_cache.catalog_relation import relations_statement
from tailrace.engine.schema_cache.catalog_representation import representations_statement
from tailrace.engine.schema_cache.catalog_routine import routines_statement
from tailrace.engine.schema_cache.catalog_view import views_statement
from tailrace.engine.schema_cache.text_format import identifier_array, text_array
from tailrace.engine.statement import Statement

PROLOGUE = b"""
  select set_config('search_path', '', true), set_config('jit', 'off', true), set_config('work_mem', '64MB', true)
"""
"""Without a search path Postgres qualifies the names that it writes; compiling or spilling these queries costs more."""

SLEEP = b"select pg_sleep($1::numeric / 1000.0)"


def catalog_statements(config: Config, pg_version: int) -> tuple[Statement, ...]:
    """The queries in the order in which `build_schema_cache` takes their rows.

    They belong into one transaction, as the first one empties its search path.
    Units: `pg_version` as libpq counts, 150004 for 15.4.
    Errors: 3F000 of Postgres when an exposed schema does not exist.
    """
    schemas = identifier_array(config.db_schemas)
    return (
        *_sleep(config.internal_schema_cache_query_sleep_before_queries),
        Statement(PROLOGUE),
        relations_statement(schemas, pg_version),
        keys_statement(),
        views_statement(schemas, text_array(config.db_extra_search_path)),
        computed_relationships_statement(schemas),
        routines_statement(schemas, text_array(config.db_hoisted_tx_settings), pg_version),
        representations_statement(),
        media_handlers_statement(schemas),
        *_sleep(config.internal_schema_cache_query_sleep),
    )


def first_result(config: Config) -> int:
    """Where among the results of `catalog_statements` those of the catalog queries begin."""
    return 1 if config.internal_schema_cache_query_sleep_before_queries is None else 2


def _sleep(milliseconds: int | None) -> tuple[Statement, ...]:
    return () if milliseconds is None else (Statement(SLEEP, (str(milliseconds).encode(),)),)
