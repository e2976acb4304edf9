"""A cluster as it was at a past moment: a base backup, and the log replayed up to there.

Source: PostgreSQL docs, "Recovering Using a Continuous Archive Backup" and "Recovery Target".
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from psycopg import sql

from tailrace.cluster.backup_session import answer, session
from tailrace.cluster.clone import kept_stopped, spec_of
from tailrace.cluster.copy_tree import TreeCopy
from tailrace.cluster.errors import ArchiveInUse, NoArchive, OutsideWindow
from tailrace.cluster.initdb import is_initialised
from tailrace.cluster.installation import find_installation
from tailrace.cluster.lock import locked
from tailrace.cluster.new_data_dir import new_data_dir
from tailrace.cluster.owner import choose_owner
from tailrace.cluster.process import RunningCluster
from tailrace.cluster.replay import SIGNAL, Replay
from tailrace.cluster.settings import ClusterSpec, WalArchive
from tailrace.cluster.wal_archive import BaseBackup, bases
from tailrace.cluster.wal_position import Lsn, is_segment
from tailrace.cluster.watch import Watch

Moment = datetime | Lsn


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What a parent has of its log that may not be archived: segments of `data_dir`, up to `last` if that is known."""

    data_dir: Path
    last: str | None


def recover(
    parent: RunningCluster | ClusterSpec, data_dir: Path, *, to: Moment, watch: Watch | None = None
) -> ClusterSpec:
    """Make a cluster at `data_dir` as `parent` was at a past moment; the spec to start it by.

    `to` is a time with its zone, and the commits up to it are kept; or a position in
    the log, and what was written before it is kept. A spec stands for a cluster that
    is stopped, or lost: then its archive alone is used. The new cluster has a timeline
    of its own and is shut down cleanly.
    Blocks while the log is replayed; the watch's bytes are those of the base backup.
    Errors: OutsideWindow, NoArchive, ArchiveInUse, and those of `clone`.
    """
    if isinstance(to, datetime) and to.tzinfo is None:
        raise ValueError("The moment to restore needs a time zone.")
    spec, watch = spec_of(parent), watch or Watch()
    if spec.archive is None:
        raise NoArchive(spec.data_dir)
    owner = choose_owner(spec.data_dir.resolve() if is_initialised(spec.data_dir) else spec.archive.wal)
    with (
        locked(spec.archive.history, shared=True, otherwise=ArchiveInUse(spec.archive.folder)),
        new_data_dir(data_dir, owner, durable=spec.durable) as building,
    ):
        base, earliest = _choose_base(spec, to)
        copy = TreeCopy(source=base.data.resolve(), target=building, owner=owner, watch=watch)
        with _unarchived(parent, to, earliest) as log:
            _copy_base(copy)
            if log is not None:
                _copy_log(copy, log, base=base, archive=spec.archive)
        # Before it replays anything, Postgres makes all of this durable itself.
        owner.take(building)
        replay = Replay(
            spec=replace(spec, data_dir=building, archive=None),
            owner=owner,
            installation=find_installation(owner),
            wal=spec.archive.wal,
            watch=watch,
        )
        _replay(replay, to, earliest=earliest, complete=log is not None)
    return replace(spec, data_dir=data_dir, port=None, archive=None)


def _choose_base(spec: ClusterSpec, to: Moment) -> tuple[BaseBackup, Moment]:
    """The newest base backup that was finished by then, and the end of the oldest."""
    found = bases(spec.archive) if spec.archive is not None else ()
    if not found:
        raise NoArchive(spec.data_dir)
    ends = [(base.stop, base) if isinstance(to, Lsn) else (base.finished_at, base) for base in found]
    earliest: Moment = ends[0][0]
    early_enough = [base for end, base in ends if _is_by(end, to)]
    if not early_enough:
        raise OutsideWindow(to, earliest=earliest, latest=None)
    return early_enough[-1], earliest


def _is_by(moment: Moment, limit: Moment) -> bool:
    match moment, limit:
        case (datetime(), datetime()) | (Lsn(), Lsn()):
            return moment <= limit  # type: ignore[operator]  # both are of one kind
    raise TypeError("A time and a position cannot be compared.")


@contextmanager
def _unarchived(parent: RunningCluster | ClusterSpec, to: Moment, earliest: Moment) -> Iterator[Log | None]:
    """The parent's own log, which ends after `to`; None when the parent is lost. A stopped one is held meanwhile.

    Errors: OutsideWindow when `to` is still to come.
    """
    if isinstance(parent, RunningCluster):
        yield Log(data_dir=parent.spec.data_dir, last=_mark(parent, to, earliest))
    elif is_initialised(parent.data_dir):
        with kept_stopped(parent):
            _refuse_future(to, datetime.now(tz=to.tzinfo) if isinstance(to, datetime) else to, earliest)
            yield Log(data_dir=parent.data_dir.resolve(), last=None)
    else:
        yield None


def _mark(parent: RunningCluster, to: Moment, earliest: Moment) -> str:
    """Write something into the log, so that the replay meets it after `to` and knows that it is there."""
    with session(parent) as connection:
        now, position = answer(connection, sql.SQL("select clock_timestamp(), pg_current_wal_insert_lsn()::text"))
        _refuse_future(to, now if isinstance(to, datetime) else Lsn.parse(position), earliest)
        connection.execute("select pg_logical_emit_message(true, 'tailrace', 'restored')")
        (last,) = answer(connection, sql.SQL("select pg_walfile_name(pg_current_wal_lsn())"))
        return str(last)


def _refuse_future(to: Moment, latest: Moment, earliest: Moment) -> None:
    if not _is_by(to, latest):
        raise OutsideWindow(to, earliest=earliest, latest=latest)


def _copy_base(copy: TreeCopy) -> None:
    copy.copy(running=False)
    copy.copy_wal(sorted(os.listdir(copy.source / "pg_wal")))
    copy.copy_control_file()
    copy.write((SIGNAL,), b"")


def _copy_log(copy: TreeCopy, log: Log, *, base: BaseBackup, archive: WalArchive) -> None:
    """Bring the segments that the archive has not got. Postgres removes none of them before it has."""
    there = {*os.listdir(copy.target / "pg_wal"), *os.listdir(archive.wal)}
    first = base.first.name(size=base.segment_size)
    names = [
        name
        for name in sorted(os.listdir(log.data_dir / "pg_wal"))
        if name not in there and is_segment(name) and first <= name <= (log.last or "F" * 24)
    ]
    source, copy.source = copy.source, log.data_dir
    copy.copy_wal(names)
    copy.source = source


def _replay(replay: Replay, to: Moment, *, earliest: Moment, complete: bool) -> None:
    """Errors: OutsideWindow when the log ends before `to`."""
    if replay.run(to):
        return
    # The log ended first. That is as good when nothing was written between its end and `to`.
    replay.run(None)
    if isinstance(to, Lsn):
        end = replay.end_of_log()
        if to > end:
            raise OutsideWindow(to, earliest=earliest, latest=end)
    elif not complete:
        raise OutsideWindow(to, earliest=earliest, latest=replay.last_commit())
