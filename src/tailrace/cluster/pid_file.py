"""`postmaster.pid`: how a running server says who and where it is.

Source: Postgres, src/include/utils/pidfile.h (line numbers and status words).
"""

import os
import socket
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class PidFile:
    pid: int
    port: int
    socket_dir: str
    ready: bool

    def answers(self) -> bool:
        """Whether somebody accepts connections on the socket that the file names."""
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(f"{self.socket_dir}/.s.PGSQL.{self.port}")
            except OSError:
                return False
        return True


def read_pid_file(data_dir: Path) -> PidFile | None:
    """What the server on `data_dir` says of itself; None while it says nothing or only a part."""
    try:
        lines = (data_dir / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
        return PidFile(
            pid=int(lines[0]),
            port=int(lines[3]),
            socket_dir=lines[4],
            ready=len(lines) > 7 and lines[7].strip() == "ready",
        )
    except (FileNotFoundError, IndexError, ValueError):
        return None


def is_served(data_dir: Path) -> bool:
    """Whether the process that the file names is a server on `data_dir`: some process, where that cannot be told."""
    said = read_pid_file(data_dir)
    if said is None:
        return False
    try:
        os.kill(said.pid, 0)
        return Path(f"/proc/{said.pid}/cwd").samefile(data_dir)
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        return not Path("/proc/self").exists()
    except PermissionError:
        return True
