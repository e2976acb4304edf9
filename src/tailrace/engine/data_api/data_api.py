"""One Data API: a database, how to answer for it, and how to keep up with it.

Everything of one API hangs on its own object; a process may have many that know
nothing of each other.
"""

import asyncio

from tailrace.engine.config.config import Config, LogLevel
from tailrace.engine.data_api.answering import Answering, Reply
from tailrace.engine.data_api.reload import LoadConfig, Reload
from tailrace.engine.data_api.snapshot import first_snapshot
from tailrace.engine.data_api.state import ApiState
from tailrace.engine.message import HttpRequest
from tailrace.engine.observe import events
from tailrace.engine.postgres.connect import with_option
from tailrace.engine.postgres.listener import Listener, Reloads
from tailrace.engine.postgres.pool import Pool, PoolOptions


class DataApi:
    """Answers requests; to be made and used on one event loop."""

    def __init__(self, load: LoadConfig, config: Config, emit: events.Emit, *, application_name: str) -> None:
        loop = asyncio.get_running_loop()
        dsn = with_option(config.db_uri, "fallback_application_name", application_name)
        self.state = ApiState(first_snapshot(config, emit), Pool(pool_options(config, dsn), loop, emit), emit)
        self.reload = Reload(self.state, load, on_config=self._follow_channel)
        self.state.recover = self.reload.recover
        self._dsn = dsn
        self._listening: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to load the schema cache and to listen; `reload.attempted` tells when the first load is over."""
        self._follow_channel(self.state.snapshot.config)
        self.reload.schema()

    def handle(self, request: HttpRequest, reply: Reply) -> None:
        """Answer one request; `reply` is called once."""
        Answering(self.state, request, reply).start()

    def _follow_channel(self, config: Config) -> None:
        """Listen for notifications, or no more, as db-channel-enabled has it."""
        if config.db_channel_enabled == (self._listening is not None):
            return
        if self._listening is not None:
            self._listening.cancel()
            self._listening = None
            return
        reloads = Reloads(schema=self.reload.schema, config=self.reload.config, lost=self.reload.stop_unless_recovering)
        listener = Listener(self._dsn, config.db_channel, self.state.emit, reloads=reloads)
        self._listening = asyncio.create_task(listener.run())

    async def close(self) -> None:
        """Let what is under way end, then leave the database."""
        if self._listening is not None:
            self._listening.cancel()
        self.reload.close()
        await self.state.pool.close()


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
