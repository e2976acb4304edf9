"""Copying a data directory, file by file, while its server may be changing it.

Everything is opened relative to its folder and no link is followed: the copying
may be root's, and the data belongs to somebody who could place links in it.
"""

import ctypes
import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tailrace.cluster.backup_files import CONTROL_FILE, is_emptied, wanted
from tailrace.cluster.copy_file import copy_bytes, reflink
from tailrace.cluster.errors import ClusterBroken, CopyCancelled, NotCopyable
from tailrace.cluster.owner import Owner
from tailrace.cluster.watch import Watch

_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC
_NEW_FILE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_SYNCING_THREADS = 8
_CONTROL_FILE_ATTEMPTS = 100


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of the survey: its place below the data directory, its mode, its files and their sizes."""

    place: tuple[str, ...]
    mode: int
    files: tuple[tuple[str, int], ...]


@dataclass(slots=True, kw_only=True)
class TreeCopy:
    """One copy from `source` to `target`, a folder that is there, empty, and closed to others."""

    source: Path
    target: Path
    owner: Owner
    watch: Watch
    reflinks: bool = True
    done: int = 0
    total: int = 0
    made: list[Path] = field(default_factory=list)

    def copy(self, *, running: bool) -> None:
        """Copy all that a backup takes, but `pg_control` and the log.

        Errors: NotCopyable, CopyCancelled, OSError.
        """
        with _opened_folder(self.source, ()) as root:
            mode = stat.S_IMODE(os.fstat(root).st_mode)
        folders = [Folder((), mode, ()), *self._survey((), running=running)]
        self.total += sum(size for folder in folders for _, size in folder.files)
        self.watch.progress(self.done, self.total)
        for folder in folders:
            self._copy_folder(folder)

    def copy_control_file(self) -> None:
        """To be copied last of all: it says how far the log must be replayed for the rest to be consistent."""
        *place, name = CONTROL_FILE
        with _opened_folder(self.source, tuple(place)) as folder:
            source = os.open(name, _FILE_FLAGS, dir_fd=folder)
        with os.fdopen(source, "rb", buffering=0) as file:
            status = os.fstat(file.fileno())
            content = _read_twice_the_same(file.fileno(), status.st_size)
        self.write(CONTROL_FILE, content, mode=stat.S_IMODE(status.st_mode))

    def copy_wal(self, names: list[str]) -> list[str]:
        """Copy segments of the log; the names of those that were there."""
        with _opened_folder(self.source, ("pg_wal",)) as folder:
            files = tuple(_regular_files(folder, names))
            self.total += sum(size for _, size in files)
            return [name for name, _ in files if self._copy_file(folder, ("pg_wal", name))]

    def write(self, place: tuple[str, ...], content: bytes, *, mode: int = 0o600) -> None:
        path = self.target.joinpath(*place)
        with os.fdopen(os.open(path, _NEW_FILE_FLAGS, 0o600), "wb") as file:
            file.write(content)
            self._hand_over(file.fileno(), mode)
        self.made.append(path)

    def sync(self) -> None:
        """Make all of it durable: at one go where the system can, else files first, then the folders that name them."""
        if sync_file_system(self.target):
            return
        with ThreadPoolExecutor(_SYNCING_THREADS, thread_name_prefix="sync-copy") as threads:
            for _ in threads.map(sync_path, self.made):
                self._go_on_unless_cancelled()
        sync_path(self.target)

    def _survey(self, place: tuple[str, ...], *, running: bool) -> Iterator[Folder]:
        files: list[tuple[str, int]] = []
        below: list[tuple[str, int]] = []
        self._go_on_unless_cancelled()
        with _opened_folder(self.source, place) as folder:
            for name in wanted(place, os.listdir(folder), running=running):
                try:
                    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
                except FileNotFoundError:
                    continue
                if stat.S_ISLNK(status.st_mode):
                    raise NotCopyable(self.source, part="/".join((*place, name)))
                if stat.S_ISDIR(status.st_mode):
                    below.append((name, stat.S_IMODE(status.st_mode)))
                elif stat.S_ISREG(status.st_mode) and (*place, name) != CONTROL_FILE:
                    files.append((name, status.st_size))
        yield Folder(place, 0, tuple(files))
        for name, mode in below:
            inner = (*place, name)
            yield Folder(inner, mode, ())
            if not is_emptied(inner):
                try:
                    yield from self._survey(inner, running=running)
                except FileNotFoundError:  # a database that was dropped
                    continue

    def _copy_folder(self, folder: Folder) -> None:
        if folder.mode and folder.place:
            path = self.target.joinpath(*folder.place)
            path.mkdir(mode=0o700)
            descriptor = os.open(path, _FOLDER_FLAGS)
            try:
                self._hand_over(descriptor, folder.mode)
            finally:
                os.close(descriptor)
            self.made.append(path)
        if not folder.files:
            return
        try:
            with _opened_folder(self.source, folder.place) as source:
                for name, _ in folder.files:
                    self._copy_file(source, (*folder.place, name))
        except FileNotFoundError:
            return

    def _copy_file(self, folder: int, place: tuple[str, ...]) -> bool:
        """Copy one file of an open folder; False when it is gone."""
        self._go_on_unless_cancelled()
        try:
            source = os.open(place[-1], _FILE_FLAGS, dir_fd=folder)
        except FileNotFoundError:
            return False
        path = self.target.joinpath(*place)
        try:
            status = os.fstat(source)
            target = os.open(path, _NEW_FILE_FLAGS, 0o600)
            try:
                size = self._fill(source, target, status.st_size)
                self._hand_over(target, stat.S_IMODE(status.st_mode))
            finally:
                os.close(target)
        finally:
            os.close(source)
        self.made.append(path)
        self.done += size
        self.total = max(self.total, self.done)
        self.watch.progress(self.done, self.total)
        return True

    def _fill(self, source: int, target: int, size: int) -> int:
        if self.reflinks:
            self.reflinks = reflink(source, target)
            if self.reflinks:
                return os.fstat(target).st_size
        return copy_bytes(source, target, size=size)

    def _hand_over(self, descriptor: int, mode: int) -> None:
        if self.owner.other:
            os.fchown(descriptor, self.owner.uid, self.owner.gid)
        os.fchmod(descriptor, mode & 0o777)

    def _go_on_unless_cancelled(self) -> None:
        if self.watch.cancelled():
            raise CopyCancelled(self.target)


def sync_path(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file_system(path: Path) -> bool:
    """Make durable all that was written to the file system of `path`; False where the system has no syncfs(2).

    Much faster than syncing a thousand files one by one, above all where blocks are shared.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "syncfs"):
        return False
    descriptor = os.open(path, _FOLDER_FLAGS)
    try:
        if libc.syncfs(descriptor) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
    finally:
        os.close(descriptor)
    return True


@contextmanager
def _opened_folder(root: Path, place: tuple[str, ...]) -> Iterator[int]:
    """Walk down from `root`, itself already resolved, without following a link."""
    descriptor = os.open(root, _FOLDER_FLAGS)
    try:
        for name in place:
            inner = os.open(name, _FOLDER_FLAGS, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


def _regular_files(folder: int, names: list[str]) -> Iterator[tuple[str, int]]:
    for name in names:
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            continue
        if stat.S_ISREG(status.st_mode):
            yield name, status.st_size


def _read_twice_the_same(descriptor: int, size: int) -> bytes:
    """A read of `pg_control` may meet a write half way; two equal ones did not."""
    before = os.pread(descriptor, size, 0)
    for _ in range(_CONTROL_FILE_ATTEMPTS):
        now = os.pread(descriptor, size, 0)
        if now == before:
            return now
        before = now
    raise ClusterBroken("The file pg_control never stood still while it was copied.")
