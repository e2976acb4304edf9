"""What a cluster is asked to be, and the server settings that follow from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class WalArchive:
    """A folder that keeps the history of one cluster: base backups in `base`, its log in `wal`.

    Every moment of the last `window` can be restored, once a base backup is as old.
    What is not archived after `segment_timeout` seconds is archived then, in a
    segment that is not full. A copy of a cluster needs an archive of its own.
    """

    folder: Path
    window: timedelta
    segment_timeout: int = 60

    @property
    def wal(self) -> Path:
        return self.folder / "wal"

    @property
    def base(self) -> Path:
        return self.folder / "base"

    @property
    def history(self) -> Path:
        """The name under which the whole is locked, against pruning what is being restored."""
        return self.folder / "history"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSpec:
    """One data directory and how to serve it.

    `port` None picks a free one at each start. `durable` False gives up crash
    safety for speed: for tests only. `settings` are Postgres's own, by name. With an
    `archive`, the server archives its log there.
    """

    data_dir: Path
    password: str = field(repr=False)
    superuser: str = "postgres"
    port: int | None = None
    durable: bool = True
    settings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    archive: WalArchive | None = None


def server_arguments(spec: ClusterSpec, *, port: int, socket_dir: Path) -> tuple[str, ...]:
    """The command line of `postgres`, without the program's name.

    Only the loopback address is listened on: who wants more puts a server in front.
    """
    settings = {
        "listen_addresses": LOOPBACK,
        "port": str(port),
        "unix_socket_directories": str(socket_dir),
        "unix_socket_permissions": "0700",
        "logging_collector": "off",
        "log_destination": "stderr",
        "timezone": "UTC",
        "log_timezone": "UTC",
    }
    if not spec.durable:
        settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    settings |= spec.settings
    if spec.archive is not None:
        settings |= archive_settings(spec.archive)
    flags = (f"--{name}={value}" for name, value in settings.items())
    return ("-D", str(spec.data_dir), *flags)


def archive_settings(archive: WalArchive) -> Mapping[str, str]:
    """Archiving by Postgres's own module `basic_archive`: no shell, no program started for each segment.

    Source: PostgreSQL docs, "basic_archive — an example WAL archive module".
    """
    return MappingProxyType(
        {
            "wal_level": "replica",
            "archive_mode": "on",
            "archive_command": "",
            "archive_library": "basic_archive",
            "basic_archive.archive_directory": str(archive.wal.absolute()),
            "archive_timeout": str(archive.segment_timeout),
        }
    )


def connection_string(*, user: str, password: str, host: str, port: int, database: str) -> str:
    """A libpq URI; a `host` that begins with a slash is the folder of a Unix socket."""
    login = f"{quote(user, safe='')}:{quote(password, safe='')}"
    name = quote(database, safe="")
    if host.startswith("/"):
        return f"postgresql://{login}@/{name}?host={quote(host, safe='')}&port={port}"
    return f"postgresql://{login}@{host}:{port}/{name}"
