"""Keeping up with the database: schema cache and configuration, loaded, reloaded, and retried.

Source: PostgREST docs, references/schema_cache, references/configuration and
references/connection_pool ("automatic recovery"). The old snapshot serves until
the new one is whole; a load that fails is tried again with a back-off.
"""

import asyncio
import time
from collections.abc import Callable, Mapping

from tailrace.engine.config.config import Config, LogLevel
from tailrace.engine.config.database import (
    DatabaseSettings,
    decode_role_settings,
    decode_settings,
    role_settings_statement,
    settings_statement,
)
from tailrace.engine.config.error import ConfigError
from tailrace.engine.data_api.building import build_beside_requests
from tailrace.engine.data_api.faults import as_api_error
from tailrace.engine.data_api.snapshot import with_config, with_schema
from tailrace.engine.data_api.state import ApiState
from tailrace.engine.jwt.role import parse_role_path
from tailrace.engine.observe import events
from tailrace.engine.schema_cache.catalog import catalog_statements, timed, timings
from tailrace.engine.schema_cache.summary import summarize
from tailrace.engine.statement import ConnectionFailed, PostgresError, Rows, Statement, Transaction

LoadConfig = Callable[[DatabaseSettings], Config]
"""Reads file and environment anew and puts the database's settings on top. Errors: ConfigError."""

MAX_DELAY = 32
"""Seconds between two attempts, at most."""
MINIMUM_VERSION = 140_000
MINIMUM_NAME = "14"
VERSION = Statement(b"select current_setting('server_version_num'), current_setting('server_version'), version()")
READ_ONLY = Statement(b"select set_config('role', null, true), set_config('transaction_read_only', 'on', true)")
"""As the authenticator: a function that a client called may have left the connection another role (`SET ROLE`)."""
WRONG_PASSWORD = ("password authentication failed", "no password supplied")


class Reload:
    """Loads one API's schema cache and configuration; at most one load is under way."""

    def __init__(self, api: ApiState, load: LoadConfig, *, on_config: Callable[[Config], None]) -> None:
        self.attempted = asyncio.Event()
        """The first load has ended, well or not."""
        self.loaded = asyncio.Event()
        """The schema cache is up to date; cleared while a failed load is retried."""
        self.stopped: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        """Set, with an exit code, when the process cannot go on."""
        self._api = api
        self._load_config = load
        self._on_config = on_config
        self._loading: asyncio.Task[None] | None = None
        self._again = False
        self._is_closed = False
        self._others: set[asyncio.Task[None]] = set()

    def schema(self) -> None:
        """Load the schema cache (and before it the configuration); once more if a load is under way."""
        if self._loading is not None and not self._loading.done():
            self._again = True
            return
        if not self._is_closed:
            self._loading = asyncio.create_task(self._load_until_good())

    def config(self) -> None:
        """Read the configuration anew."""
        if self._is_closed:
            return
        task = asyncio.create_task(self.read_config())
        self._others.add(task)
        task.add_done_callback(self._others.discard)

    def recover(self) -> None:
        """A request found the database away: see whether it is back."""
        if not self._is_closed and (self._loading is None or self._loading.done()):
            self._loading = asyncio.create_task(self._load_until_good())

    def stop_unless_recovering(self) -> None:
        """End the process after a failure, where db-pool-automatic-recovery is off."""
        if not self._api.snapshot.config.db_pool_automatic_recovery:
            self._api.emit(events.RecoveryDisabled())
            self._stop()

    def close(self) -> None:
        """Load no more, whatever requests that are under way may find."""
        self._is_closed = True
        for task in (self._loading, *self._others):
            if task is not None:
                task.cancel()

    # Schema cache ------------------------------------------------------------------------------

    async def _load_until_good(self) -> None:
        delay = 1
        while True:
            self._again = False
            is_good = await self._load_once()
            self.attempted.set()
            if self.stopped.done():
                return
            if is_good and not self._again:
                self._api.retry_delay = 0
                return
            if not is_good:
                if not self._api.snapshot.config.db_pool_automatic_recovery:
                    return
                self._api.retry_delay = delay
                await asyncio.sleep(delay)
                self._api.emit(events.ConnectionRetry(delay))
                delay = min(delay * 2, MAX_DELAY)

    async def _load_once(self) -> bool:
        version = await self._read_version()
        if version is None:
            return False
        if self._api.snapshot.config.db_config:
            await self.read_config(version=version)
        return await self._read_schema(version)

    async def _read_version(self) -> int | None:
        api = self._api
        try:
            (rows,) = await api.pool.execute(Transaction((VERSION,)))
        except Exception as error:
            self._stop_if_hopeless(error)
            api.emit(events.VersionQueryFailed(as_api_error(error)))
            self.loaded.clear()
            self.stop_unless_recovering()
            return None
        number, name, full = (text(rows, column) for column in range(3))
        if int(number) < MINIMUM_VERSION:
            api.emit(events.DatabaseUnsupported(name, MINIMUM_NAME))
            self._stop()
            return None
        api.emit(events.DatabaseConnected(full))
        api.emit(events.PoolCreated(api.snapshot.config.db_pool))
        return int(number)

    async def _read_schema(self, version: int) -> bool:
        api, config = self._api, self._api.snapshot.config
        started = time.perf_counter()
        try:
            statements = catalog_statements(config, version)
            is_timed = config.log_level is LogLevel.DEBUG
            if is_timed:
                statements = timed(statements, config)
            rows = (await api.pool.execute(Transaction((READ_ONLY, *statements))))[1:]
            queried = time.perf_counter()
            rows, spans = timings(rows, config) if is_timed else (rows, ())
            loop = asyncio.get_running_loop()
            cache = await loop.run_in_executor(None, build_beside_requests, rows, config)
        except Exception as error:
            self.loaded.clear()
            failure = as_api_error(error)
            api.emit(events.SchemaCacheFailed(config.db_schemas, config.db_extra_search_path, failure))
            return False
        api.snapshot = with_schema(api.snapshot, cache, version)
        api.pool.flush()
        api.emit(events.SchemaCacheQueried(queried - started, spans))
        api.emit(events.SchemaCacheLoaded(time.perf_counter() - started, summarize(cache)))
        self.loaded.set()
        return True

    # Configuration -----------------------------------------------------------------------------

    async def read_config(self, *, version: int | None = None) -> None:
        """Read the configuration anew; one that is wrong leaves the present one in force."""
        api = self._api
        settings = await self._database_settings(version if version is not None else api.snapshot.pg_version)
        try:
            config = self._load_config(settings)
        except ConfigError as error:
            api.emit(events.ConfigInvalid(str(error)))
            return
        api.snapshot = with_config(api.snapshot, config, api.emit)
        self._on_config(config)
        warn_of_deprecated(config, api.emit)
        api.emit(events.ConfigReloaded())

    async def _database_settings(self, version: int) -> DatabaseSettings:
        """What the database says; nothing where it may not or cannot say."""
        api, config = self._api, self._api.snapshot.config
        if not config.db_config:
            return DatabaseSettings()
        settings: Mapping[str, str] = {}
        try:
            _, rows = await api.pool.execute(Transaction((READ_ONLY, settings_statement(config.db_pre_config))))
            settings = decode_settings(rows)
        except Exception as error:
            api.emit(events.ConfigReadFailed(as_api_error(error)))
        try:
            _, rows = await api.pool.execute(Transaction((READ_ONLY, role_settings_statement(version))))
            return DatabaseSettings(settings, *decode_role_settings(rows))
        except Exception as error:
            api.emit(events.RoleSettingsReadFailed(as_api_error(error)))
        return DatabaseSettings(settings)

    # The end -----------------------------------------------------------------------------------

    def _stop_if_hopeless(self, error: Exception) -> None:
        if isinstance(error, ConnectionFailed) and any(sign in str(error) for sign in WRONG_PASSWORD):
            self._api.emit(events.DatabaseFatal(events.FatalCause.AUTHENTICATION, as_api_error(error)))
            self._stop()
        elif isinstance(error, PostgresError):
            self._stop_if_pooled(error)

    def judge(self, error: Exception) -> None:
        """What a request met may mean that the process cannot go on."""
        if isinstance(error, PostgresError):
            self._stop_if_pooled(error)

    def _stop_if_pooled(self, error: PostgresError) -> None:
        """A connection pooler in a mode that cannot work with prepared statements, or not at all."""
        if error.sqlstate == "42P05":
            self._api.emit(events.DatabaseFatal(events.FatalCause.TRANSACTION_POOLER, as_api_error(error)))
            self._stop()
        elif error.sqlstate == "08P01" and "statement pooling mode" in error.message:
            self._api.emit(events.DatabaseFatal(events.FatalCause.STATEMENT_POOLER, as_api_error(error)))
            self._stop()

    def _stop(self) -> None:
        if not self.stopped.done():
            self.stopped.set_result(1)


def warn_of_deprecated(config: Config, emit: events.Emit) -> None:
    """Tell of settings that are written in a way that will stop working."""
    role_path = parse_role_path(config.jwt_role_claim_key)
    if role_path.is_deprecated:
        emit(events.DeprecatedJSPath(role_path.text))


def text(rows: Rows, column: int) -> str:
    return (rows.get_value(0, column) or b"").decode()
