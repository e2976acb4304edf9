"""Replaying archived log onto a base backup, by Postgres without a port and without other processes."""

import os
import re
import shlex
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tailrace.cluster.backup_files import LOG_NAME
from tailrace.cluster.errors import ClusterBroken, CopyCancelled, DiskFull, diagnose
from tailrace.cluster.installation import Installation
from tailrace.cluster.owner import Owner
from tailrace.cluster.settings import ClusterSpec, server_arguments
from tailrace.cluster.wal_position import Lsn
from tailrace.cluster.watch import Watch

SIGNAL = "recovery.signal"
_POLL = 0.02
_ENDED_EARLY = "recovery ended before configured recovery target was reached"
_LAST_COMMIT = re.compile(r"last completed transaction was at log time (\S+ \S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Of the data directory of `spec`, which `owner` owns; the log comes from the folder `wal`, then from `pg_wal`."""

    spec: ClusterSpec
    owner: Owner
    installation: Installation
    wal: Path
    watch: Watch

    def run(self, to: datetime | Lsn | None) -> bool:
        """Replay up to `to`, or all there is, and shut down; False when the log ended before `to`.

        Errors: CopyCancelled, DiskFull, ClusterBroken.
        """
        settings = {
            "restore_command": self._restore_command(),
            "recovery_target_timeline": "current",
            "recovery_target_action": "promote",
            "hot_standby": "off",
            "archive_mode": "off",
            **_target(to),
        }
        arguments = server_arguments(self.spec, port=1, socket_dir=Path("/tmp"))
        flags = [f"--{name}={value}" for name, value in settings.items()]
        with open(self._log, "ab") as log:
            before = log.tell()
            process = subprocess.Popen(
                [self.installation.program("postgres"), "--single", *arguments, *flags, "template1"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env={**os.environ, "LC_ALL": "C"},
                start_new_session=True,
                **self.owner.identity(),
            )
        self._wait(process)
        if process.returncode == 0:
            return True
        said = self._log.read_bytes()[before:].decode("utf-8", "replace")
        fault = diagnose(said, data_dir=self.spec.data_dir, port=0, user=self.owner.name)
        if _ENDED_EARLY in said and not isinstance(fault, DiskFull):
            return False
        raise fault

    def last_commit(self) -> datetime | None:
        """The time of the last commit that was replayed."""
        found = _LAST_COMMIT.findall(self._log.read_text(encoding="utf-8", errors="replace"))
        return datetime.fromisoformat(found[-1]) if found else None

    def end_of_log(self) -> Lsn:
        """Where the old timeline was left for the new one: the last line of the newest history file."""
        histories = sorted((self.spec.data_dir / "pg_wal").glob("*.history"))
        if not histories:
            raise ClusterBroken(f"The recovery of {self.spec.data_dir} began no timeline.")
        last = [line for line in histories[-1].read_text(encoding="utf-8").splitlines() if line.strip()][-1]
        return Lsn.parse(last.split("\t")[1])

    @property
    def _log(self) -> Path:
        return self.spec.data_dir / LOG_NAME

    def _restore_command(self) -> str:
        """Postgres has it run by a shell for each segment; `cp` is the one program that every system has."""
        folder = shlex.quote(str(self.wal.absolute())).replace("%", "%%")
        return f'cp {folder}/%f "%p"'

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        try:
            while process.poll() is None:
                if self.watch.cancelled():
                    raise CopyCancelled(self.spec.data_dir)
                time.sleep(_POLL)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def _target(to: datetime | Lsn | None) -> Mapping[str, str]:
    match to:
        case datetime():
            return {"recovery_target_time": to.isoformat(), "recovery_target_inclusive": "on"}
        case Lsn():
            # What begins at the position came after it.
            return {"recovery_target_lsn": str(to), "recovery_target_inclusive": "off"}
        case None:
            return {}
