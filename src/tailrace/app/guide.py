"""What is printed and written down once everything serves."""

import json
import os
import shlex
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tailrace.app.private_file import write_private
from tailrace.cluster import RunningCluster
from tailrace.cluster.installation import find_installation
from tailrace.cluster.owner import choose_owner


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyDatabase:
    """All that one needs to use a Postgres that was started alone."""

    name: str
    address: str = field(repr=False)
    psql: str
    """The client's program, as one would type it."""
    data_dir: Path

    def greeting(self) -> str:
        """How to get in, and how to stop."""
        return f"""
Postgres is ready, with the database {self.name}.

  Postgres  {self.address}
  Data      {self.data_dir}

Send it SQL:

  {self.psql} '{self.address}'

Stop with Ctrl-C; the data stays.
"""

    def facts(self) -> dict[str, Any]:
        """The same for scripts."""
        return {"data_dir": str(self.data_dir), "urls": {"database": self.address}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """All that one needs to use what has been started."""

    api: str
    port: int
    database: str = field(repr=False)
    token: str = field(repr=False)
    user: str
    days: int
    """How long the token is good for."""
    data_dir: Path
    log: Path | None
    """Where the API logs to; None for the terminal."""

    def greeting(self) -> str:
        """Text to paste from: a read, a write, and how to stop."""
        log = "" if self.log is None else f"\n  Log       {self.log}"
        return f"""
Tailrace is ready.

  API       {self.api}
  Postgres  {self.database}
  Data      {self.data_dir}{log}

Read what is shared with everyone:

  curl '{self.api}/notes?select=title,paragraphs(content)'

Write as {self.user} (the token is good for {self.days} days):

  TOKEN={self.token}

  curl '{self.api}/notes' \\
    -H "Authorization: Bearer $TOKEN" \\
    -H 'Content-Type: application/json' \\
    -H 'Prefer: return=representation' \\
    -d '{{"title": "My first note"}}'

Stop with Ctrl-C; the data stays.
"""

    def facts(self) -> dict[str, Any]:
        """The same for scripts."""
        return {
            "data_dir": str(self.data_dir),
            "urls": {"api": self.api, "database": self.database},
            "tokens": {"authenticated": self.token},
        }


def write_ready_file(file: Path, facts: dict[str, Any]) -> None:
    """Facts for scripts, as JSON that only its owner may read (mode 0600)."""
    write_private(file, json.dumps({"pid": os.getpid(), **facts}, indent=2) + "\n")


def find_psql(cluster: RunningCluster) -> str:
    """The machine's own psql where there is one, else the embedded one with its path."""
    if shutil.which("psql") is not None:
        return "psql"
    return shlex.quote(find_installation(choose_owner(cluster.spec.data_dir)).program("psql"))
