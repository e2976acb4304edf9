"""The history of a cluster: base backups, the log between them, and what may be forgotten."""

import json
import shutil
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from tailrace.cluster.backup_session import BackupEnd
from tailrace.cluster.clone import copy_running
from tailrace.cluster.copy_tree import TreeCopy, sync_path
from tailrace.cluster.errors import (
    AlreadyThere,
    ArchiveInUse,
    ClusterError,
    NoArchive,
    from_os_error,
)
from tailrace.cluster.lock import locked
from tailrace.cluster.new_data_dir import UNFINISHED, discard, unfinished
from tailrace.cluster.owner import choose_owner
from tailrace.cluster.process import RunningCluster
from tailrace.cluster.settings import WalArchive
from tailrace.cluster.wal_position import Lsn, Segment, is_segment
from tailrace.cluster.watch import Watch

_FACTS = "backup.json"
_ABANDONED_AFTER = 3600.0
"""Seconds after which a segment that is not whole is one whose server was killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseBackup:
    """A copy of the cluster from which every moment after `finished_at` can be reached."""

    folder: Path
    finished_at: datetime
    stop: Lsn
    first: Segment
    segment_size: int

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @classmethod
    def read(cls, folder: Path) -> Self:
        facts = json.loads((folder / _FACTS).read_text(encoding="ascii"))
        size = int(facts["segment_size"])
        return cls(
            folder=folder,
            finished_at=datetime.fromisoformat(facts["finished_at"]),
            stop=Lsn.parse(facts["stop"]),
            first=Segment.parse(facts["first"], size=size),
            segment_size=size,
        )


@dataclass(frozen=True, slots=True)
class Pruned:
    """How much was forgotten."""

    bases: int
    segments: int


def bases(archive: WalArchive) -> tuple[BaseBackup, ...]:
    """The finished base backups, oldest first: the first one's end is the earliest moment that can be restored."""
    if not archive.base.exists():
        return ()
    folders = [path for path in archive.base.iterdir() if (path / _FACTS).exists() and path.suffix != UNFINISHED]
    return tuple(sorted((BaseBackup.read(folder) for folder in folders), key=lambda base: base.stop))


def take_base(parent: RunningCluster, *, watch: Watch | None = None) -> BaseBackup:
    """Copy a running cluster into its archive.

    Each one shortens the replay of what comes after it, and costs a copy's space
    where blocks cannot be shared. Killed, it leaves a folder with the suffix
    `.partial`, which the next one removes.
    Errors: NoArchive, ArchiveInUse, and those of `clone`.
    """
    archive = parent.spec.archive
    if archive is None:
        raise NoArchive(parent.spec.data_dir)
    owner = choose_owner(parent.spec.data_dir)
    with ExitStack() as undo:
        try:
            undo.enter_context(locked(archive.base, otherwise=ArchiveInUse(archive.folder)))
            for left in archive.base.glob(f"*{UNFINISHED}"):
                discard(left)
            building = unfinished(archive.base / "new")
            undo.callback(discard, building)
            (building / "data").mkdir(parents=True, mode=0o700)
            copy = TreeCopy(source=parent.spec.data_dir, target=building / "data", owner=owner, watch=watch or Watch())
            end = copy_running(parent, copy)
            _write_facts(building / _FACTS, end)
            if parent.spec.durable:
                copy.sync()
                for path in (building / _FACTS, building):
                    sync_path(path)
            final = archive.base / f"{end.last.timeline:08X}-{end.start.position:016X}"
            if final.exists():
                raise AlreadyThere(final)
            building.rename(final)
            if parent.spec.durable:
                sync_path(archive.base)
        except ClusterError:
            raise
        except OSError as error:
            raise from_os_error(error, data_dir=archive.folder, user=owner.name) from error
    return BaseBackup.read(final)


def _write_facts(path: Path, end: BackupEnd) -> None:
    facts = {
        "finished_at": end.finished_at.isoformat(),
        "stop": str(end.stop),
        "first": end.first.name(size=end.segment_size),
        "segment_size": end.segment_size,
    }
    path.write_text(json.dumps(facts, indent=1), encoding="ascii")


def prune(archive: WalArchive, *, now: datetime) -> Pruned:
    """Forget what no moment of the window that ends `now` needs.

    The newest base backup from before the window stays, with all of the log since:
    the window's first moments are reached from there.
    Errors: ArchiveInUse while something is restored from it.
    """
    with locked(archive.history, otherwise=ArchiveInUse(archive.folder)):
        kept = list(bases(archive))
        forgotten: list[BaseBackup] = []
        while len(kept) > 1 and kept[1].finished_at <= now - archive.window:
            forgotten.append(kept.pop(0))
        for base in forgotten:
            # First the name that says so, then the files: no half of one is ever taken for a whole.
            base.folder.rename(unfinished(base.folder))
            shutil.rmtree(unfinished(base.folder))
        return Pruned(len(forgotten), _prune_wal(archive, kept[0].first if kept else None, kept))


def _prune_wal(archive: WalArchive, oldest: Segment | None, kept: list[BaseBackup]) -> int:
    removed = 0
    for path in archive.wal.iterdir():
        if path.name.startswith("archtemp."):
            if path.stat().st_mtime < time.time() - _ABANDONED_AFTER:
                path.unlink(missing_ok=True)
        elif oldest is not None and is_segment(path.name[:24]):
            # A backup's history file is named after its first segment.
            segment = Segment.parse(path.name[:24], size=kept[0].segment_size)
            if segment.timeline <= oldest.timeline and segment.number < oldest.number:
                path.unlink(missing_ok=True)
                removed += is_segment(path.name)
    return removed
