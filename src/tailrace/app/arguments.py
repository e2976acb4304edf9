"""What may stand behind `tailrace up`."""

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tailrace.app.address import HOST

DEFAULT_DATA_DIR = Path("~/.local/share/tailrace")
DEFAULT_PORT = 3000
DATABASE_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
TAKEN = frozenset({"postgres", "template0", "template1"})
"""What every Postgres has from its beginning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpArguments:
    data_dir: Path
    port: int
    postgres_port: int | None
    """None takes a free one."""
    ready_file: Path | None
    empty: str | None
    """The name of an empty database to start Postgres with, instead of the sample and the API."""
    verbose: bool


def parse_arguments(argv: Sequence[str]) -> UpArguments:
    """Errors: SystemExit, with 0 after help and 2 for what is not understood."""
    found = _parser().parse_args(argv)
    empty: str | None = found.empty
    return UpArguments(
        # Of its own, so that roles and tables of the sample and of one's own never meet.
        data_dir=found.data_dir if empty is None else found.data_dir / empty,
        port=found.port,
        postgres_port=found.postgres_port or None,
        ready_file=found.ready_file,
        empty=empty,
        verbose=found.verbose,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tailrace up",
        description="Start an embedded Postgres with a sample database and the API on it.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    about = f"where the data lives, from one start to the next (default: {DEFAULT_DATA_DIR})"
    add("--data-dir", metavar="DIR", type=_path, default=_path(str(DEFAULT_DATA_DIR)), help=about)
    about = f"port of the API on {HOST}; 0 takes a free one (default: {DEFAULT_PORT})"
    add("--port", metavar="N", type=_port, default=DEFAULT_PORT, help=about)
    about = f"port of Postgres on {HOST} (default: a free one)"
    add("--postgres-port", metavar="N", type=_port, help=about)
    about = "write the URLs and a token to this file, as JSON, once everything serves"
    add("--ready-file", metavar="F", type=_path, help=about)
    about = "start Postgres alone, with an empty database of this name; its data lives in a folder of that name in DIR"
    add("--empty", metavar="NAME", type=_database, help=about)
    add("--verbose", action="store_true", help="show the API's log, with all requests, here and not in a file")
    return parser


def _path(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _port(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text} is no port: choose one from 1 to 65535, or 0 for any free one")
    return int(text)


def _database(text: str) -> str:
    if text in TAKEN:
        raise argparse.ArgumentTypeError(f"{text} is a database that every Postgres has: choose another name")
    if DATABASE_NAME.fullmatch(text) is None:
        raise argparse.ArgumentTypeError(
            f"{text} is no name for a database: take small letters, digits and underscores, at most 63"
        )
    return text
