"""`tailrace up`: Postgres, a sample and the API on it, from one command."""

import argparse
import contextlib
import errno
import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

import psycopg

from tailrace.app.address import HOST, claim_port
from tailrace.app.guide import Service, greeting, write_ready_file
from tailrace.app.refusal import CannotStart
from tailrace.app.sample import DATABASE, USER, load_sample
from tailrace.app.secrets_file import Secrets, keep_secrets
from tailrace.app.terminal import complain, say
from tailrace.app.token import make_token
from tailrace.app.watch import Watch
from tailrace.cluster import ClusterError, ClusterSpec, DiskFull, RunningCluster, start

DEFAULT_DATA_DIR = Path("~/.local/share/tailrace")
DEFAULT_PORT = 3000
TOKEN_DAYS = 7


def run(argv: Sequence[str]) -> int:
    """Start everything, serve until Ctrl-C or SIGTERM, stop everything; the exit code.

    Errors: one sentence on standard error and 1.
    """
    arguments = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, _leave)
    # The terminal was closed: the same as SIGTERM, whoever handles that at the time.
    signal.signal(signal.SIGHUP, lambda number, frame: os.kill(os.getpid(), signal.SIGTERM))
    try:
        return _up(arguments.data_dir, arguments.port, ready_file=arguments.ready_file)
    except (CannotStart, ClusterError) as error:
        complain(f"tailrace up: {error}")
        return 1
    except KeyboardInterrupt:
        say("Stopped.")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tailrace up", description="Start an embedded Postgres with a sample database and the API on it."
    )
    parser.add_argument(
        "--data-dir",
        metavar="DIR",
        type=_folder,
        default=_folder(str(DEFAULT_DATA_DIR)),
        help=f"where the data lives, from one start to the next (default: {DEFAULT_DATA_DIR})",
    )
    parser.add_argument(
        "--port",
        metavar="N",
        type=_port,
        default=DEFAULT_PORT,
        help=f"port of the API on {HOST}; 0 takes a free one (default: {DEFAULT_PORT})",
    )
    parser.add_argument(
        "--ready-file",
        metavar="F",
        type=_folder,
        help="write the URLs and a token to this file, as JSON, once everything serves",
    )
    return parser


def _folder(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65_535:
        raise ValueError(text)
    return port


def _leave(number: int, frame: FrameType | None) -> None:
    """Before the API serves and handles signals itself: unwind as for Ctrl-C, so that Postgres is stopped."""
    raise KeyboardInterrupt


def _up(data_dir: Path, port: int, *, ready_file: Path | None) -> int:
    api_port = claim_port(port)
    with _told_in_one_sentence(data_dir):
        if ready_file is not None:
            ready_file.parent.mkdir(parents=True, exist_ok=True)
            ready_file.unlink(missing_ok=True)
        data_dir.mkdir(parents=True, exist_ok=True)
        secrets = keep_secrets(data_dir / "secrets.json")
    with _postgres(data_dir, secrets) as cluster:
        _sample(cluster, secrets)
        watch = Watch(cluster)
        try:
            service = _service(cluster, secrets, data_dir=data_dir, api_port=api_port)
            code = _serve(cluster, secrets, service=service, ready_file=ready_file)
        finally:
            watch.expect_the_end()
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it is on its way already
            if ready_file is not None:
                ready_file.unlink(missing_ok=True)
            if not watch.crashed:
                say("Stopping ...")
    say("Stopped.")
    return 1 if watch.crashed else code


@contextlib.contextmanager
def _told_in_one_sentence(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = error.filename or folder
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise CannotStart(f"The disk that holds {where} is full: free some space and start again.") from None
        raise CannotStart(f"Cannot write to {where} ({error.strerror}): choose another folder.") from None


@contextlib.contextmanager
def _postgres(data_dir: Path, secrets: Secrets) -> Iterator[RunningCluster]:
    place = data_dir / "postgres"
    if place.exists():
        say(f"Starting Postgres on {place} ...")
    else:
        say(f"Making a Postgres database in {place} (the first time only) ...")
    began = time.monotonic()
    with start(ClusterSpec(data_dir=place, password=secrets.superuser_password)) as cluster:
        if place.is_symlink():
            say(f"  Its files are in {cluster.spec.data_dir}: the user that runs Postgres may not enter {data_dir}.")
        say(f"  Postgres is ready after {time.monotonic() - began:.1f} s.")
        yield cluster


def _sample(cluster: RunningCluster, secrets: Secrets) -> None:
    try:
        loaded = load_sample(cluster, authenticator_password=secrets.authenticator_password)
    except psycopg.errors.DiskFull:
        raise DiskFull(cluster.spec.data_dir) from None
    except psycopg.Error as error:
        if "password authentication failed" in str(error):
            raise CannotStart(
                f"The password in secrets.json is not the one of the data in {cluster.spec.data_dir}:"
                " restore that file from a backup, or choose another data folder."
            ) from None
        raise CannotStart(f"Cannot prepare the database: {str(error).splitlines()[0]}.") from error
    if loaded:
        say("Loaded the sample: notes and paragraphs, with Row-Level Security.")
    else:
        say("Found the data of last time.")


def _service(cluster: RunningCluster, secrets: Secrets, *, data_dir: Path, api_port: int) -> Service:
    expires = int(time.time()) + TOKEN_DAYS * 86_400
    return Service(
        api=f"http://{HOST}:{api_port}",
        port=api_port,
        database=cluster.dsn(DATABASE),
        token=make_token(secrets.jwt_secret, role="authenticated", subject=USER, expires=expires),
        user=USER,
        days=TOKEN_DAYS,
        data_dir=data_dir,
    )


def _serve(cluster: RunningCluster, secrets: Secrets, *, service: Service, ready_file: Path | None) -> int:
    # Late, so that the engine's import time is spent after the first words on the screen.
    from tailrace.app.engine_host import serve_database

    def ready() -> None:
        if ready_file is not None:
            write_ready_file(ready_file, service)
        say(greeting(service))

    say("Starting the API ...")
    uri = cluster.socket_dsn(DATABASE, user="authenticator", password=secrets.authenticator_password)
    return serve_database(uri, jwt_secret=secrets.jwt_secret, port=service.port, on_ready=ready)
