"""The schema as pg_dump writes it, without what differs from one run to the next."""

import asyncio
import os
import re
from collections.abc import Callable

from psycopg.conninfo import conninfo_to_dict, make_conninfo

FindProgram = Callable[[str], str]
"""Where a program of Postgres is, by its name: `Installation.program` of the room that has them."""

_VERSIONS = re.compile(r"\A((?:--[^\n]*\n|\n|\\[^\n]*\n)*?)(?:-- Dumped [^\n]*\n)+\n", re.ASCII)
_RESTRICT = re.compile(r"\A((?:--[^\n]*\n|\n)*?)\\restrict ([A-Za-z0-9]+)\n\n?", re.ASCII)


class DumpFailed(Exception):
    """pg_dump did not do its work; the message is what it said."""


async def dump_schema(dsn: str, *, program: FindProgram, timeout: float = 60.0) -> str:
    """The text of `pg_dump --schema-only`: the same for the same schema, whenever and by whichever version.

    `timeout` counts seconds. The password is not seen in the list of processes.
    Errors: DumpFailed, also when the time is over.
    """
    parts = conninfo_to_dict(dsn)
    password = parts.pop("password", None)
    # What PG* variables say was meant for another server.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}
    if password is not None:
        environment["PGPASSWORD"] = str(password)
    process = await asyncio.create_subprocess_exec(
        program("pg_dump"),
        "--schema-only",
        "--no-password",
        "--encoding=UTF8",
        f"--dbname={make_conninfo('', **parts)}",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    try:
        output, complaint = await asyncio.wait_for(process.communicate(), timeout)
    except TimeoutError:
        raise DumpFailed(f"pg_dump was not ready after {timeout:g} seconds.") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise DumpFailed(complaint.decode(errors="replace").strip() or f"pg_dump ended with {process.returncode}.")
    return without_run(output.decode())


def without_run(text: str) -> str:
    r"""Take out of pg_dump's text what belongs to the run: the versions, and the random key of \restrict.

    Only the head and the last such line are looked at, so what a function's body says stays.
    """
    found = _RESTRICT.match(text)
    if found is not None:
        head, _, tail = text[found.end() :].rpartition(f"\\unrestrict {found[2]}\n")
        text = found[1] + (head.rstrip("\n") + "\n" + tail if head else tail)
    return _VERSIONS.sub(r"\1", text, count=1)
