"""Postgres clusters made from a wheel: data directories and the server processes on them.

The model is a cluster as Postgres means it: one data directory, one server.

    spec = ClusterSpec(data_dir=Path("data/postgres"), password="…")
    with start(spec) as cluster:
        psycopg.connect(cluster.dsn())

A cluster is copied while it runs (`clone`), and with a WalArchive in its spec it can be
had as it was at a past moment: `take_base` now and then, `recover` when needed, `prune`.
"""

from tailrace.cluster.clone import clone
from tailrace.cluster.errors import (
    AlreadyThere,
    ArchiveInUse,
    ClusterBroken,
    ClusterError,
    CopyCancelled,
    DataDirInUse,
    DiskFull,
    NoArchive,
    NoInstallation,
    NotCopyable,
    NotWritable,
    OutsideWindow,
    PortInUse,
    WrongMajorVersion,
)
from tailrace.cluster.process import RunningCluster, start
from tailrace.cluster.recovery import recover
from tailrace.cluster.settings import ClusterSpec, WalArchive
from tailrace.cluster.wal_archive import BaseBackup, Pruned, bases, prune, take_base
from tailrace.cluster.wal_position import Lsn
from tailrace.cluster.watch import Watch

__all__ = [
    "AlreadyThere",
    "ArchiveInUse",
    "BaseBackup",
    "ClusterBroken",
    "ClusterError",
    "ClusterSpec",
    "CopyCancelled",
    "DataDirInUse",
    "DiskFull",
    "Lsn",
    "NoArchive",
    "NoInstallation",
    "NotCopyable",
    "NotWritable",
    "OutsideWindow",
    "PortInUse",
    "Pruned",
    "RunningCluster",
    "WalArchive",
    "Watch",
    "WrongMajorVersion",
    "bases",
    "clone",
    "prune",
    "recover",
    "start",
    "take_base",
]
