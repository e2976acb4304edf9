"""Asking the database once, without a server: for `--dump-config` and `--dump-schema`."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from tailrace.engine.config.config import Config
from tailrace.engine.config.database import (
    DatabaseSettings,
    decode_role_settings,
    decode_settings,
    role_settings_statement,
    settings_statement,
)
from tailrace.engine.data_api.reload import READ_ONLY, VERSION, text
from tailrace.engine.observe import events
from tailrace.engine.postgres.pool import Pool, PoolOptions
from tailrace.engine.schema_cache.build import build_schema_cache
from tailrace.engine.schema_cache.cache import SchemaCache
from tailrace.engine.schema_cache.catalog import catalog_statements
from tailrace.engine.statement import Transaction

T = TypeVar("T")


def read_database_settings(config: Config) -> DatabaseSettings:
    """The settings that the database holds. Errors: PostgresError, ConnectionFailed, AcquisitionTimeout."""
    return asyncio.run(with_pool(config, settings_of))


def read_schema_cache(config: Config) -> SchemaCache:
    """The schema cache. Errors: PostgresError, ConnectionFailed, AcquisitionTimeout."""
    return asyncio.run(with_pool(config, schema_cache_of))


async def settings_of(pool: Pool, config: Config) -> DatabaseSettings:
    (version,) = await pool.execute(Transaction((VERSION,)))
    _, rows = await pool.execute(Transaction((READ_ONLY, settings_statement(config.db_pre_config))))
    settings = decode_settings(rows)
    _, rows = await pool.execute(Transaction((READ_ONLY, role_settings_statement(int(text(version, 0))))))
    return DatabaseSettings(settings, *decode_role_settings(rows))


async def schema_cache_of(pool: Pool, config: Config) -> SchemaCache:
    (version,) = await pool.execute(Transaction((VERSION,)))
    statements = catalog_statements(config, int(text(version, 0)))
    results = await pool.execute(Transaction((READ_ONLY, *statements)))
    return build_schema_cache(results[1:], config)


async def with_pool(config: Config, ask: Callable[[Pool, Config], Coroutine[Any, Any, T]]) -> T:
    options = PoolOptions(config.db_uri, 1, config.db_pool_acquisition_timeout, 60, 60, prepare=False)
    pool = Pool(options, asyncio.get_running_loop(), ignore)
    try:
        return await ask(pool, config)
    finally:
        await pool.close()


def ignore(event: events.Event) -> None:
    return None
