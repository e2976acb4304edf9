"""What can go wrong with a cluster, each as one sentence that says what to do.

ClusterError
|-- NoInstallation     the Postgres wheel is not installed
|-- PortInUse          another program listens there
|-- WrongMajorVersion  the data was made by another Postgres
|-- DataDirInUse       another server runs on this data
|-- DiskFull           no space, or over quota
|-- NotWritable        the folder belongs to someone else
|-- AlreadyThere       a copy would overwrite something
|-- NotCopyable        the data has a part outside its folder
|-- CopyCancelled      the caller asked for that
|-- NoArchive          the cluster keeps no history
|-- ArchiveInUse       another process works on the history
|-- OutsideWindow      the history does not reach that moment
`-- ClusterBroken      anything else, with Postgres's own last words
"""

import errno
from datetime import datetime
from pathlib import Path

from tailrace.cluster.wal_position import Lsn


class ClusterError(Exception):
    """A fault that the person at the terminal can mend; its text is one sentence."""


class NoInstallation(ClusterError):
    def __init__(self) -> None:
        super().__init__("No embedded Postgres is installed: install Tailrace's extra platform.")


class PortInUse(ClusterError):
    def __init__(self, port: int) -> None:
        super().__init__(f"Port {port} is already in use by another program: stop that one or choose another port.")
        self.port = port


class WrongMajorVersion(ClusterError):
    def __init__(self, data_dir: Path, *, found: str, ours: str) -> None:
        super().__init__(
            f"The data in {data_dir} was made by Postgres {found} and this is Postgres {ours}:"
            f" choose another data folder, or move the data over with pg_dump from Postgres {found}."
        )


class DataDirInUse(ClusterError):
    def __init__(self, data_dir: Path) -> None:
        super().__init__(f"Another Postgres is already running on {data_dir}: stop it or choose another data folder.")


class DiskFull(ClusterError):
    def __init__(self, data_dir: Path) -> None:
        super().__init__(f"The disk that holds {data_dir} is full: free some space and start again.")


class NotWritable(ClusterError):
    def __init__(self, data_dir: Path, *, user: str) -> None:
        super().__init__(
            f"The user {user} may not write to {data_dir}: choose another data folder or change its owner."
        )


class AlreadyThere(ClusterError):
    def __init__(self, data_dir: Path) -> None:
        super().__init__(f"There is already something at {data_dir}: choose another data folder for the copy.")


class NotCopyable(ClusterError):
    def __init__(self, data_dir: Path, *, part: str) -> None:
        super().__init__(
            f"The data in {data_dir} cannot be copied, because {part} leads out of it:"
            f" move the tables of a tablespace back with ALTER TABLE and drop it, or remove the link."
        )
        self.part = part


class CopyCancelled(ClusterError):
    def __init__(self, data_dir: Path) -> None:
        super().__init__(f"The copy to {data_dir} was cancelled; nothing is left of it.")


class NoArchive(ClusterError):
    def __init__(self, data_dir: Path) -> None:
        super().__init__(
            f"The history of {data_dir} has no base backup to begin from: give its spec a WAL archive and take one."
        )


class ArchiveInUse(ClusterError):
    def __init__(self, folder: Path) -> None:
        super().__init__(f"The WAL archive {folder} is in use by another backup, recovery or pruning: try again later.")


class OutsideWindow(ClusterError):
    """`earliest` and `latest` are of the kind that was asked for: moments or positions; None when unknown."""

    def __init__(
        self, asked: datetime | Lsn, *, earliest: datetime | Lsn | None, latest: datetime | Lsn | None
    ) -> None:
        super().__init__(
            f"The history does not reach {asked}: choose something from {earliest or 'the first base backup'}"
            f" to {latest or 'now'}."
        )
        self.asked = asked
        self.earliest = earliest
        self.latest = latest


class ClusterBroken(ClusterError):
    pass


_BIND_FAILED = "could not bind"
_OTHER_SERVER = ('lock file "postmaster.pid" already exists', "pre-existing shared memory block")
_FULL = ("No space left on device", "Disk quota exceeded")
_REFUSED = ("Permission denied", "Operation not permitted", "Read-only file system", "has wrong ownership")


def diagnose(output: str, *, data_dir: Path, port: int, user: str) -> ClusterError:
    """Turn what initdb or postgres printed before it gave up into the error that it means."""
    if any(sign in output for sign in _FULL):
        return DiskFull(data_dir)
    if _BIND_FAILED in output or "Address already in use" in output:
        return PortInUse(port)
    if any(sign in output for sign in _OTHER_SERVER):
        return DataDirInUse(data_dir)
    if any(sign in output for sign in _REFUSED):
        return NotWritable(data_dir, user=user)
    return ClusterBroken(f"Postgres on {data_dir} stopped: {last_words(output)}")


def from_os_error(error: OSError, *, data_dir: Path, user: str) -> ClusterError:
    """The same for what the operating system refused us."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(data_dir)
    if error.errno == errno.ENOTEMPTY:
        return ClusterBroken(f"The folder {data_dir} holds files that are not Postgres's: choose another data folder.")
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        return ClusterBroken(f"A file stands where the folder {data_dir} should be: choose another data folder.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return NotWritable(data_dir, user=user)
    return ClusterBroken(f"Cannot use {data_dir}: {error.strerror or error}.")


def last_words(output: str) -> str:
    """The last line that says why: FATAL and PANIC before others."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    grave = [line for line in lines if any(sign in line for sign in ("FATAL:", "PANIC:", "error:"))]
    return (grave or lines or ["it said nothing."])[-1]
