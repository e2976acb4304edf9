"""The address that the API is served on."""

import errno
import socket

from tailrace.app.refusal import CannotStart

HOST = "127.0.0.1"


def claim_port(port: int) -> int:
    """The port to listen on: `port` itself when it is free, or any free one for 0.

    Asked before anything else is started, so that a port in use costs no time.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise CannotStart(_reason(error, port)) from None
        bound: int = probe.getsockname()[1]
        return bound


def _reason(error: OSError, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is already in use by another program: choose another one with --port."
    if error.errno == errno.EACCES:
        return f"You may not listen on port {port}: choose one above 1023 with --port."
    return f"Cannot listen on port {port}: {error.strerror}."
