"""What is printed and written down once everything serves."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from tailrace.app.private_file import write_private


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


def greeting(service: Service) -> str:
    """Text to paste from: a read, a write, and how to stop."""
    return f"""
Tailrace is ready.

  API       {service.api}
  Postgres  {service.database}
  Data      {service.data_dir}

Read what is shared with everyone:

  curl '{service.api}/notes?select=title,paragraphs(content)'

Write as {service.user} (the token is good for {service.days} days):

  TOKEN={service.token}

  curl '{service.api}/notes' \\
    -H "Authorization: Bearer $TOKEN" \\
    -H 'Content-Type: application/json' \\
    -H 'Prefer: return=representation' \\
    -d '{{"title": "My first note"}}'

Stop with Ctrl-C; the data stays.
"""


def write_ready_file(file: Path, service: Service) -> None:
    """The same for scripts, as JSON that only its owner may read (mode 0600)."""
    content = {
        "pid": os.getpid(),
        "data_dir": str(service.data_dir),
        "urls": {"api": service.api, "database": service.database},
        "tokens": {"authenticated": service.token},
    }
    write_private(file, json.dumps(content, indent=2) + "\n")
