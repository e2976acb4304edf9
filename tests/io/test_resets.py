"""Postgres hangs up with bytes of ours unread, which resets the connection: whoever waits on it is told."""

import asyncio
import socket
import struct
import threading
from collections.abc import Iterator

import pytest
import uvloop

from tailrace.engine.postgres.pool import Pool, PoolOptions
from tailrace.engine.statement import Statement, Transaction

FIELDS = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve_badly, args=(listening,), daemon=True).start()
        yield listening.getsockname()[1]


def serve_badly(listening: socket.socket) -> None:
    """Welcome a client, wait for its first bytes, and end without having read them."""
    client, _ = listening.accept()
    client.recv(struct.unpack("!I", client.recv(4))[0] - 4)
    welcome = [(b"R", struct.pack("!I", 0)), (b"K", struct.pack("!II", 1, 1)), (b"Z", b"I")]
    client.sendall(b"".join(message(kind, body) for kind, body in welcome))
    client.recv(1, socket.MSG_PEEK)
    client.sendall(message(b"E", FIELDS))
    client.close()


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def test_nobody_waits_for_ever_on_a_reset_connection(port: int) -> None:
    dsn = f"host=127.0.0.1 port={port} user=u dbname=d sslmode=disable gssencmode=disable"
    options = PoolOptions(dsn, size=1, acquisition_timeout=30, max_lifetime=60, max_idletime=60, prepare=True)

    async def ask() -> list[object]:
        pool = Pool(options, asyncio.get_running_loop(), lambda event: None)
        asked = [pool.execute(Transaction((Statement(b"select 1"),))) for _ in range(1)]
        async with asyncio.timeout(5):
            return list(await asyncio.gather(*asked, return_exceptions=True))

    outcomes = uvloop.run(ask())

    assert all(isinstance(outcome, Exception) for outcome in outcomes)
