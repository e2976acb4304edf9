"""One Data API: a database, how to answer for it, and how to keep up with it.

Everything of one API hangs on its own object; a process may have many that know
nothing of each other.
"""

import asyncio

from tailrace.engine.config.config import Config, LogLevel
from tailrace.engine.data_api.answering import Answering, Reply
from tailrace.engine.data_api.reload import LoadConfig, Reload, warn_of_deprecated
from tailrace.engine.data_api.snapshot import first_snapshot
from tailrace.engine.data_api.state import ApiState
from tailrace.engine.message import HttpRequest
from tailrace.engine.observe import events
from tailrace.engine.postgres.connect import with_option
from tailrace.engine.postgres.listener import Listener, Reloads
from tailrace.engine.postgres.pool import Pool, PoolOptions
from tailrace.engine.statement import Statement, Transaction

PING = Statement(b"select 1")


class DataApi:
    """Answers requests; to be made and used on one event loop."""

    def __init__(self, load: LoadConfig, config: Config, emit: events.Emit, *, application_name: str) -> None:
        loop = asyncio.get_running_loop()
        dsn = with_option(config.db_uri, "fallback_application_name", application_name)
        self.state = ApiState(first_snapshot(config, emit), Pool(pool_options(config, dsn), loop, emit), emit)
        self.reload = Reload(self.state, load, on_config=self._follow)
        self.state.recover = self.reload.recover
        self.state.judge = self.reload.judge
        self._dsn = dsn
        self._listener: Listener | None = None
        self._listening: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to load the schema cache and to listen; `reload.attempted` tells when the first load is over."""
        config = self.state.snapshot.config
        warn_of_deprecated(config, self.state.emit)
        self._follow_channel(config)
        self.reload.schema()

    def begin(self, request: HttpRequest, reply: Reply) -> Answering:
        """Take a request on; once it is started, `reply` is called once."""
        return Answering(self.state, request, reply)

    async def is_connected(self) -> bool:
        """Whether the database can be reached: the listener knows; where there is none, the database is asked."""
        if self._listener is not None:
            return self._listener.is_listening
        if self.state.pool.is_busy:
            return True
        try:
            await self.state.pool.execute(Transaction((PING,)))
        except Exception:
            return False
        return True

    def _follow(self, config: Config) -> None:
        """Do at once what a new configuration asks for, where it is not asked at every request."""
        self.state.pool.trace = config.log_level is LogLevel.DEBUG
        self._follow_channel(config)

    def _follow_channel(self, config: Config) -> None:
        """Listen for notifications, or no more, as db-channel-enabled has it."""
        if config.db_channel_enabled == (self._listening is not None):
            return
        if self._listening is not None:
            self._listening.cancel()
            self._listening = self._listener = None
            return
        reloads = Reloads(schema=self.reload.schema, config=self.reload.config, lost=self.reload.stop_unless_recovering)
        self._listener = Listener(self._dsn, config.db_channel, self.state.emit, reloads=reloads)
        self._listening = asyncio.create_task(self._listener.run())

    async def close(self) -> None:
        """Let what is under way end, then leave the database."""
        self._keep_up_no_more()
        await self.state.pool.close()

    async def abort(self, patience: float) -> None:
        """Cancel what is under way, then leave the database, within `patience` seconds."""
        self._keep_up_no_more()
        await self.state.pool.abort(patience)

    def _keep_up_no_more(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
        self.reload.close()


def pool_options(config: Config, dsn: str) -> PoolOptions:
    return PoolOptions(
        dsn=dsn,
        size=config.db_pool,
        acquisition_timeout=config.db_pool_acquisition_timeout,
        max_lifetime=config.db_pool_max_lifetime,
        max_idletime=config.db_pool_max_idletime,
        prepare=config.db_prepared_statements,
        trace=config.log_level is LogLevel.DEBUG,
    )
