"""Connecting: connection strings, and the one place where libpq is asked to connect.

Source: PostgreSQL docs, "libpq connection strings" and "PQconnectStartParams". Never
by the calls that block: a network that is gone would stop the whole process. By
themselves libpq and Linux wait a quarter of an hour and longer for such a network;
what the address leaves open is set so that this is noticed within half a minute.
"""

import asyncio
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

from psycopg import OperationalError, pq

from tailrace.engine.statement import ConnectionFailed

Polling = pq.PollingStatus
URI_SCHEMES = ("postgresql://", "postgres://")
CONNECT_TIMEOUT = 5
"""Seconds for each host, when the address names no connect_timeout."""
SOCKET_DEFAULTS = (
    ("keepalives_idle", "TCP_KEEPIDLE", 15),
    ("keepalives_interval", "TCP_KEEPINTVL", 5),
    ("keepalives_count", "TCP_KEEPCNT", 3),
    ("tcp_user_timeout", "TCP_USER_TIMEOUT", 30_000),
)
"""What the address may set, the socket's option for it, and the value when it does not (s, s, -, ms)."""


class Polled(Protocol):
    """What libpq brings about step by step, waiting for a socket in between."""

    @property
    def socket(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One place to connect to; without an address, libpq needs none (a socket's folder, a number) or was given one."""

    host: str
    port: str
    address: str = ""


def with_option(dsn: str, name: str, value: str) -> str:
    """Add an option to a connection string, in URI or keyword form; a last one wins over earlier ones.

    In a URI the options begin behind the `@`: a password may hold a `?`.
    """
    if not dsn.startswith(URI_SCHEMES):
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"{dsn} {name}='{escaped}'".lstrip() if "=" in dsn or not dsn.strip() else dsn
    _, question, options = dsn.rpartition("@")[2].partition("?")
    separator = "?" if not question else "&" if options else ""
    return f"{dsn}{separator}{name}={quote(value, safe='')}"


async def connect(dsn: str) -> pq.abc.PGconn:
    """Connect to the first host that will do; each has its own time.

    Errors: ConnectionFailed with libpq's text.
    """
    options = effective_options(dsn)
    patience = seconds(options.get("connect_timeout"))
    endpoints = await resolve(endpoints_of(options))
    complaints = ""
    while True:
        pgconn = pq.PGconn.connect_start(with_endpoints(dsn, endpoints).encode())
        try:
            if await is_completed(pgconn, patience):
                notice_lost_network(pgconn)
                return pgconn
            stuck = present_endpoint(pgconn)
            complaints += timeout_complaint(pgconn.error_message.decode(errors="replace"), stuck)
        except BaseException:
            pgconn.finish()
            raise
        pgconn.finish()
        left = [endpoint for endpoint in endpoints if endpoint != stuck]
        if not left or len(left) == len(endpoints):
            raise ConnectionFailed(complaints)
        endpoints = left


def seconds(text: str | None) -> float:
    """The value of connect_timeout; of one that is no number libpq says so itself."""
    try:
        return float(text or CONNECT_TIMEOUT)
    except ValueError:
        return CONNECT_TIMEOUT


async def is_completed(pgconn: pq.abc.PGconn, patience: float) -> bool:
    """Go on connecting until it is done; False if a host kept silent for too long. Errors: ConnectionFailed."""
    loop = asyncio.get_running_loop()
    waits_for, place, deadline = Polling.WRITING, None, 0.0
    while pgconn.status != pq.ConnStatus.BAD:
        if place != (place := present_endpoint(pgconn)):
            deadline = loop.time() + patience
        try:
            async with asyncio.timeout_at(deadline if patience > 0 else None):
                await socket_is(waits_for, pgconn)
        except TimeoutError:
            return False
        waits_for = Polling(pgconn.connect_poll())
        if waits_for == Polling.OK:
            return True
    raise ConnectionFailed(pgconn.error_message.decode(errors="replace"))


async def cancel(pgconn: pq.abc.PGconn) -> None:
    """Ask Postgres to cancel what runs on a connection, encrypted as this is. It may fail without a word."""
    cancelling = pgconn.cancel_conn()
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            cancelling.start()
            while (waits_for := Polling(cancelling.poll())) not in (Polling.OK, Polling.FAILED):
                await socket_is(waits_for, cancelling)
    except (OperationalError, TimeoutError):
        return
    finally:
        cancelling.finish()


async def socket_is(waits_for: pq.PollingStatus, polled: Polled) -> None:
    """Wait until libpq's socket can be read from, or written to."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    number = polled.socket
    is_reading = waits_for == Polling.READING
    (loop.add_reader if is_reading else loop.add_writer)(number, ready.set)
    try:
        await ready.wait()
    finally:
        (loop.remove_reader if is_reading else loop.remove_writer)(number)


# Hosts ----------------------------------------------------------------------------------------


def effective_options(dsn: str) -> Mapping[str, str]:
    """Where a connection would go, with what environment, service file and defaults add.

    libpq tells only of a connection that was begun; this one ends before it touches the network.
    Errors: ConnectionFailed.
    """
    pgconn = pq.PGconn.connect_start(with_option(dsn, "sslmode", "none, go no further").encode())
    try:
        options = {option.keyword.decode(): option.val.decode() for option in pgconn.info if option.val}
        if not options:
            raise ConnectionFailed(pgconn.error_message.decode(errors="replace"))
        return options
    finally:
        pgconn.finish()


def endpoints_of(options: Mapping[str, str]) -> Sequence[Endpoint]:
    """The hosts in their order; libpq says itself what is wrong with lists that do not match."""
    hosts = options.get("host", "").split(",")
    ports = options.get("port", "").split(",")
    if "hostaddr" in options or len(ports) not in (1, len(hosts)):
        return ()
    return [Endpoint(host, ports[number] if len(ports) > 1 else ports[0]) for number, host in enumerate(hosts)]


async def resolve(endpoints: Sequence[Endpoint]) -> Sequence[Endpoint]:
    """Names with their addresses, several for a name that has several. Errors: ConnectionFailed if none is known."""
    found: list[Endpoint] = []
    complaints = ""
    for endpoint in endpoints:
        if not is_name(endpoint.host):
            found.append(endpoint)
            continue
        try:
            addresses = await asyncio.get_running_loop().getaddrinfo(endpoint.host, None, type=socket.SOCK_STREAM)
        except OSError as error:
            complaints += f'could not translate host name "{endpoint.host}" to address: {error.strerror}\n'
            continue
        found += dict.fromkeys(Endpoint(endpoint.host, endpoint.port, str(entry[4][0])) for entry in addresses)
    if complaints and not found:
        raise ConnectionFailed(complaints)
    return found


def is_name(host: str) -> bool:
    """Whether a host has to be looked up."""
    if not host or host.startswith(("/", "@")):
        return False
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.inet_pton(family, host.partition("%")[0])
    except OSError:
        return True
    return False


def with_endpoints(dsn: str, endpoints: Sequence[Endpoint]) -> str:
    if len(endpoints) < 2 and not any(endpoint.address for endpoint in endpoints):
        return dsn
    dsn = with_option(dsn, "host", ",".join(endpoint.host for endpoint in endpoints))
    dsn = with_option(dsn, "port", ",".join(endpoint.port for endpoint in endpoints))
    return with_option(dsn, "hostaddr", ",".join(endpoint.address for endpoint in endpoints))


def present_endpoint(pgconn: pq.abc.PGconn) -> Endpoint:
    """The one that libpq is at."""
    host, port, address = (value.decode() for value in (pgconn.host, pgconn.port, pgconn.hostaddr))
    return Endpoint(host, port, address if is_name(host) else "")


def timeout_complaint(said: str, endpoint: Endpoint) -> str:
    """In libpq's words, which has begun the sentence unless it was still looking around."""
    if said.endswith(" failed: "):
        return f"{said}timeout expired\n"
    return f'{said}connection to server at "{endpoint.host}", port {endpoint.port} failed: timeout expired\n'


# The network ----------------------------------------------------------------------------------


def notice_lost_network(pgconn: pq.abc.PGconn) -> None:
    """Set how long the system waits for the other side, where address, environment and service do not say."""
    given = {option.keyword.decode(): option.val for option in pgconn.info}
    with socket.socket(fileno=os.dup(pgconn.socket)) as connection:
        if connection.family == socket.AF_UNIX or given.get("keepalives") == b"0":
            return
        for keyword, name, value in SOCKET_DEFAULTS:
            option = getattr(socket, name, None)  # not every system has every one
            if option is not None and given.get(keyword) is None:
                connection.setsockopt(socket.IPPROTO_TCP, option, value)
