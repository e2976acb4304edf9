"""Waking the compute: once for all who wait."""

import asyncio
import logging

from tailrace.cluster.front_door.refusal import not_available
from tailrace.cluster.front_door.spec import Backend, Wake

_log = logging.getLogger("tailrace.front_door")


class Waker:
    """Knows where the compute was last found."""

    def __init__(self, wake: Wake, *, timeout: float) -> None:
        self._wake = wake
        self._timeout = timeout
        self._running: asyncio.Task[Backend] | None = None
        self.last: Backend | None = None

    async def wake(self) -> Backend:
        """Where the compute is, which runs now. Errors: Refusal (57P03) when it did not start, or not in time."""
        if self._running is None or self._running.done():
            self._running = asyncio.ensure_future(self._call())
        try:
            # Who gives up does not stop the start for the others.
            backend = await asyncio.wait_for(asyncio.shield(self._running), self._timeout)
        except TimeoutError:
            raise not_available("the compute is still starting") from None
        except Exception as error:
            _log.warning("the compute did not start: %s", type(error).__name__)
            raise not_available("the compute could not be started") from error
        self.last = backend
        return backend

    async def _call(self) -> Backend:
        return await self._wake()

    async def close(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
