"""The engine on a database of ours, configured as an operator would configure it."""

from collections.abc import Callable
from pathlib import Path

from tailrace.app.address import HOST
from tailrace.engine.server.config_loader import ConfigLoader
from tailrace.engine.server.run import ServerAddresses, serve


def serve_database(uri: str, *, jwt_secret: str, port: int, on_ready: Callable[[], None]) -> int:
    """Serve the schema `public` until SIGTERM or SIGINT; the exit code.

    In-database configuration stays on, so that its owner may change the rest by SQL.
    """
    environ = {
        "PGRST_DB_URI": uri,
        "PGRST_DB_ANON_ROLE": "anonymous",
        "PGRST_JWT_SECRET": jwt_secret,
        "PGRST_SERVER_HOST": HOST,
        "PGRST_SERVER_PORT": str(port),
    }

    def ready(_: ServerAddresses) -> None:
        on_ready()

    return serve(ConfigLoader(None, environ, lambda path: Path(path).read_bytes()), on_ready=ready)
