"""Connecting: connection strings, and the one place where libpq is asked to connect.

Source: PostgreSQL docs, "libpq connection strings".
"""

from urllib.parse import quote

from psycopg import pq

from tailrace.engine.statement import ConnectionFailed

URI_SCHEMES = ("postgresql://", "postgres://")


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


def connect(dsn: str) -> pq.abc.PGconn:
    """Connect, blocking; to be called in a thread.

    Errors: ConnectionFailed with libpq's text.
    """
    pgconn = pq.PGconn.connect(dsn.encode())
    if pgconn.status != pq.ConnStatus.OK:
        message = pgconn.error_message.decode(errors="replace")
        pgconn.finish()
        raise ConnectionFailed(message)
    return pgconn
