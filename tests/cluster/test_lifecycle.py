"""A data directory is made, served, stopped, found again; and every fault is told in one sentence."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tailrace.cluster import (
    ClusterBroken,
    ClusterError,
    ClusterSpec,
    DataDirInUse,
    PortInUse,
    RunningCluster,
    WrongMajorVersion,
    start,
)
from tailrace.cluster.process import free_port

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to hand the server to another user")


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that every user may enter, as pytest's own is not."""
    folder = Path(tempfile.mkdtemp(prefix="tailrace-cluster-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def spec(data_dir: Path, *, port: int | None = None) -> ClusterSpec:
    return ClusterSpec(data_dir=data_dir, password='it\'s a "password" @ 1/2', port=port, durable=False)


def ask(cluster: RunningCluster, statement: str) -> object:
    with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
        row = connection.execute(statement).fetchone()
        return None if row is None else row[0]


def write(cluster: RunningCluster, statement: str) -> None:
    with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
        connection.execute(statement)


def test_a_new_data_directory_is_served_over_tcp_and_over_a_unix_socket(home: Path) -> None:
    with start(spec(home / "data")) as cluster:
        with psycopg.connect(cluster.socket_dsn()) as connection:
            by_socket = connection.execute("select inet_server_port()").fetchone()

        assert ask(cluster, "select inet_server_port()") == cluster.port
        assert by_socket == (None,)
        assert ask(cluster, "show server_encoding") == "UTF8"


def test_a_wrong_password_is_refused_on_both_ways_in(home: Path) -> None:
    with start(spec(home / "data")) as cluster:
        for dsn in (cluster.dsn(password="wrong"), cluster.socket_dsn(password="wrong")):
            with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
                psycopg.connect(dsn)


def test_a_second_start_finds_the_data_of_the_first(home: Path) -> None:
    with start(spec(home / "data")) as first:
        write(first, "create table kept as select 42 as answer")

    with start(spec(home / "data")) as second:
        assert ask(second, "select answer from kept") == 42


def test_stopping_leaves_no_process_and_no_socket(home: Path) -> None:
    cluster = start(spec(home / "data"))

    cluster.stop()

    assert cluster.process.poll() == 0
    assert not cluster.socket_dir.exists()
    assert not (home / "data" / "postmaster.pid").exists()


def test_a_very_long_path_to_the_data_is_no_obstacle_to_its_unix_socket(home: Path) -> None:
    long = home / ("long" * 20) / ("longer" * 20)

    with start(spec(long)) as cluster, psycopg.connect(cluster.socket_dsn()) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_what_a_killed_process_left_running_is_replaced(home: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from tailrace.cluster import ClusterSpec, start;"
        "start(ClusterSpec(data_dir=Path(sys.argv[1]), password=sys.argv[2]));"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    left = spec(home / "data")
    killed = subprocess.run([sys.executable, "-c", code, left.data_dir, left.password])
    orphan = int((home / "data" / "postmaster.pid").read_text().splitlines()[0])

    with start(left) as cluster:
        assert killed.returncode == -signal.SIGKILL
        assert cluster.process.pid != orphan
        assert ask(cluster, "select 1") == 1


def test_a_port_that_is_in_use_is_named(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(PortInUse, match=f"Port {port} is already in use"):
            start(spec(home / "data", port=port))


def test_a_fixed_port_is_taken(home: Path) -> None:
    port = free_port()

    with start(spec(home / "data", port=port)) as cluster:
        assert cluster.port == port


def test_a_data_directory_is_served_once_at_a_time(home: Path) -> None:
    with start(spec(home / "data")), pytest.raises(DataDirInUse, match="already running on"):
        start(spec(home / "data"))


def test_data_of_another_major_version_is_refused_untouched(home: Path) -> None:
    start(spec(home / "data")).stop()
    (home / "data" / "PG_VERSION").write_text("14\n")

    with pytest.raises(WrongMajorVersion, match="was made by Postgres 14 and this is Postgres"):
        start(spec(home / "data"))

    assert (home / "data" / "PG_VERSION").read_text() == "14\n"


def test_a_folder_with_other_files_is_left_alone(home: Path) -> None:
    (home / "data").mkdir()
    (home / "data" / "thesis.txt").write_text("years of work")

    with pytest.raises(ClusterBroken, match="holds files that are not Postgres's"):
        start(spec(home / "data"))

    assert (home / "data" / "thesis.txt").read_text() == "years of work"


def test_a_place_that_is_no_folder_is_refused(home: Path) -> None:
    (home / "file").touch()

    with pytest.raises(ClusterBroken, match="A file stands where the folder"):
        start(spec(home / "file" / "data"))


def test_a_start_that_fails_leaves_no_half_made_data(home: Path) -> None:
    bad = ClusterSpec(data_dir=home / "data", password="x", superuser="pg_reserved", durable=False)

    with pytest.raises(ClusterError, match="pg_reserved"):
        start(bad)

    assert [entry.name for entry in home.iterdir()] == ["data.lock"]


def test_a_setting_that_postgres_refuses_is_told_in_its_own_words(home: Path) -> None:
    bad = ClusterSpec(data_dir=home / "data", password="x", durable=False, settings={"shared_buffers": "a lot"})

    with pytest.raises(ClusterBroken, match="shared_buffers"):
        start(bad)


@AS_ROOT
def test_roots_data_in_a_private_folder_is_kept_where_postgres_may_go(home: Path) -> None:
    home.chmod(0o700)
    data = home / "data"

    with start(spec(data)) as cluster:
        write(cluster, "create table kept as select 42 as answer")
    with start(spec(data)) as cluster:
        answer = ask(cluster, "select answer from kept")
        aside = cluster.spec.data_dir

    assert answer == 42
    assert data.is_symlink()
    assert data.resolve() == aside
    shutil.rmtree(aside)


@AS_ROOT
def test_roots_server_runs_as_another_user(home: Path) -> None:
    with start(spec(home / "data")) as cluster:
        owner = cluster.spec.data_dir.stat().st_uid

    assert owner != 0
