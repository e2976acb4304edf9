"""What Postgres and the operating system say, turned into the sentence that helps."""

import errno
from pathlib import Path

import pytest

from tailrace.cluster.errors import (
    ClusterBroken,
    ClusterError,
    DataDirInUse,
    DiskFull,
    NotWritable,
    PortInUse,
    diagnose,
    from_os_error,
)

DATA = Path("/data")


@pytest.mark.parametrize(
    ("output", "kind"),
    [
        ('LOG:  could not bind IPv4 address "127.0.0.1": Address already in use', PortInUse),
        ('FATAL:  lock file "postmaster.pid" already exists', DataDirInUse),
        ('PANIC:  could not write to file "pg_wal/xlogtemp.9": No space left on device', DiskFull),
        ('initdb: error: could not create directory "/data/base": Disk quota exceeded', DiskFull),
        ('initdb: error: could not change permissions of directory "/data": Operation not permitted', NotWritable),
        ("FATAL:  something that nobody has seen before", ClusterBroken),
        ("", ClusterBroken),
    ],
)
def test_the_last_words_of_a_server_become_one_error(output: str, kind: type[ClusterError]) -> None:
    error = diagnose(output, data_dir=DATA, port=5432, user="ada")

    assert type(error) is kind
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, DiskFull),
        (errno.EDQUOT, DiskFull),
        (errno.EACCES, NotWritable),
        (errno.EROFS, NotWritable),
        (errno.EIO, ClusterBroken),
    ],
)
def test_what_the_operating_system_refuses_becomes_one_error(number: int, kind: type[ClusterError]) -> None:
    error = from_os_error(OSError(number, "refused"), data_dir=DATA, user="ada")

    assert type(error) is kind


def test_an_unknown_fault_is_told_by_its_gravest_line() -> None:
    output = "LOG:  starting\nFATAL:  configuration file contains errors\nLOG:  database system is shut down\n"

    error = diagnose(output, data_dir=DATA, port=5432, user="ada")

    assert str(error) == "Postgres on /data stopped: FATAL:  configuration file contains errors"
