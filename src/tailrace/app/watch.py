"""Ends the program when the Postgres that it stands on ends."""

import os
import signal
import threading

from tailrace.app.terminal import complain
from tailrace.cluster import RunningCluster


class Watch:
    """Waits for the server in a thread; `crashed` tells whether it ended while it should have run."""

    def __init__(self, cluster: RunningCluster) -> None:
        self.crashed = False
        self._cluster = cluster
        self._expected = threading.Event()
        threading.Thread(target=self._wait, name="watch-postgres", daemon=True).start()

    def expect_the_end(self) -> None:
        """Call before the server is stopped on purpose."""
        self._expected.set()

    def _wait(self) -> None:
        self._cluster.wait()
        if self._expected.is_set():
            return
        self.crashed = True
        complain(f"tailrace up: Postgres ended unexpectedly. {self._cluster.fault()}")
        complain(f"Its log is {self._cluster.log}.")
        # The same way out as for Ctrl-C, so that requests in flight get their answers.
        os.kill(os.getpid(), signal.SIGTERM)
