"""Locks that end with the process that holds them, even when it is killed."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def lock_path(path: Path) -> Path:
    return path.with_name(path.name + ".lock")


def try_lock(path: Path, *, shared: bool = False) -> IO[str] | None:
    """Lock what `path` names, by a file beside it; None when another process, or part of this one, has it."""
    name = lock_path(path)
    while True:
        file = open(name, "a", encoding="ascii")  # noqa: SIM115 (held by the caller)
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        if _still_named(file, name):
            return file
        file.close()  # its holder removed it while we opened it


def _still_named(file: IO[str], name: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), name.stat())
    except FileNotFoundError:
        return False


@contextmanager
def locked(path: Path, *, otherwise: Exception, shared: bool = False) -> Iterator[None]:
    """Hold the lock of `path`.

    Errors: raises `otherwise` when somebody else holds it.
    """
    file = try_lock(path, shared=shared)
    if file is None:
        raise otherwise
    with file:
        yield
