"""A worker: one of several processes that answer requests on the same socket, for a supervisor.

It is a whole server but for three things: its socket comes from the supervisor, the
admin server's questions come over a line, and it ends when that line does.
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import uvloop

from tailrace.engine.config.config import Config
from tailrace.engine.config.error import ConfigError
from tailrace.engine.message import Response
from tailrace.engine.server.config_loader import ConfigLoader
from tailrace.engine.server.control import answer_questions, receive_document
from tailrace.engine.server.identity import Identity
from tailrace.engine.server.process import Process, Setup
from tailrace.engine.server.sockets import CannotListen, api_address, start_listening
from tailrace.engine.server.tally import Tally

GAVE_UP = 70
"""Exit code after a fault that another worker would meet as well: EX_SOFTWARE of sysexits."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a worker starts with."""

    loader: ConfigLoader
    identity: Identity
    pool_size: int
    """Its part of db-pool."""

    def to_document(self) -> dict[str, Any]:
        return {**self.loader.to_document(), "identity": asdict(self.identity), "pool_size": self.pool_size}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "Assignment":
        loader = ConfigLoader.from_document(document, lambda path: Path(path).read_bytes())
        return cls(loader, Identity(**document["identity"]), document["pool_size"])


def main(arguments: Sequence[str]) -> int:
    """Serve; the arguments are the descriptors of line, API's socket and tally, and the slot in the tally."""
    line, bound = (socket.socket(fileno=int(descriptor)) for descriptor in arguments[:2])
    tally = Tally(*map(int, arguments[2:]))
    try:
        assignment = Assignment.from_document(receive_document(line))
        config = replace(assignment.loader.load(), db_pool=assignment.pool_size)
        line.setblocking(False)
        return GAVE_UP if uvloop.run(work(assignment, config, Front(line, bound, tally))) else 0
    except EOFError:
        return 0
    except (ConfigError, CannotListen) as error:
        sys.stderr.write(f"{error}\n")
        return GAVE_UP if isinstance(error, CannotListen) else 1


@dataclass(frozen=True, slots=True)
class Front:
    """What a worker shares with the supervisor and the other workers."""

    line: socket.socket
    bound: socket.socket
    tally: Tally


async def work(assignment: Assignment, config: Config, front: Front) -> int:
    serving = asyncio.Event()
    process = Process(
        Setup(
            assignment.loader,
            config,
            assignment.identity,
            listen=lambda: start_listening(front.bound, api_address(config)),
            on_serving=lambda _: serving.set(),
            tally=front.tally,
        )
    )
    answers = process.start()
    take_signals(process)

    async def answer(question: str) -> Response:
        match question:
            case "serving":
                await serving.wait()
            case "reload schema":
                process.reload_schema()
            case "reload config":
                process.reload_config()
            case "stop":
                process.stop()
            case path:
                return await answers.answer(path)
        return Response(200)

    supervised = asyncio.create_task(answer_questions(front.line, answer))
    supervised.add_done_callback(lambda _: process.stop())
    return await process.run()


def take_signals(process: Process) -> None:
    """For an operator who sends them to this process alone; a service manager may send SIGTERM to all at once."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, process.stop)
    loop.add_signal_handler(signal.SIGINT, process.stop)
    loop.add_signal_handler(signal.SIGUSR1, process.reload_schema)
    loop.add_signal_handler(signal.SIGUSR2, process.reload_config)


if __name__ == "__main__":
    exit_code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exit_code)
