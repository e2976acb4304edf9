"""`tailrace up`: Postgres, a sample and the API on it, from one command; or Postgres alone."""

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
from tailrace.app.arguments import UpArguments, parse_arguments
from tailrace.app.guide import EmptyDatabase, Service, find_psql, write_ready_file
from tailrace.app.refusal import CannotStart
from tailrace.app.sample import DATABASE, USER, load_sample, make_database
from tailrace.app.secrets_file import Secrets, keep_secrets
from tailrace.app.terminal import complain, say
from tailrace.app.token import make_token
from tailrace.app.watch import Watch
from tailrace.cluster import ClusterError, ClusterSpec, DiskFull, RunningCluster, start

TOKEN_DAYS = 7
VERBOSE = "info"
"""The log level of `--verbose`: all requests."""


def run(argv: Sequence[str]) -> int:
    """Start everything, serve until Ctrl-C or SIGTERM, stop everything; the exit code.

    Errors: one sentence on standard error and 1.
    """
    arguments = parse_arguments(argv)
    signal.signal(signal.SIGTERM, _leave)
    # The terminal was closed: the same as SIGTERM, whoever handles that at the time.
    signal.signal(signal.SIGHUP, lambda number, frame: os.kill(os.getpid(), signal.SIGTERM))
    try:
        return _up(arguments)
    except (CannotStart, ClusterError) as error:
        complain(f"tailrace up: {error}")
        return 1
    except KeyboardInterrupt:
        say("Stopped.")
        return 130


def _leave(number: int, frame: FrameType | None) -> None:
    """Before the API serves and handles signals itself: unwind as for Ctrl-C, so that Postgres is stopped."""
    raise KeyboardInterrupt


def _up(arguments: UpArguments) -> int:
    data_dir, ready_file = arguments.data_dir, arguments.ready_file
    api_port = claim_port(arguments.port) if arguments.empty is None else 0
    with _told_in_one_sentence(data_dir):
        if ready_file is not None:
            _make_way(ready_file)
        data_dir.mkdir(parents=True, exist_ok=True)
        secrets = keep_secrets(data_dir / "secrets.json")
    with _postgres(arguments, secrets) as cluster:
        _prepare(cluster, secrets, empty=arguments.empty)
        watch = Watch(cluster)
        try:
            if arguments.empty is not None:
                code = _hold(cluster, arguments, name=arguments.empty)
            else:
                code = _serve(cluster, secrets, arguments=arguments, port=api_port)
        finally:
            watch.expect_the_end()
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it is on its way already
            if ready_file is not None:
                ready_file.unlink(missing_ok=True)
            if not watch.crashed:
                say("Stopping ...")
    say("Stopped.")
    return 1 if watch.crashed else code


def _make_way(ready_file: Path) -> None:
    """Remove what an earlier run that was killed left there."""
    if not ready_file.parent.is_dir():
        raise CannotStart(f"There is no folder {ready_file.parent} for the ready file: make it, or choose another one.")
    ready_file.unlink(missing_ok=True)


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
def _postgres(arguments: UpArguments, secrets: Secrets) -> Iterator[RunningCluster]:
    place = arguments.data_dir / "postgres"
    if place.exists():
        say(f"Starting Postgres on {place} ...")
    else:
        say(f"Making a Postgres database in {place} (the first time only) ...")
    began = time.monotonic()
    spec = ClusterSpec(data_dir=place, password=secrets.superuser_password, port=arguments.postgres_port)
    with start(spec) as cluster:
        if place.is_symlink():
            reason = f"the user that runs Postgres may not enter {arguments.data_dir}"
            say(f"  Its files are in {cluster.spec.data_dir}: {reason}.")
        say(f"  Postgres is ready after {time.monotonic() - began:.1f} s.")
        yield cluster


def _prepare(cluster: RunningCluster, secrets: Secrets, *, empty: str | None) -> None:
    try:
        if empty is None:
            made = load_sample(cluster, authenticator_password=secrets.authenticator_password)
        else:
            made = make_database(cluster, empty)
    except psycopg.errors.DiskFull:
        raise DiskFull(cluster.spec.data_dir) from None
    except psycopg.Error as error:
        if "password authentication failed" in str(error):
            raise CannotStart(
                f"The password in secrets.json is not the one of the data in {cluster.spec.data_dir}:"
                " restore that file from a backup, or choose another data folder."
            ) from None
        raise CannotStart(f"Cannot prepare the database: {str(error).splitlines()[0]}.") from error
    if not made:
        say("Found the data of last time.")
    elif empty is None:
        say("Loaded the sample: notes and paragraphs, with Row-Level Security.")


def _hold(cluster: RunningCluster, arguments: UpArguments, *, name: str) -> int:
    """Postgres alone, until Ctrl-C or SIGTERM, or its own end."""
    database = EmptyDatabase(name=name, address=cluster.dsn(name), psql=find_psql(cluster), data_dir=arguments.data_dir)
    try:
        if arguments.ready_file is not None:
            write_ready_file(arguments.ready_file, database.facts())
        say(database.greeting())
        while True:  # when Postgres ends, the watch ends this by a signal
            time.sleep(1)
    except KeyboardInterrupt:
        return 0


def _serve(cluster: RunningCluster, secrets: Secrets, *, arguments: UpArguments, port: int) -> int:
    # Late, so that the engine's import time is spent after the first words on the screen.
    from tailrace.app.engine_host import EngineOptions, serve_database

    level = os.environ.get("PGRST_LOG_LEVEL") or (VERBOSE if arguments.verbose else None)
    log = arguments.data_dir / "api.log" if level is None else None
    service = _service(cluster, secrets, data_dir=arguments.data_dir, port=port, log=log)
    options = EngineOptions(
        uri=cluster.socket_dsn(DATABASE, user="authenticator", password=secrets.authenticator_password),
        jwt_secret=secrets.jwt_secret,
        port=port,
        log_level=level,
        log_file=log,
    )

    def ready() -> None:
        if arguments.ready_file is not None:
            write_ready_file(arguments.ready_file, service.facts())
        say(service.greeting())

    say("Starting the API ..." if log is None else f"Starting the API, which logs to {log} ...")
    code = serve_database(options, on_ready=ready)
    if code != 0 and log is not None:
        complain(f"tailrace up: The API ended by a fault: {log} says more.")
    return code


def _service(cluster: RunningCluster, secrets: Secrets, *, data_dir: Path, port: int, log: Path | None) -> Service:
    expires = int(time.time()) + TOKEN_DAYS * 86_400
    return Service(
        api=f"http://{HOST}:{port}",
        port=port,
        database=cluster.dsn(DATABASE),
        token=make_token(secrets.jwt_secret, role="authenticated", subject=USER, expires=expires),
        user=USER,
        days=TOKEN_DAYS,
        data_dir=data_dir,
        log=log,
    )
