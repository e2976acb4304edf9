"""Copying a cluster, running or not, into a data directory of its own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tailrace.cluster.backup_session import BackupEnd, BackupSession, session
from tailrace.cluster.control_file import read_control_file
from tailrace.cluster.copy_tree import TreeCopy
from tailrace.cluster.errors import ClusterBroken, DataDirInUse
from tailrace.cluster.initdb import check_version, is_initialised
from tailrace.cluster.installation import find_installation
from tailrace.cluster.lock import locked
from tailrace.cluster.new_data_dir import new_data_dir
from tailrace.cluster.owner import Owner, choose_owner
from tailrace.cluster.pid_file import is_served
from tailrace.cluster.process import RunningCluster
from tailrace.cluster.settings import ClusterSpec
from tailrace.cluster.wal_position import Segment
from tailrace.cluster.watch import Watch

HISTORY = ".history"
"""The ending of the files that say from which timeline another one branched."""
_LONGEST_CHECKPOINT = 512
"""Bytes, with room to spare, of a checkpoint's record and the page header that it may hold."""


def clone(parent: RunningCluster | ClusterSpec, data_dir: Path, *, watch: Watch | None = None) -> ClusterSpec:
    """Copy all of `parent`, as it is at the end of the copying, to `data_dir`; the spec to start the copy by.

    A running cluster goes on serving; of it, unlogged tables come empty. A spec
    stands for a cluster that is stopped, and stays so meanwhile. Roles and their
    passwords come along, so the spec has the parent's, with a port and a data
    directory of its own and without the parent's archive.
    Blocks; killed, it leaves `data_dir` with the suffix `.partial`, which the next try removes.
    Errors: AlreadyThere, CopyCancelled, DataDirInUse, DiskFull, NotCopyable, and other ClusterErrors.
    """
    spec = spec_of(parent)
    owner = choose_owner(spec.data_dir.resolve())
    with new_data_dir(data_dir, owner, durable=spec.durable) as building:
        copy = TreeCopy(source=spec.data_dir.resolve(), target=building, owner=owner, watch=watch or Watch())
        if isinstance(parent, RunningCluster):
            copy_running(parent, copy)
        else:
            with kept_stopped(parent):
                copy_stopped(parent, copy)
        if spec.durable:
            copy.sync()
    return replace(spec, data_dir=data_dir, port=None, archive=None)


def spec_of(cluster: RunningCluster | ClusterSpec) -> ClusterSpec:
    return cluster.spec if isinstance(cluster, RunningCluster) else cluster


def copy_running(parent: RunningCluster, copy: TreeCopy) -> BackupEnd:
    """Copy what the server is writing to, and the log that makes the copy consistent."""
    with session(parent) as connection:
        backup = BackupSession.begin(connection, parent)
        copy.copy(running=True)
        copy.copy_control_file()
        end = backup.stop()
        needed = segment_names(end.first, end.last.number, size=end.segment_size)
        timelines = [name for name in os.listdir(copy.source / "pg_wal") if name.endswith(HISTORY)]
        if copy.copy_wal([*timelines, *needed])[-len(needed) :] != needed:
            raise ClusterBroken(f"The server on {copy.source} removed its log before it was copied.")
    copy.write(("backup_label",), end.label)
    if end.tablespace_map:
        copy.write(("tablespace_map",), end.tablespace_map)
    return end


@contextmanager
def kept_stopped(spec: ClusterSpec) -> Iterator[None]:
    """Hold the data directory, so that nobody starts a server on it.

    Errors: DataDirInUse when one runs; ClusterBroken when there is no data.
    """
    if not is_initialised(spec.data_dir):
        raise ClusterBroken(f"There is no cluster at {spec.data_dir}: nothing to copy.")
    with locked(spec.data_dir, otherwise=DataDirInUse(spec.data_dir)):
        if is_served(spec.data_dir.resolve()):
            raise DataDirInUse(spec.data_dir)
        yield


def copy_stopped(spec: ClusterSpec, copy: TreeCopy) -> None:
    """Copy what nobody writes to. After a crash, or before its first start, the copy replays the log as it would."""
    copy.copy(running=False)
    copy.copy_wal(_log_to_replay(spec, copy.owner))
    copy.copy_control_file()


def _log_to_replay(spec: ClusterSpec, owner: Owner) -> list[str]:
    installation = find_installation(owner)
    check_version(spec.data_dir, installation)
    data_dir = spec.data_dir.resolve()
    names = sorted(path.name for path in (data_dir / "pg_wal").iterdir() if not path.is_dir())
    control = read_control_file(data_dir, installation, owner)
    if not control.shut_down:
        return names
    # The checkpoint's record may begin in one segment and end in the next.
    last = (control.checkpoint.position + _LONGEST_CHECKPOINT) // control.segment_size
    needed = segment_names(control.redo_segment, last, size=control.segment_size)
    return [name for name in names if name in needed or name.endswith(HISTORY)]


def segment_names(first: Segment, last: int, *, size: int) -> list[str]:
    """The names of the segments from `first` to the one with the number `last`."""
    return [Segment(first.timeline, number).name(size=size) for number in range(first.number, last + 1)]
