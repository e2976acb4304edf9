"""A cluster is copied while people use it, and the copy is a cluster of its own."""

import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from tailrace.cluster import (
    AlreadyThere,
    ClusterBroken,
    ClusterError,
    CopyCancelled,
    DataDirInUse,
    DiskFull,
    NotCopyable,
    RunningCluster,
    Watch,
    clone,
    start,
)
from tailrace.cluster.installation import find_installation
from tailrace.cluster.owner import choose_owner
from tests.cluster.copies import ACCOUNTS, MONEY, PASSWORD, ask, money_moving, spec, until, write


def left_in(home: Path) -> list[str]:
    return sorted(path.name for path in home.iterdir() if path.suffix != ".lock")


def check_all_tables_and_indexes(cluster: RunningCluster) -> subprocess.CompletedProcess[str]:
    program = find_installation(choose_owner(cluster.spec.data_dir)).program("pg_amcheck")
    return subprocess.run(
        [program, "--all", "--install-missing", "--heapallindexed", "--host=127.0.0.1", f"--port={cluster.port}"],
        env={**os.environ, "PGUSER": "postgres", "PGPASSWORD": PASSWORD},
        capture_output=True,
        text=True,
    )


def test_copies_made_while_money_moves_lose_none_of_it(parent: RunningCluster, home: Path) -> None:
    with money_moving(parent) as load:
        until(lambda: ask(parent, "select count(*) from moves") > 20)
        copies = [clone(parent, home / f"copy-{number}") for number in range(3)]

    for copied in copies:
        with start(copied) as cluster:
            checked = check_all_tables_and_indexes(cluster)

            assert (checked.returncode, checked.stdout) == (0, "")
            assert ask(cluster, "select sum(balance) from accounts") == MONEY
            assert ask(cluster, "select count(*) from accounts") == ACCOUNTS
            assert ask(cluster, "select max(id) >= count(*) from moves")
    assert load.failures == []
    assert ask(parent, "select sum(balance) from accounts") == MONEY
    assert ask(parent, "select count(*) from pg_replication_slots") == 0


def test_a_copy_has_what_was_committed_before_it_began(parent: RunningCluster, home: Path) -> None:
    write(parent, "create table before_copy as select 42 as answer")

    copied = clone(parent, home / "copy")

    with start(copied) as cluster:
        assert ask(cluster, "select answer from before_copy") == 42


def test_parent_and_two_copies_run_beside_each_other_and_go_their_own_ways(parent: RunningCluster, home: Path) -> None:
    write(parent, "drop table if exists ways", "create table ways (way text)")

    with start(clone(parent, home / "left")) as left, start(clone(parent, home / "right")) as right:
        write(left, "insert into ways values ('left')")
        write(right, "insert into ways values ('right')")

        assert len({parent.port, left.port, right.port}) == 3
        assert [ask(each, "select string_agg(way, ',') from ways") for each in (parent, left, right)] == [
            None,
            "left",
            "right",
        ]


def test_a_copy_of_a_copy_that_never_ran_is_whole(parent: RunningCluster, home: Path) -> None:
    first = clone(parent, home / "first")

    second = clone(first, home / "second")

    with start(second) as cluster:
        assert ask(cluster, "select sum(balance) from accounts") == MONEY
    assert left_in(home) == ["first", "second"]


def test_roles_sequences_and_large_objects_come_along_and_unlogged_tables_come_empty(
    parent: RunningCluster, home: Path
) -> None:
    write(
        parent,
        "create role ada login password 'of her own'",
        "create sequence numbers",
        "select setval('numbers', 1000)",
        "select lo_from_bytea(4711, 'a large object')",
        "create unlogged table scratch as select generate_series(1, 1000) as n",
    )

    with start(clone(parent, home / "copy")) as cluster:
        with psycopg.connect(cluster.dsn(user="ada", password="of her own")) as connection:
            who = connection.execute("select current_user").fetchone()

        assert who == ("ada",)
        assert ask(cluster, "select nextval('numbers')") > 1000
        assert ask(cluster, "select lo_get(4711)") == b"a large object"
        assert ask(cluster, "select count(*) from scratch") == 0
    write(parent, "drop table scratch", "drop sequence numbers", "drop role ada")


def test_databases_that_come_and_go_during_the_copy_do_no_harm(parent: RunningCluster, home: Path) -> None:
    write(parent, "create database doomed")
    steps = iter(("drop database doomed", "create database born", "create table grown as select 1", "checkpoint"))

    def disturb(done: int, total: int) -> None:
        for statement in [next(steps, None)]:
            if statement is not None:
                write(parent, statement)

    copied = clone(parent, home / "copy", watch=Watch(progress=disturb))

    with start(copied) as cluster:
        assert ask(cluster, "select string_agg(datname, ',') from pg_database where datname in ('doomed', 'born')") == (
            "born"
        )
        assert ask(cluster, "select count(*) from grown") == 1
    write(parent, "drop database born", "drop table grown")


def test_progress_grows_to_the_whole(parent: RunningCluster, home: Path) -> None:
    seen: list[tuple[int, int]] = []

    clone(parent, home / "copy", watch=Watch(progress=lambda done, total: seen.append((done, total))))

    assert seen[0][0] == 0
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][1] > 20 << 20
    assert seen[-1][0] > seen[-1][1] * 0.95


def test_a_cancelled_copy_leaves_nothing_and_the_parent_goes_on(parent: RunningCluster, home: Path) -> None:
    half_way: list[int] = []

    def note(done: int, total: int) -> None:
        if done > total / 2:
            half_way.append(done)

    with pytest.raises(CopyCancelled):
        clone(parent, home / "copy", watch=Watch(progress=note, cancelled=lambda: bool(half_way)))

    assert list(home.iterdir()) == []
    until(lambda: ask(parent, "select count(*) from pg_replication_slots") == 0)
    assert ask(parent, "select sum(balance) from accounts") == MONEY


def test_a_full_disk_is_named_and_leaves_nothing(
    parent: RunningCluster, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("tailrace.cluster.copy_file._copy_range", full)
    monkeypatch.setattr("tailrace.cluster.copy_tree.reflink", lambda *_: False)

    with pytest.raises(DiskFull, match="is full"):
        clone(parent, home / "copy")

    assert list(home.iterdir()) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from tailrace.cluster import ClusterSpec, Watch, clone

def die(done, total):
    if done > total / 2:
        os.kill(os.getpid(), signal.SIGKILL)

clone(ClusterSpec(data_dir=Path(sys.argv[1]), password="", durable=False), Path(sys.argv[2]), watch=Watch(progress=die))
"""


def test_what_a_killed_copy_left_is_known_as_unfinished_and_goes_with_the_next_try(home: Path) -> None:
    stopped = spec(home / "parent")
    start(stopped).stop()

    killed = subprocess.run([sys.executable, "-c", KILLED, stopped.data_dir, home / "copy"])

    assert killed.returncode == -signal.SIGKILL
    assert left_in(home) == ["copy.partial", "parent"]
    (home / "copy.partial" / "garbage").write_text("of the first try")
    with start(clone(stopped, home / "copy")) as cluster:
        assert ask(cluster, "select 1") == 1
    assert left_in(home) == ["copy", "parent"]
    assert not (home / "copy" / "garbage").exists()


def test_a_stopped_parent_is_copied_with_its_unlogged_tables_and_one_segment_of_log(home: Path) -> None:
    with start(spec(home / "parent")) as cluster:
        write(cluster, "create unlogged table scratch as select 42 as answer")
        for _ in range(3):
            write(cluster, "create table if not exists t (a int)", "insert into t values (1)", "select pg_switch_wal()")

    copied = clone(spec(home / "parent"), home / "copy")

    assert len([path for path in (home / "copy" / "pg_wal").iterdir() if path.is_file()]) == 1
    with start(copied) as cluster:
        assert ask(cluster, "select answer from scratch") == 42


def test_a_parent_that_crashed_is_copied_with_the_log_it_has_to_replay(home: Path) -> None:
    crashed = start(spec(home / "parent"))
    write(crashed, "create table t as select 42 as answer", "select pg_switch_wal()")
    crashed.stop(immediate=True)

    with start(clone(spec(home / "parent"), home / "copy")) as cluster:
        assert ask(cluster, "select answer from t") == 42


def test_a_spec_whose_server_runs_is_refused(parent: RunningCluster, home: Path) -> None:
    with pytest.raises(DataDirInUse):
        clone(parent.spec, home / "copy")

    assert list(home.iterdir()) == []


def test_a_copy_overwrites_nothing(parent: RunningCluster, home: Path) -> None:
    (home / "copy").mkdir()
    (home / "copy" / "thesis.txt").write_text("years of work")

    with pytest.raises(AlreadyThere):
        clone(parent, home / "copy")

    assert (home / "copy" / "thesis.txt").read_text() == "years of work"
    assert left_in(home) == ["copy"]


def test_a_spec_without_data_is_nothing_to_copy(home: Path) -> None:
    with pytest.raises(ClusterBroken, match="nothing to copy"):
        clone(spec(home / "parent"), home / "copy")


def test_tablespaces_elsewhere_are_refused_by_name(parent: RunningCluster, home: Path) -> None:
    elsewhere = home / "elsewhere"
    elsewhere.mkdir()
    choose_owner(parent.spec.data_dir).take(elsewhere)
    write(parent, f"create tablespace far_away location '{elsewhere}'")

    with pytest.raises(NotCopyable, match="the tablespace far_away"):
        clone(parent, home / "copy")

    write(parent, "drop tablespace far_away")


def test_a_link_in_the_data_is_refused_and_not_followed(parent: RunningCluster, home: Path) -> None:
    link = parent.spec.data_dir / "base" / "secrets"
    link.symlink_to("/etc/passwd")
    try:
        with pytest.raises(NotCopyable, match="base/secrets"):
            clone(parent, home / "copy")
    finally:
        link.unlink()


def test_the_copy_belongs_to_who_runs_the_server_and_is_closed_to_others(parent: RunningCluster, home: Path) -> None:
    clone(parent, home / "copy")

    owner = choose_owner(parent.spec.data_dir)
    for path in (home / "copy", *(home / "copy").rglob("*")):
        status = path.lstat()
        assert (status.st_uid, status.st_gid) == (owner.uid, owner.gid), path
        assert not stat.S_IMODE(status.st_mode) & 0o077, path


def test_a_copy_takes_no_trace_of_the_parents_process(parent: RunningCluster, home: Path) -> None:
    clone(parent, home / "copy")

    assert not {"postmaster.pid", "postmaster.opts", "server.log"} & {path.name for path in (home / "copy").iterdir()}


def test_a_durable_copy_is_synced_at_one_go(
    parent: RunningCluster, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []

    def note(path: Path) -> bool:
        synced.append(path)
        return True

    monkeypatch.setattr("tailrace.cluster.copy_tree.sync_file_system", note)
    monkeypatch.setattr(parent, "spec", replace(parent.spec, durable=True))

    clone(parent, home / "copy")

    assert synced == [home / "copy.partial"]


def test_a_durable_copy_is_synced_file_by_file_where_the_system_knows_no_other_way(
    parent: RunningCluster, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    real = os.fsync

    def note(descriptor: int) -> None:
        synced.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    monkeypatch.setattr("tailrace.cluster.copy_tree.sync_file_system", lambda _: False)
    monkeypatch.setattr(parent, "spec", replace(parent.spec, durable=True))

    clone(parent, home / "copy")

    made = set((home / "copy").rglob("*"))
    assert {Path(str(path).replace("copy.partial", "copy")) for path in synced} >= made | {home / "copy", home}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_an_unprivileged_user_copies_their_own_cluster(home: Path) -> None:
    os.chown(home, 65534, 65534)

    child = os.fork()
    if child == 0:
        failed = 1
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            with start(spec(home / "parent")) as parent, start(clone(parent, home / "copy")) as copied:
                failed = ask(copied, "select 0")
        finally:
            os._exit(failed)

    assert os.waitpid(child, 0)[1] == 0
    assert (home / "copy").stat().st_uid == 65534


def test_every_error_is_one_of_the_room(parent: RunningCluster, home: Path) -> None:
    (home / "file").write_text("")

    with pytest.raises(ClusterError):
        clone(parent, home / "file" / "copy")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to hand the server to another user")
def test_a_copy_to_where_its_server_cannot_go_is_linked_to(parent: RunningCluster, home: Path) -> None:
    home.chmod(0o700)

    copied = clone(parent, home / "copy")

    try:
        with start(copied) as cluster:
            assert (home / "copy").is_symlink()
            assert ask(cluster, "select sum(balance) from accounts") == MONEY
    finally:
        shutil.rmtree((home / "copy").resolve())
