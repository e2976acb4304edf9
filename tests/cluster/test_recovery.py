"""With an archive, a cluster can be had as it was at a past moment; outside its history, the error says what can."""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tailrace.cluster import (
    ArchiveInUse,
    CopyCancelled,
    Lsn,
    NoArchive,
    OutsideWindow,
    RunningCluster,
    WalArchive,
    Watch,
    bases,
    clone,
    prune,
    recover,
    start,
    take_base,
)
from tailrace.cluster.lock import locked
from tests.cluster.copies import MONEY, ask, money_moving, open_accounts, spec, until, write

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Past:
    """A cluster to which 'first' was written before the moment, and 'second' after it."""

    cluster: RunningCluster
    archive: WalArchive
    moment: datetime
    position: Lsn


def here(cluster: RunningCluster) -> Lsn:
    return Lsn.parse(ask(cluster, "select pg_current_wal_insert_lsn()::text"))


def now(cluster: RunningCluster) -> datetime:
    moment = ask(cluster, "select clock_timestamp()")
    assert isinstance(moment, datetime)
    return moment


def words(cluster: RunningCluster) -> list[str]:
    found: list[str] = ask(cluster, "select array_agg(word order by word) from words")
    return found


@pytest.fixture(scope="module")
def past() -> Iterator[Past]:
    folder = Path(tempfile.mkdtemp(prefix="tailrace-cluster-"))
    folder.chmod(0o755)
    archive = WalArchive(folder=folder / "it's 100% archive", window=DAY)
    try:
        with start(spec(folder / "parent", archive=archive)) as cluster:
            open_accounts(cluster)
            take_base(cluster)
            write(cluster, "create table words (word text)", "insert into words values ('first')")
            moment, position = now(cluster), here(cluster)
            write(cluster, "insert into words values ('second')")
            yield Past(cluster, archive, moment, position)
    finally:
        shutil.rmtree(folder)


def test_a_moment_between_two_commits_is_restored(past: Past, home: Path) -> None:
    restored = recover(past.cluster, home / "restored", to=past.moment)

    with start(restored) as cluster:
        assert words(cluster) == ["first"]
        write(cluster, "insert into words values ('another way')")
    assert words(past.cluster) == ["first", "second"]


def test_a_position_of_the_log_is_restored_exactly(past: Past, home: Path) -> None:
    with start(recover(past.cluster, home / "restored", to=past.position)) as cluster:
        assert words(cluster) == ["first"]


def test_the_present_is_restored_though_nothing_was_written_since(past: Past, home: Path) -> None:
    with start(recover(past.cluster, home / "restored", to=now(past.cluster))) as cluster:
        assert words(cluster) == ["first", "second"]


def test_a_restored_cluster_has_a_timeline_of_its_own_and_can_be_copied(past: Past, home: Path) -> None:
    with start(recover(past.cluster, home / "restored", to=past.moment)) as cluster:
        assert ask(cluster, "select pg_walfile_name(pg_current_wal_lsn())")[:8] == "00000002"
        assert not ask(cluster, "select pg_is_in_recovery()")
        copied = clone(cluster, home / "copy")

    with start(copied) as cluster:
        assert words(cluster) == ["first"]


def test_a_restored_cluster_keeps_a_history_of_its_own(past: Past, home: Path) -> None:
    restored = recover(past.cluster, home / "restored", to=past.moment)
    own = spec(restored.data_dir, archive=WalArchive(folder=home / "own", window=DAY))
    with start(own) as cluster:
        take_base(cluster)
        moment = now(cluster)
        write(cluster, "insert into words values ('third')")

        with start(recover(cluster, home / "again", to=moment)) as again:
            assert words(again) == ["first"]


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(hours=-1)])
def test_a_time_outside_the_history_is_refused_with_the_times_that_can_be_had(
    past: Past, home: Path, ahead: timedelta
) -> None:
    with pytest.raises(OutsideWindow, match="choose something from") as refused:
        recover(past.cluster, home / "restored", to=past.moment + ahead)

    assert refused.value.earliest == bases(past.archive)[0].finished_at
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("position", [Lsn(1 << 50), Lsn(1)])
def test_a_position_outside_the_history_is_refused_with_the_positions_that_can_be_had(
    past: Past, home: Path, position: Lsn
) -> None:
    with pytest.raises(OutsideWindow) as refused:
        recover(past.cluster, home / "restored", to=position)

    assert refused.value.earliest == bases(past.archive)[0].stop
    assert list(home.iterdir()) == []


def test_a_cancelled_recovery_leaves_nothing(past: Past, home: Path) -> None:
    with pytest.raises(CopyCancelled):
        recover(past.cluster, home / "restored", to=past.moment, watch=Watch(cancelled=lambda: True))

    assert list(home.iterdir()) == []


def test_a_time_without_a_zone_is_a_mistake(past: Past, home: Path) -> None:
    with pytest.raises(ValueError, match="time zone"):
        recover(past.cluster, home / "restored", to=past.moment.replace(tzinfo=None))


def test_money_that_moves_is_all_there_at_any_moment(past: Past, home: Path) -> None:
    with money_moving(past.cluster) as load:
        until(lambda: ask(past.cluster, "select count(*) from moves") > 50)
        moment = now(past.cluster)
        write(past.cluster, "select pg_switch_wal()")
        moves = ask(past.cluster, "select max(id) from moves")
        until(lambda: ask(past.cluster, "select count(*) from moves") > moves + 50)

    with start(recover(past.cluster, home / "restored", to=moment)) as cluster:
        assert ask(cluster, "select sum(balance) from accounts") == MONEY
        assert 50 < ask(cluster, "select count(*) from moves") <= moves
    assert load.failures == []


def test_a_stopped_cluster_and_a_lost_one_are_restored_from_what_is_left(home: Path) -> None:
    archived = spec(home / "parent", archive=WalArchive(folder=home / "archive", window=DAY))
    with start(archived) as cluster:
        write(cluster, "create table words (word text)")
        take_base(cluster)
        write(cluster, "insert into words values ('first')")
        moment = now(cluster)
        write(cluster, "insert into words values ('second')")
    after = datetime.now(UTC)

    with start(recover(archived, home / "stopped-past", to=moment)) as cluster:
        assert words(cluster) == ["first"]
    with start(recover(archived, home / "stopped-present", to=after)) as cluster:
        assert words(cluster) == ["first", "second"]
    with pytest.raises(OutsideWindow) as refused:
        recover(archived, home / "stopped-future", to=Lsn(1 << 50))
    assert isinstance(refused.value.latest, Lsn)

    shutil.rmtree(home / "parent")
    with start(recover(archived, home / "lost-past", to=moment)) as cluster:
        assert words(cluster) == ["first"]
    with pytest.raises(OutsideWindow) as refused:
        recover(archived, home / "lost-future", to=after)
    assert isinstance(refused.value.latest, datetime)
    assert moment < refused.value.latest < after


def test_without_a_base_backup_there_is_no_history(home: Path) -> None:
    archived = spec(home / "parent", archive=WalArchive(folder=home / "archive", window=DAY))

    with start(archived) as cluster, pytest.raises(NoArchive):
        recover(cluster, home / "restored", to=now(cluster))


def test_without_an_archive_there_is_no_base_backup(parent: RunningCluster) -> None:
    with pytest.raises(NoArchive):
        take_base(parent)


def test_pruning_keeps_what_the_oldest_moment_of_the_window_needs(home: Path) -> None:
    archive = WalArchive(folder=home / "archive", window=DAY)
    with start(spec(home / "parent", archive=archive)) as cluster:
        write(cluster, "create table words (word text)")
        ends = []
        for word in ("first", "second", "third"):
            ends.append(take_base(cluster))
            write(cluster, f"insert into words values ('{word}')", "select pg_switch_wal()")
        until(lambda: len([path for path in archive.wal.iterdir() if len(path.name) == 24]) >= 6)
        moment = now(cluster)
        (archive.base / "killed.partial").mkdir()

        early = prune(archive, now=ends[0].finished_at + DAY)
        later = prune(archive, now=ends[1].finished_at + DAY)

        assert (early.bases, later.bases) == (0, 1)
        assert bases(archive) == tuple(ends[1:])
        assert later.segments > 0
        assert min(path.name for path in archive.wal.iterdir())[:24] == ends[1].first.name(size=ends[1].segment_size)
        with pytest.raises(OutsideWindow):
            recover(cluster, home / "too-old", to=ends[0].finished_at)
        with start(recover(cluster, home / "restored", to=ends[1].finished_at)) as restored:
            assert words(restored) == ["first"]
        assert now(cluster) > moment
        assert prune(archive, now=moment + 30 * DAY).bases == 1
        assert len(bases(archive)) == 1


def test_nothing_is_pruned_from_under_a_recovery(past: Past) -> None:
    with (
        locked(past.archive.history, shared=True, otherwise=ArchiveInUse(past.archive.folder)),
        pytest.raises(ArchiveInUse, match="try again later"),
    ):
        prune(past.archive, now=past.moment + DAY)
