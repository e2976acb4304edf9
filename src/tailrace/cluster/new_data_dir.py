"""Building a data directory under another name, so that an unfinished one is never taken for a whole one."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from tailrace.cluster.copy_tree import sync_path
from tailrace.cluster.errors import AlreadyThere, ClusterError, DataDirInUse, from_os_error
from tailrace.cluster.lock import lock_path, locked
from tailrace.cluster.owner import SYSTEM_DIR, Owner

UNFINISHED = ".partial"


def unfinished(path: Path) -> Path:
    """Where `path` is built."""
    return path.with_name(path.name + UNFINISHED)


@contextmanager
def new_data_dir(data_dir: Path, owner: Owner, *, durable: bool) -> Iterator[Path]:
    """A folder to fill, which becomes `data_dir` at the end, or is gone if that failed.

    It is closed to all but ourselves until then. What a killed process left is
    removed first. Where `owner` cannot reach `data_dir`, the data goes to
    SYSTEM_DIR and a symbolic link takes its place, as with a data directory of initdb.
    Errors: AlreadyThere, DataDirInUse, and those that `from_os_error` makes.
    """
    try:
        data_dir.parent.mkdir(parents=True, exist_ok=True)
        with locked(data_dir, otherwise=DataDirInUse(data_dir)):
            try:
                with _built(data_dir, owner, durable=durable) as building:
                    yield building
            except BaseException:
                lock_path(data_dir).unlink(missing_ok=True)
                raise
    except ClusterError:
        raise
    except OSError as error:
        raise from_os_error(error, data_dir=data_dir, user=owner.name) from error


@contextmanager
def _built(data_dir: Path, owner: Owner, *, durable: bool) -> Iterator[Path]:
    reachable = owner.can_enter(data_dir.parent.resolve())
    final, building = _places(data_dir, reachable=reachable)
    discard(building)
    if data_dir.exists() and not _is_empty(data_dir):
        raise AlreadyThere(data_dir)
    try:
        building.mkdir(mode=0o700, parents=True)
        yield building
        owner.take(building)
        if durable:
            sync_path(building)
        _make_way(data_dir)
        if not reachable:
            # The link first: should we be killed here, it leads nowhere and does no harm.
            data_dir.symlink_to(final, target_is_directory=True)
        building.rename(final)
        if durable:
            for folder in (final.parent, data_dir.parent):
                sync_path(folder.resolve())
    except BaseException:
        discard(building)
        raise


def discard(building: Path) -> None:
    if building.exists():
        shutil.rmtree(building)


def _places(data_dir: Path, *, reachable: bool) -> tuple[Path, Path]:
    if reachable:
        return data_dir, unfinished(data_dir)
    SYSTEM_DIR.mkdir(parents=True, exist_ok=True, mode=0o755)
    known_by = sha256(os.fsencode(data_dir.absolute())).hexdigest()[:12]
    return SYSTEM_DIR / f"data-{secrets.token_hex(6)}", unfinished(SYSTEM_DIR / f"data-{known_by}")


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())


def _make_way(data_dir: Path) -> None:
    """Remove an empty folder that somebody made for us, or a link to data that is gone."""
    if data_dir.is_symlink() and not data_dir.exists():
        data_dir.unlink()
    elif data_dir.is_dir():
        data_dir.rmdir()
