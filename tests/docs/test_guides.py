"""Every snippet of a guide is run as a reader would run it, and every answer printed there is checked.

A page is a story: its snippets run in order. It is followed twice: with a Postgres
that is known by its address alone and has nothing in it, and with the one that the
page itself offers.

- `sql` runs as the database's owner;
- `sh` runs in bash; what it exports stays; a snippet that is the server's name starts it;
  one that begins with `./dev up` starts Postgres, or is left out where there is one;
- `json`, `http` and `text` are what the `sh` before them answered.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tailrace.cluster import ClusterSpec, start
from tailrace.cluster.process import free_port
from tests.support.serve import HttpClient

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guides" / "students.md"
PROGRAMS = Path(sys.executable).parent
DATABASE = "school"
WRITTEN_API = "localhost:3000"
WRITTEN_POSTGRES = "localhost:5432"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ANSWERS = frozenset({"json", "http", "text"})
WRITTEN_PROGRAMS = ".venv/bin/"
SERVERS = frozenset({".venv/bin/postgrest", ".venv/bin/tailrace rest"})
SETUP = "./dev setup"
UP = "./dev up "
TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Snippet:
    language: str
    text: str
    line: int


def snippets(page: Path) -> list[Snippet]:
    text = page.read_text(encoding="utf-8")
    return [Snippet(found[1], found[2], text.count("\n", 0, found.start()) + 1) for found in FENCE.finditer(text)]


class Reader:
    """Somebody who follows a page, with a terminal and an SQL client."""

    def __init__(self, stack: ExitStack, *, postgres_port: int, owner_dsn: str | None) -> None:
        """`owner_dsn` is the way into the reader's own Postgres; None for one who has none."""
        self.port = free_port()
        self._owner_dsn = owner_dsn
        self._stack = stack
        self._home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tailrace-guide-")))
        self._home.chmod(0o755)
        self._written = {
            WRITTEN_API: f"localhost:{self.port}",
            WRITTEN_POSTGRES: f"127.0.0.1:{postgres_port}",
            "--postgres-port 5432": f"--postgres-port {postgres_port}",
            WRITTEN_PROGRAMS: f"{PROGRAMS}/",
        }
        self._environment = self._first_environment()
        self.said = ""

    def follow(self, snippet: Snippet) -> None:
        text = self._here(snippet.text)
        match snippet.language:
            case "sql":
                assert self._owner_dsn is not None
                with psycopg.connect(self._owner_dsn, autocommit=True) as connection:
                    connection.execute(text)
            case "sh" if snippet.text.strip() in SERVERS:
                self._until_it_answers(self._start(shlex.split(text)))
            case "sh" if snippet.text.startswith(UP):
                if self._owner_dsn is None:
                    self._owner_dsn = self._start_postgres(shlex.split(text.removeprefix(UP)))
            case "sh" if snippet.text.strip() == SETUP:
                pass  # or this test would not run
            case "sh":
                self.said = self._run(text)
            case "json":
                assert json.loads(self.said) == json.loads(text)
            case "http":
                assert_http(self.said, text)
            case "text":
                assert self.said == text
            case other:
                raise AssertionError(f"line {snippet.line}: nothing is known of snippets in {other}")

    def _here(self, text: str) -> str:
        for written, real in self._written.items():
            text = text.replace(written, real)
        return text

    def _first_environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        if shutil.which("curl") is None:
            stand_in = self._home / "curl"
            program = ROOT / "tests" / "support" / "curl.py"
            stand_in.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(program))} "$@"\n')
            stand_in.chmod(0o755)
        path = f"{self._home}:{inherited['PATH']}"
        return inherited | {"PATH": path, "PGRST_SERVER_PORT": str(self.port)}

    def _run(self, text: str) -> str:
        """Run in bash; progress that curl shows to people goes to standard error."""
        exported = self._home / "environment"
        script = f"set -euo pipefail\n{text}\nenv -0 > {shlex.quote(str(exported))}"
        done = subprocess.run(
            ["bash", "-c", script], env=self._environment, capture_output=True, text=True, timeout=TIMEOUT
        )
        assert done.returncode == 0, done.stderr
        pairs = (entry.partition("=")[::2] for entry in exported.read_text().split("\0") if entry)
        self._environment = dict(pairs)
        return done.stdout

    def _start(self, command: list[str]) -> "subprocess.Popen[bytes]":
        log = self._stack.enter_context((self._home / "log").open("ab"))
        process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)
        self._stack.callback(process.wait, TIMEOUT)
        self._stack.callback(process.terminate)
        return process

    def _start_postgres(self, options: list[str]) -> str:
        """What `./dev up` runs, but for where the data lives; the owner's way in."""
        ready = self._home / "ready.json"
        where = ["--data-dir", str(self._home / "data"), "--ready-file", str(ready)]
        process = self._start([str(PROGRAMS / "tailrace"), "up", *where, *options])
        deadline = time.monotonic() + TIMEOUT
        while not ready.exists():
            assert process.poll() is None, (self._home / "log").read_text()
            assert time.monotonic() < deadline, "it did not become ready"
            time.sleep(0.02)
        address: str = json.loads(ready.read_text())["urls"]["database"]
        assert address in (self._home / "log").read_text()
        return address

    def _until_it_answers(self, process: "subprocess.Popen[bytes]") -> None:
        client = HttpClient(self.port)
        deadline = time.monotonic() + TIMEOUT
        while process.poll() is None and time.monotonic() < deadline:
            try:
                if client.get("/").status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.02)
        raise AssertionError((self._home / "log").read_text())


def assert_http(said: str, written: str) -> None:
    """The status line, the headers that the page shows, and the body are as printed."""
    head, _, body = said.replace("\r\n", "\n").partition("\n\n")
    written_head, _, written_body = written.partition("\n\n")
    status, *lines = head.strip().split("\n")
    written_status, *written_lines = written_head.strip().split("\n")
    assert status == written_status
    assert {line.lower() for line in written_lines} - {line.lower() for line in lines} == set()
    assert (json.loads(body) if body.strip() else None) == (json.loads(written_body) if written_body.strip() else None)


@pytest.fixture(scope="module")
def reader_with_postgres() -> Iterator[Reader]:
    home = Path(tempfile.mkdtemp(prefix="tailrace-guides-"))
    home.chmod(0o755)
    try:
        with (
            start(ClusterSpec(data_dir=home / "postgres", password="owner", durable=False)) as cluster,
            ExitStack() as stack,
        ):
            with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
                connection.execute(f"create database {DATABASE}")
            yield Reader(stack, postgres_port=cluster.port, owner_dsn=cluster.dsn(DATABASE))
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def reader_without_postgres() -> Iterator[Reader]:
    with ExitStack() as stack:
        yield Reader(stack, postgres_port=free_port(), owner_dsn=None)


each_snippet = pytest.mark.parametrize(
    "snippet", snippets(GUIDE), ids=lambda snippet: f"line {snippet.line}, {snippet.language}"
)


@each_snippet
def test_the_guide_holds_with_a_postgres_of_ones_own(reader_with_postgres: Reader, snippet: Snippet) -> None:
    reader_with_postgres.follow(snippet)


@each_snippet
def test_the_guide_holds_with_the_postgres_that_it_offers(reader_without_postgres: Reader, snippet: Snippet) -> None:
    reader_without_postgres.follow(snippet)


def test_the_guide_uses_both_tokens_and_shows_its_answers() -> None:
    page = GUIDE.read_text(encoding="utf-8")
    languages = [snippet.language for snippet in snippets(GUIDE)]

    assert page.count("export TOKEN=") == 2
    assert sum(language in ANSWERS for language in languages) >= 15
