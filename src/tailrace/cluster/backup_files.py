"""Which parts of a data directory a copy takes.

Source: PostgreSQL docs, "Making a Base Backup Using the Low Level API";
src/backend/backup/basebackup.c (the lists).
"""

import re
from collections.abc import Collection

LOG_NAME = "server.log"
CONTROL_FILE = ("global", "pg_control")
_EMPTY_FOLDERS = frozenset(
    {"pg_dynshmem", "pg_notify", "pg_replslot", "pg_serial", "pg_snapshots", "pg_stat_tmp", "pg_subtrans"}
)
"""Folders whose content belongs to a running server, or to this one cluster alone."""
_ANYWHERE = ("pgsql_tmp", "pg_internal.init")
_AT_THE_TOP = frozenset(
    {
        "current_logfiles",
        "current_logfiles.tmp",
        "postgresql.auto.conf.tmp",
        "backup_manifest",
        "postmaster.opts",
        "postmaster.pid",
        LOG_NAME,
        LOG_NAME + ".1",
    }
)
_OF_A_BACKUP = frozenset({"backup_label", "backup_label.old", "tablespace_map", "tablespace_map.old"})
_TEMPORARY = re.compile(r"t\d+_\d+(_[a-z]+)?(\.\d+)?", re.ASCII)
_INIT_FORK = re.compile(r"(\d+)_init", re.ASCII)
_FORK = re.compile(r"(\d+)(_[a-z]+)?(\.\d+)?", re.ASCII)


def is_emptied(folder: tuple[str, ...]) -> bool:
    """Whether only the folder itself is copied. `pg_wal` is: its files are chosen one by one."""
    return folder == ("pg_wal",) or (len(folder) == 1 and folder[0] in _EMPTY_FOLDERS)


def wanted(folder: tuple[str, ...], names: Collection[str], *, running: bool) -> list[str]:
    """The names in `folder` that a copy takes.

    Of a `running` server neither temporary nor unlogged tables are taken: the copy
    replays the log from a crash's point of view, which empties them.
    """
    taken = [name for name in names if not name.startswith(_ANYWHERE)]
    if not folder:
        left_out = _AT_THE_TOP | _OF_A_BACKUP if running else _AT_THE_TOP
        return [name for name in taken if name not in left_out]
    if running and folder[0] in ("base", "pg_tblspc"):
        return _logged(taken)
    return taken


def _logged(names: list[str]) -> list[str]:
    unlogged = frozenset(found[1] for name in names if (found := _INIT_FORK.fullmatch(name)) is not None)
    return [name for name in names if not _TEMPORARY.fullmatch(name) and not _is_emptied_fork(name, unlogged)]


def _is_emptied_fork(name: str, unlogged: frozenset[str]) -> bool:
    found = _FORK.fullmatch(name)
    return found is not None and found[1] in unlogged and found[2] != "_init"
