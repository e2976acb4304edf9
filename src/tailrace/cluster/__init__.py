"""Postgres clusters made from a wheel: data directories and the server processes on them.

The model is a cluster as Postgres means it: one data directory, one server.

    spec = ClusterSpec(data_dir=Path("data/postgres"), password="…")
    with start(spec) as cluster:
        psycopg.connect(cluster.dsn())
"""

from tailrace.cluster.errors import (
    ClusterBroken,
    ClusterError,
    DataDirInUse,
    DiskFull,
    NoInstallation,
    NotWritable,
    PortInUse,
    WrongMajorVersion,
)
from tailrace.cluster.process import RunningCluster, start
from tailrace.cluster.settings import ClusterSpec

__all__ = [
    "ClusterBroken",
    "ClusterError",
    "ClusterSpec",
    "DataDirInUse",
    "DiskFull",
    "NoInstallation",
    "NotWritable",
    "PortInUse",
    "RunningCluster",
    "WrongMajorVersion",
    "start",
]
