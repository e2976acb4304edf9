"""What can go wrong with a cluster, each as one sentence that says what to do.

ClusterError
|-- NoInstallation     the Postgres wheel is not installed
|-- PortInUse          another program listens there
|-- WrongMajorVersion  the data was made by another Postgres
|-- DataDirInUse       another server runs on this data
|-- DiskFull           no space, or over quota
|-- NotWritable        the folder belongs to someone else
`-- ClusterBroken      anything else, with Postgres's own last words
"""

import errno
from pathlib import Path


class ClusterError(Exception):
    """A fault that the person at the terminal can mend; its text is one sentence."""


class NoInstallation(ClusterError):
    def __init__(self) -> None:
        super().__init__("No embedded Postgres is installed: run pip install 'tailrace[platform]'.")


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
