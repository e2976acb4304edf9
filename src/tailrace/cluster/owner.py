"""Who runs Postgres: the person at the terminal, or an unprivileged user when that is root.

Postgres refuses to run as root, so root's server runs as the owner of the data
folder, or else as one of the machine's unprivileged users.
"""

import os
import pwd
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from tailrace.cluster.errors import ClusterBroken

UNPRIVILEGED = ("postgres", "_postgres", "nobody")
SYSTEM_DIR = Path("/var/lib/tailrace" if sys.platform == "linux" else "/usr/local/var/tailrace")
"""Where root keeps what an unprivileged user must be able to reach."""


class Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Owner:
    """The user that owns the data and runs the server; `other` when that is not ourselves."""

    name: str
    uid: int
    gid: int
    other: bool

    def identity(self) -> Identity:
        """Arguments for `subprocess` that make the child run as this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.other else {}

    def take(self, path: Path) -> None:
        if self.other:
            os.chown(path, self.uid, self.gid)

    def can_enter(self, folder: Path) -> bool:
        """Whether this user may walk down to `folder`, by the mode bits on the way."""
        return all(self._may_search(part) for part in (folder, *folder.parents))

    def _may_search(self, folder: Path) -> bool:
        status = folder.stat()
        if self.uid == 0:
            return True
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        if status.st_gid == self.gid:
            return bool(status.st_mode & stat.S_IXGRP)
        return bool(status.st_mode & stat.S_IXOTH)


def choose_owner(data_dir: Path) -> Owner:
    """Decide who runs the server on `data_dir`, which need not exist yet."""
    uid = os.geteuid()
    if uid != 0:
        return Owner(_name(uid), uid, os.getegid(), other=False)
    if data_dir.exists() and (status := data_dir.stat()).st_uid != 0:
        return Owner(_name(status.st_uid), status.st_uid, status.st_gid, other=True)
    for name in UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Owner(name, entry.pw_uid, entry.pw_gid, other=True)
    raise ClusterBroken(f"Postgres refuses to run as root, and this machine has none of {', '.join(UNPRIVILEGED)}.")


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
