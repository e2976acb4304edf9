"""What may stand on the command line."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NoReturn

from tailrace import __version__
from tailrace.engine.server.identity import COMPATIBLE_WITH

DESCRIPTION = f"Tailrace {__version__}: a REST API on a Postgres database, compatible with PostgREST {COMPATIBLE_WITH}."
EPILOG = "Without a flag the server runs. Every setting can be given in the environment, as PGRST_DB_URI for db-uri."


class Command(Enum):
    SERVE = "serve"
    EXAMPLE = "example"
    DUMP_CONFIG = "dump-config"
    DUMP_SCHEMA = "dump-schema"
    READY = "ready"


@dataclass(frozen=True, slots=True)
class Arguments:
    command: Command
    config_file: str | None


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Exit with 1, as PostgREST does, not with argparse's 2."""
        sys.stderr.write(f"{self.prog}: {message}\n\n")
        self.print_help(sys.stderr)
        raise SystemExit(1)


def parse_arguments(argv: Sequence[str], program: str) -> Arguments:
    """Read the arguments.

    Errors: SystemExit, with 0 after help or version, with 1 for what is not understood.
    """
    found = _parser(program).parse_args(_without_runtime_options(argv))
    return Arguments(found.command, found.config_file)


def _parser(program: str) -> argparse.ArgumentParser:
    parser = _Parser(prog=program, description=DESCRIPTION, epilog=EPILOG, allow_abbrev=False)
    version = f"Tailrace {__version__} (PostgREST {COMPATIBLE_WITH} compatible)"
    parser.add_argument("-v", "--version", action="version", version=version, help="show the version and exit")
    commands = parser.add_mutually_exclusive_group()
    for flags, command, about in (
        (("-e", "--example"), Command.EXAMPLE, "show a configuration file to start from, with every setting"),
        (("--dump-config",), Command.DUMP_CONFIG, "show the configuration that is in force, secrets included"),
        (("--dump-schema",), Command.DUMP_SCHEMA, "show the schema cache as JSON; its structure may change"),
        (("--ready",), Command.READY, "ask a running server's admin port whether it is ready; exit with 0 if so"),
    ):
        commands.add_argument(*flags, dest="command", action="store_const", const=command, help=about)
    parser.add_argument("config_file", metavar="FILENAME", nargs="?", help="configuration file")
    parser.set_defaults(command=Command.SERVE)
    return parser


def _without_runtime_options(argv: Sequence[str]) -> list[str]:
    """Leave out `+RTS … -RTS`: scripts for PostgREST tune GHC's runtime with it, which means nothing here."""
    kept: list[str] = []
    inside = False
    for argument in argv:
        if argument in ("+RTS", "-RTS"):
            inside = argument == "+RTS"
        elif not inside:
            kept.append(argument)
    return kept
