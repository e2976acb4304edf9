"""`--ready`: asks the admin server of a running process whether it is ready.

Source: PostgREST docs, references/cli, "Ready Flag".
"""

import sys
from http.client import HTTPConnection, HTTPException

from tailrace.engine.config.config import Config

SPECIAL_HOSTS = frozenset({"*", "*4", "!4", "*6", "!6"})
PORTS = range(65_536)
PATIENCE = 30.0
"""Seconds to wait for the answer."""


def report_readiness(config: Config) -> int:
    """Print the address that was asked and what came of it; 0 if the server is ready."""
    host, port = config.admin_server_host, config.admin_server_port
    if port is None:
        return _fail("Admin server is not running. Please check admin-server-port config.")
    if host in SPECIAL_HOSTS:
        return _fail(
            f'The `--ready` flag cannot be used when server-host is configured as "{host}".'
            ' Please update your server-host config to "localhost".'
        )
    bracketed = f"[{host}]" if ":" in host else host
    url = f"http://{bracketed}:{port}/ready"
    if port not in PORTS:
        return _fail(f"invalid url - {url}")
    try:
        status = _ask(host, port)
    except (OSError, HTTPException):
        return _fail(f"connection refused to {url}")
    if not 200 <= status < 300:
        return _fail(url)
    sys.stdout.write(f"OK: {url}\n")
    return 0


def _ask(host: str, port: int) -> int:
    connection = HTTPConnection(host, port, timeout=PATIENCE)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status
    finally:
        connection.close()


def _fail(reason: str) -> int:
    sys.stderr.write(f"ERROR: {reason}\n")
    return 1
