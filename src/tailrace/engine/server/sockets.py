"""Sockets to listen on: special host names, Unix sockets with a mode, and their addresses in words.

Source: PostgREST docs, references/configuration, "server-host"; its special names are
`*` (any), `*4` and `!4` (IPv4 preferred, only), `*6` and `!6` (the same for IPv6).
"""

import os
import socket
import stat
from collections.abc import Callable
from dataclasses import dataclass

from tailrace.engine.config.config import Config

BACKLOG = 2048


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen: a Unix socket if there is a path, else a host and port."""

    host: str
    port: int
    unix_socket: str | None = None
    unix_socket_mode: int = 0o660
    reuse_port: bool = False


@dataclass(frozen=True, slots=True)
class ServerAddresses:
    """Where a server listens, in words."""

    api: str
    admin: str | None


OnReady = Callable[[ServerAddresses], None]


class CannotListen(Exception):
    """The address is in use or not ours; the text is one sentence."""


def listen(address: Address) -> socket.socket:
    """Open a socket and listen on it. Errors: CannotListen."""
    return start_listening(bind(address), address)


def start_listening(bound: socket.socket, address: Address) -> socket.socket:
    """Take connections from now on. Errors: CannotListen."""
    try:
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        raise CannotListen(f"Cannot listen on {in_words(address)}: {error.strerror}") from error
    return bound


def bind(address: Address) -> socket.socket:
    """Open a socket that has the address, but takes no connections yet. Errors: CannotListen."""
    if address.unix_socket is not None:
        return bind_unix(address.unix_socket, address.unix_socket_mode)
    failure: OSError | None = None
    for family, where in candidates(address.host, address.port):
        try:
            return bind_tcp(family, where, reuse_port=address.reuse_port)
        except OSError as error:
            failure = error
    reason = failure.strerror if failure is not None and failure.strerror else "no such host"
    raise CannotListen(f"Cannot listen on {in_words(address)}: {reason}")


def in_words(address: Address) -> str:
    return address.unix_socket if address.unix_socket is not None else f"{address.host}:{address.port}"


def candidates(host: str, port: int) -> list[tuple[socket.AddressFamily, tuple[str, int]]]:
    """The socket addresses that a host name stands for, in the order they are tried."""
    any4, any6 = (socket.AF_INET, ("0.0.0.0", port)), (socket.AF_INET6, ("::", port))
    match host:
        case "*" | "*4":
            return [any4, any6]
        case "!4":
            return [any4]
        case "*6":
            return [any6, any4]
        case "!6":
            return [any6]
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        return []
    return [(family, (str(where[0]), int(where[1]))) for family, _, _, _, where in found]


def bind_tcp(family: socket.AddressFamily, where: tuple[str, int], *, reuse_port: bool) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind(where)
        bound.setblocking(False)
    except OSError:
        bound.close()
        raise
    return bound


def bind_unix(path: str, mode: int) -> socket.socket:
    """Bind a Unix socket; a socket that nobody listens on any more is replaced."""
    try:
        if stat.S_ISSOCK(os.stat(path).st_mode):
            os.unlink(path)
    except FileNotFoundError:
        pass
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        bound.bind(path)
        os.chmod(path, mode)
        bound.setblocking(False)
    except OSError as error:
        bound.close()
        raise CannotListen(f"Cannot listen on {path}: {error.strerror}") from error
    return bound


def describe(listening: socket.socket) -> str:
    """`127.0.0.1:3000`, `[::1]:3000`, or the path of a Unix socket."""
    where = listening.getsockname()
    if listening.family == socket.AF_UNIX:
        return str(where)
    if listening.family == socket.AF_INET6:
        return f"[{where[0]}]:{where[1]}"
    return f"{where[0]}:{where[1]}"


def api_address(config: Config) -> Address:
    return Address(
        config.server_host,
        config.server_port,
        config.server_unix_socket,
        config.server_unix_socket_mode,
        config.server_reuseport,
    )


def admin_address(config: Config) -> Address | None:
    """None where there is to be no admin server."""
    if config.admin_server_unix_socket is None and config.admin_server_port is None:
        return None
    return Address(
        config.admin_server_host,
        config.admin_server_port or 0,
        config.admin_server_unix_socket,
        config.admin_server_unix_socket_mode,
    )
