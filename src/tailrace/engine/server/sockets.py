"""Listening sockets: special host names, Unix sockets with a mode, and their addresses in words.

Source: PostgREST docs, references/configuration, "server-host"; its special names are
`*` (any), `*4` and `!4` (IPv4 preferred, only), `*6` and `!6` (the same for IPv6).
"""

import os
import socket
import stat
from dataclasses import dataclass

BACKLOG = 2048


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen: a Unix socket if there is a path, else a host and port."""

    host: str
    port: int
    unix_socket: str | None = None
    unix_socket_mode: int = 0o660
    reuse_port: bool = False


class CannotListen(Exception):
    """The address is in use or not ours; the text is one sentence."""


def listen(address: Address) -> socket.socket:
    """Open the listening socket.

    Errors: CannotListen.
    """
    if address.unix_socket is not None:
        return listen_unix(address.unix_socket, address.unix_socket_mode)
    failure: OSError | None = None
    for family, where in candidates(address.host, address.port):
        try:
            return listen_tcp(family, where, reuse_port=address.reuse_port)
        except OSError as error:
            failure = error
    reason = failure.strerror if failure is not None and failure.strerror else "no such host"
    raise CannotListen(f"Cannot listen on {address.host}:{address.port}: {reason}")


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


def listen_tcp(family: socket.AddressFamily, where: tuple[str, int], *, reuse_port: bool) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind(where)
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except OSError:
        listening.close()
        raise
    return listening


def listen_unix(path: str, mode: int) -> socket.socket:
    """Bind a Unix socket; a socket that nobody listens on any more is replaced."""
    try:
        if stat.S_ISSOCK(os.stat(path).st_mode):
            os.unlink(path)
    except FileNotFoundError:
        pass
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.bind(path)
        os.chmod(path, mode)
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        raise CannotListen(f"Cannot listen on {path}: {error.strerror}") from error
    return listening


def describe(listening: socket.socket) -> str:
    """`127.0.0.1:3000`, `[::1]:3000`, or the path of a Unix socket."""
    where = listening.getsockname()
    if listening.family == socket.AF_UNIX:
        return str(where)
    if listening.family == socket.AF_INET6:
        return f"[{where[0]}]:{where[1]}"
    return f"{where[0]}:{where[1]}"
