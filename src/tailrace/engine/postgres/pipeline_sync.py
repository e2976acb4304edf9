"""The Sync that ends a transaction in a pipeline, without a write of its own.

Source: PostgreSQL docs, "libpq pipeline mode", PQsendPipelineSync (libpq 17).
psycopg binds PQpipelineSync alone, which writes to the socket at once; a turn of the
loop that sends eight transactions over one connection would pay for eight writes.
"""

import ctypes
import sys
from collections.abc import Callable

from psycopg import pq

SendSync = Callable[[], None]
"""Ends what was sent since the last Sync. Errors: SyncRefused on a dead connection."""


class SyncRefused(Exception):
    """libpq did not take the Sync."""


def sync_sender(pgconn: pq.abc.PGconn) -> SendSync:
    """How to send a Sync over this connection: with the next flush, or at once where libpq is too old for that."""
    function, pointer = send_pipeline_sync(), address(pgconn)
    if function is None or pointer is None:
        return pgconn.pipeline_sync
    argument = ctypes.c_void_p(pointer)

    def send() -> None:
        # The address is only good as long as psycopg has not let go of what is there.
        if address(pgconn) is None or not function(argument):
            raise SyncRefused("the connection is closed")

    return send


def address(pgconn: pq.abc.PGconn) -> int | None:
    """Where libpq has the connection; None once it is closed."""
    return getattr(pgconn, "pgconn_ptr", None)


def send_pipeline_sync() -> Callable[[ctypes.c_void_p], int] | None:
    """The function of the libpq that psycopg works with; None where there is none.

    A name is looked up in a library and in those that it was linked with, so psycopg's
    own module leads to its own libpq, wherever the wheel or the machine keeps that.
    """
    module = sys.modules.get(pq.PGconn.__module__)
    path = getattr(module, "__file__", None)
    if path is None or pq.__impl__ == "python":
        return None
    try:
        # PyDLL keeps the interpreter's lock: the call only appends a few bytes to a buffer.
        function = ctypes.PyDLL(path).PQsendPipelineSync
    except (OSError, AttributeError):
        return None
    function.restype = ctypes.c_int
    function.argtypes = (ctypes.c_void_p,)
    return function
