"""The engine on a database of ours, configured as an operator would configure it."""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tailrace.app.address import HOST
from tailrace.app.refusal import CannotStart
from tailrace.engine.config.error import ConfigError
from tailrace.engine.server.config_loader import ConfigLoader
from tailrace.engine.server.run import ServerAddresses, serve


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    uri: str = field(repr=False)
    jwt_secret: str = field(repr=False)
    port: int
    log_level: str | None
    """None for the engine's default."""
    log_file: Path | None
    """None for the terminal."""


def serve_database(options: EngineOptions, *, on_ready: Callable[[], None]) -> int:
    """Serve the schema `public` until SIGTERM or SIGINT; the exit code.

    In-database configuration stays on, so that its owner may change the rest by SQL.
    Errors: CannotStart.
    """
    environ = {
        "PGRST_DB_URI": options.uri,
        "PGRST_DB_ANON_ROLE": "anonymous",
        "PGRST_JWT_SECRET": options.jwt_secret,
        "PGRST_SERVER_HOST": HOST,
        "PGRST_SERVER_PORT": str(options.port),
    }
    if options.log_level is not None:
        environ["PGRST_LOG_LEVEL"] = options.log_level
    loader = ConfigLoader(None, environ, lambda path: Path(path).read_bytes())

    def ready(_: ServerAddresses) -> None:
        on_ready()

    try:
        with _standard_streams_in(options.log_file):
            return serve(loader, on_ready=ready)
    except ConfigError as error:
        raise CannotStart(str(error)) from None


@contextlib.contextmanager
def _standard_streams_in(file: Path | None) -> Iterator[None]:
    """The engine logs to the standard streams; here they go to a new file, and the last run's is kept beside it."""
    if file is None:
        yield
        return
    if file.exists():
        file.replace(file.with_suffix(".log.1"))
    with (
        open(file, "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)) as log,
        contextlib.redirect_stdout(log),
        contextlib.redirect_stderr(log),
    ):
        yield
