"""The command line of the engine alone: `postgrest`, and `tailrace rest`.

Source: PostgREST docs, references/cli. Whatever a command needs is imported when
it runs, since the server must start fast.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from tailrace.engine.cli.arguments import Arguments, Command, parse_arguments
from tailrace.engine.config.error import ConfigError
from tailrace.engine.server.config_loader import ConfigLoader
from tailrace.engine.server.identity import identity_of


def main(argv: Sequence[str] | None = None, *, program: str = "postgrest") -> int:
    """Run one command; the result is the exit code."""
    arguments = parse_arguments(sys.argv[1:] if argv is None else argv, program)
    loader = ConfigLoader(arguments.config_file, os.environ, lambda path: Path(path).read_bytes())
    try:
        return _run(arguments, loader, program)
    except ConfigError as error:
        sys.stderr.write(f"{program}: {error}\n")
        return 1


def _run(arguments: Arguments, loader: ConfigLoader, program: str) -> int:
    match arguments.command:
        case Command.SERVE:
            from tailrace.engine.server.run import serve

            leave(serve(loader, identity=identity_of(program)))
        case Command.EXAMPLE:
            from tailrace.engine.config.example import example_config

            sys.stdout.write(example_config())
            return 0
        case Command.DUMP_CONFIG:
            from tailrace.engine.cli.dump import print_config

            return print_config(loader)
        case Command.DUMP_SCHEMA:
            from tailrace.engine.cli.dump import print_schema

            return print_schema(loader)
        case Command.READY:
            from tailrace.engine.cli.ready import report_readiness

            return report_readiness(loader.load())


def leave(code: int) -> NoReturn:
    """End at once: the interpreter's own end takes longer than the server's, and waits for threads that connect."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
