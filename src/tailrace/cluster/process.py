"""The server process on a data directory: start, watch, stop."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from tailrace.cluster.errors import (
    ClusterBroken,
    ClusterError,
    DataDirInUse,
    DiskFull,
    PortInUse,
    diagnose,
    from_os_error,
)
from tailrace.cluster.initdb import check_version, initialise, is_initialised
from tailrace.cluster.installation import Installation, find_installation
from tailrace.cluster.lock import try_lock
from tailrace.cluster.owner import Owner, choose_owner
from tailrace.cluster.pid_file import PidFile, read_pid_file
from tailrace.cluster.settings import LOOPBACK, ClusterSpec, connection_string, server_arguments
from tailrace.cluster.wal_folder import prepare

LOG_NAME = "server.log"
_SOCKET_PREFIX = "tailrace-pg-"
_SOCKET_PATH_LIMIT = 90
"""Bytes for the socket's folder: a Unix socket's whole path may have 107 on Linux and 103 on macOS."""
_POLL = 0.01
_START_TIMEOUT = 120.0
"""Seconds; long, because a server that crashed replays its log first."""
_STOP_TIMEOUT = 60.0
_PORT_ATTEMPTS = 5


class RunningCluster:
    """A server that accepts connections; `stop` it, or use it as a context manager."""

    def __init__(
        self, spec: ClusterSpec, pid_file: PidFile, *, process: subprocess.Popen[bytes], lock: IO[str]
    ) -> None:
        self.spec = spec
        self.port = pid_file.port
        self.socket_dir = Path(pid_file.socket_dir)
        self.process = process
        self._lock = lock

    @property
    def log(self) -> Path:
        return self.spec.data_dir / LOG_NAME

    def dsn(self, database: str = "postgres", *, user: str | None = None, password: str | None = None) -> str:
        """The address over TCP, of the superuser unless another login is given."""
        return self._address(LOOPBACK, database, user=user, password=password)

    def socket_dsn(self, database: str = "postgres", *, user: str | None = None, password: str | None = None) -> str:
        """The address over the Unix socket: faster, and only for the user that runs the server, and root."""
        return self._address(str(self.socket_dir), database, user=user, password=password)

    def _address(self, host: str, database: str, *, user: str | None, password: str | None) -> str:
        return connection_string(
            user=user or self.spec.superuser,
            password=self.spec.password if password is None else password,
            host=host,
            port=self.port,
            database=database,
        )

    def wait(self) -> int:
        """Block until the server ends, for whatever reason; its exit code."""
        return self.process.wait()

    def fault(self) -> ClusterError:
        """Why the server ended, as far as its log and its disk tell."""
        return _fault(self.spec, port=self.port, user=choose_owner(self.spec.data_dir).name)

    def stop(self, *, immediate: bool = False) -> None:
        """Shut down: open transactions are undone and everything is written out.

        `immediate` skips the writing out, and the next start replays the log.
        """
        try:
            _shut_down(self.process, signal.SIGQUIT if immediate else signal.SIGINT)
        finally:
            shutil.rmtree(self.socket_dir, ignore_errors=True)
            self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start(spec: ClusterSpec) -> RunningCluster:
    """Serve the data directory, which is made first where there is none.

    Blocks until the server accepts connections. A server that a killed process of
    ours left behind on the same data is shut down and replaced.
    Errors: the ClusterErrors.
    """
    owner = choose_owner(spec.data_dir)
    with _told_in_one_sentence(spec, owner):
        installation = find_installation(owner)
        spec.data_dir.parent.mkdir(parents=True, exist_ok=True)
        lock = _lock(spec.data_dir)
        try:
            if is_initialised(spec.data_dir):
                check_version(spec.data_dir, installation)
            else:
                initialise(spec, installation, owner)
            real = replace(spec, data_dir=spec.data_dir.resolve())
            _stop_orphan(real.data_dir)
            if spec.archive is not None:
                prepare(spec.archive, owner)
            process, pid_file = _launch_on_free_port(real, installation, owner)
        except BaseException:
            lock.close()
            raise
    return RunningCluster(real, pid_file, process=process, lock=lock)


@contextmanager
def _told_in_one_sentence(spec: ClusterSpec, owner: Owner) -> Iterator[None]:
    try:
        yield
    except ClusterError:
        raise
    except OSError as error:
        raise from_os_error(error, data_dir=spec.data_dir, user=owner.name) from error


def _lock(data_dir: Path) -> IO[str]:
    """Hold the data directory for this process; the lock ends with it, even when it is killed."""
    file = try_lock(data_dir)
    if file is None:
        raise DataDirInUse(data_dir)
    return file


def _stop_orphan(data_dir: Path) -> None:
    """Shut down what a killed process of ours left running; the caller holds the lock, so none of ours lives."""
    found = read_pid_file(data_dir)
    if found is None or not found.answers():
        return
    if not Path(found.socket_dir).name.startswith(_SOCKET_PREFIX):
        raise DataDirInUse(data_dir)
    os.kill(found.pid, signal.SIGINT)
    deadline = time.monotonic() + _STOP_TIMEOUT
    while read_pid_file(data_dir) is not None:
        if time.monotonic() > deadline:
            raise DataDirInUse(data_dir)
        time.sleep(_POLL)
    shutil.rmtree(found.socket_dir, ignore_errors=True)


def _launch_on_free_port(
    spec: ClusterSpec, installation: Installation, owner: Owner
) -> tuple[subprocess.Popen[bytes], PidFile]:
    if spec.port is not None:
        return _launch(spec, installation, owner=owner, port=spec.port)
    for _ in range(_PORT_ATTEMPTS - 1):
        try:
            return _launch(spec, installation, owner=owner, port=free_port())
        except PortInUse:  # somebody was faster
            continue
    return _launch(spec, installation, owner=owner, port=free_port())


def _launch(
    spec: ClusterSpec, installation: Installation, *, owner: Owner, port: int
) -> tuple[subprocess.Popen[bytes], PidFile]:
    socket_dir = _make_socket_dir(owner)
    process: subprocess.Popen[bytes] | None = None
    try:
        with _open_log(spec.data_dir) as log:
            process = subprocess.Popen(
                [installation.program("postgres"), *server_arguments(spec, port=port, socket_dir=socket_dir)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                # Its own session: Ctrl-C reaches us alone, and we decide when the server ends.
                start_new_session=True,
                **owner.identity(),
            )
        pid_file = _wait_until_ready(process, spec.data_dir)
        if pid_file is None:
            raise _fault(spec, port=port, user=owner.name)
        return process, pid_file
    except BaseException:
        if process is not None:
            _shut_down(process, signal.SIGINT)
        shutil.rmtree(socket_dir, ignore_errors=True)
        raise


def _wait_until_ready(process: subprocess.Popen[bytes], data_dir: Path) -> PidFile | None:
    """What the server says of itself once it is ready; None when it ended before."""
    deadline = time.monotonic() + _START_TIMEOUT
    while process.poll() is None:
        said = read_pid_file(data_dir)
        if said is not None and said.ready and said.pid == process.pid:
            return said
        if time.monotonic() > deadline:
            raise ClusterBroken(f"Postgres on {data_dir} was not ready after {_START_TIMEOUT:.0f} seconds.")
        time.sleep(_POLL)
    return None


def _shut_down(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    for sent in (how, signal.SIGQUIT, signal.SIGKILL):
        if process.poll() is None:
            process.send_signal(sent)
        try:
            process.wait(_STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            continue
        return


def _make_socket_dir(owner: Owner) -> Path:
    """A short, private folder: nobody but the server's user and root can even try to connect."""
    usual = tempfile.gettempdir()
    fits = len(os.fsencode(usual)) <= _SOCKET_PATH_LIMIT - 30 and owner.can_enter(Path(usual).resolve())
    folder = Path(tempfile.mkdtemp(prefix=_SOCKET_PREFIX, dir=usual if fits else "/tmp"))
    owner.take(folder)
    return folder


def _open_log(data_dir: Path) -> IO[bytes]:
    """A new log for this run; the last run's is kept beside it."""
    log = data_dir / LOG_NAME
    if log.exists():
        log.replace(log.with_suffix(".log.1"))
    return open(log, "ab")


def _fault(spec: ClusterSpec, *, port: int, user: str) -> ClusterError:
    said = _read_tail(spec.data_dir / LOG_NAME)
    # On a full disk not even the log can say so.
    if not said.strip() and os.statvfs(spec.data_dir).f_bavail == 0:
        return DiskFull(spec.data_dir)
    return diagnose(said, data_dir=spec.data_dir, port=port, user=user)


def _read_tail(log: Path, limit: int = 16_384) -> str:
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - limit))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def free_port() -> int:
    """A TCP port of the loopback address that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
