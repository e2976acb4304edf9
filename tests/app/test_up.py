"""`tailrace up` as a person runs it: start, read, write, stop, start again, and what can go wrong."""

import contextlib
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tailrace.cluster.process import free_port
from tests.support.serve import HttpClient

EXECUTABLE = Path(sys.executable).parent / "tailrace"
TIMEOUT = 60.0
JSON = {"Content-Type": "application/json", "Prefer": "return=representation"}


@dataclass(frozen=True, slots=True)
class Started:
    process: "subprocess.Popen[str]"
    ready: dict[str, Any]

    @property
    def api(self) -> HttpClient:
        return HttpClient(int(self.ready["urls"]["api"].rpartition(":")[2]))

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.ready['tokens']['authenticated']}"}

    def stop(self, how: signal.Signals = signal.SIGINT) -> str:
        """Everything that was printed, after the end."""
        self.process.send_signal(how)
        return self.process.communicate(timeout=TIMEOUT)[0]


class Terminal:
    """Runs the program on one data folder; what is left running at the end is stopped."""

    def __init__(self, home: Path) -> None:
        self.data_dir = home / "data"
        self.ready_file = home / "ready.json"
        self._processes: list[subprocess.Popen[str]] = []

    def run(self, *more: str, port: int = 0) -> "subprocess.Popen[str]":
        arguments: tuple[str | Path, ...] = (
            "--data-dir",
            self.data_dir,
            "--port",
            str(port),
            "--ready-file",
            self.ready_file,
            *more,
        )
        process = subprocess.Popen(
            [EXECUTABLE, "up", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._processes.append(process)
        return process

    def up(self, *more: str) -> Started:
        process = self.run(*more)
        deadline = time.monotonic() + TIMEOUT
        while not self.ready_file.exists():
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline, "it did not become ready"
            time.sleep(0.02)
        return Started(process, json.loads(self.ready_file.read_text()))

    def fail(self, *more: str, port: int = 0) -> str:
        """What is said by a start that has to fail."""
        process = self.run(*more, port=port)
        said = process.communicate(timeout=TIMEOUT)[0]
        assert process.returncode == 1, said
        return said

    def close(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.communicate(timeout=TIMEOUT)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    home = Path(tempfile.mkdtemp(prefix="tailrace-up-"))
    home.chmod(0o755)
    terminal = Terminal(home)
    yield terminal
    terminal.close()
    shutil.rmtree(home)


def titles(started: Started, headers: dict[str, str] | None = None) -> list[str]:
    rows = started.api.get("/notes?select=title&order=created_at", headers=headers).json()
    return [row["title"] for row in rows]


def complaint(said: str) -> str:
    """The one sentence that says why not."""
    lines: Sequence[str] = [line for line in said.splitlines() if line.startswith("tailrace up: ")]
    assert len(lines) == 1, said
    return lines[0].removeprefix("tailrace up: ")


def postmaster(terminal: Terminal, place: str = "postgres") -> int:
    return int((terminal.data_dir / place / "postmaster.pid").read_text().splitlines()[0])


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_strangers_read_what_is_shared_and_the_token_opens_what_is_its_owners(terminal: Terminal) -> None:
    started = terminal.up()

    assert titles(started) == ["Welcome to Tailrace", "Things to try"]
    assert titles(started, started.bearer) == ["Welcome to Tailrace", "Shopping", "Things to try"]
    assert started.api.post("/notes", {"title": "No"}).status == 401


def test_what_is_written_is_found_after_a_second_start(terminal: Terminal) -> None:
    first = terminal.up()
    written = first.api.post("/notes", {"title": "Kept"}, headers=JSON | first.bearer)
    said = first.stop()

    second = terminal.up()

    assert written.status == 201
    assert written.json()[0]["owner_id"] == "ada"
    assert "Loaded the sample" in said
    assert titles(second, first.bearer)[-1] == "Kept"
    assert "Found the data of last time" in second.stop()


def test_the_printed_commands_are_ready_to_paste(terminal: Terminal) -> None:
    started = terminal.up()
    token, url = started.ready["tokens"]["authenticated"], started.ready["urls"]["api"]
    said = started.stop()

    assert f"curl '{url}/notes?select=title,paragraphs(content)'" in said
    assert f"TOKEN={token}" in said
    assert "Stop with Ctrl-C" in said


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_and_leaves_nothing_behind(terminal: Terminal, how: signal.Signals) -> None:
    started = terminal.up()
    postgres = postmaster(terminal)

    said = started.stop(how)

    assert said.rstrip().endswith("Stopped.")
    assert "Traceback" not in said
    assert not is_alive(postgres)
    assert not terminal.ready_file.exists()


def test_the_files_with_secrets_are_for_their_owner_only(terminal: Terminal) -> None:
    terminal.up()

    for file in (terminal.ready_file, terminal.data_dir / "secrets.json"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_crash_of_postgres_is_told_and_ends_the_program(terminal: Terminal) -> None:
    started = terminal.up()

    os.kill(postmaster(terminal), signal.SIGKILL)
    said = started.process.communicate(timeout=TIMEOUT)[0]

    assert "Postgres ended unexpectedly" in complaint(said)
    assert started.process.returncode == 1


def test_after_a_kill_the_next_start_takes_over_with_the_data(terminal: Terminal) -> None:
    killed = terminal.up()
    killed.process.kill()
    killed.process.communicate()
    terminal.ready_file.unlink()

    started = terminal.up()

    assert titles(started) == ["Welcome to Tailrace", "Things to try"]


def test_a_person_sees_nothing_of_the_log_and_finds_it_in_the_data_folder(terminal: Terminal) -> None:
    started = terminal.up()
    started.api.get("/notes")

    said = started.stop()

    log = terminal.data_dir / "api.log"
    assert f"Log       {log}" in said
    assert " +0000] " not in said
    assert "API server listening" not in said
    assert "API server listening" in log.read_text()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_verbose_shows_the_log_with_each_request(terminal: Terminal) -> None:
    started = terminal.up("--verbose")
    started.api.get("/notes?select=title")

    said = started.stop()

    assert "API server listening" in said
    assert '"GET /notes?select=title HTTP/1.1" 200' in said
    assert not (terminal.data_dir / "api.log").exists()


def test_a_log_level_of_the_environment_shows_the_log(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGRST_LOG_LEVEL", "warn")
    started = terminal.up()
    started.api.get("/nothing")
    started.api.get("/notes?select=title")

    said = started.stop()

    assert '"GET /nothing HTTP/1.1" 404' in said
    assert "/notes?select=title HTTP" not in said


def test_a_log_level_that_there_is_none_of_costs_one_sentence(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGRST_LOG_LEVEL", "loud")

    said = terminal.fail()

    assert "log" in complaint(said)
    assert "Traceback" not in said


def test_postgres_can_be_had_alone_with_an_empty_database(terminal: Terminal) -> None:
    started = terminal.up("--empty", "school")
    address = started.ready["urls"]["database"]

    with psycopg.connect(address) as connection:
        roles = connection.execute("select count(*) from pg_roles where rolname !~ '^(pg_|postgres$)'").fetchone()
        tables = connection.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone()
    said = started.stop()

    assert (roles, tables) == ((0,), (0,))
    assert f"psql '{address}'" in said
    assert started.process.returncode == 0
    assert "api" not in started.ready["urls"]


def test_an_empty_database_keeps_what_is_put_into_it(terminal: Terminal) -> None:
    first = terminal.up("--empty", "school")
    with psycopg.connect(first.ready["urls"]["database"]) as connection:
        connection.execute("create table students as select 1 as id")
    first.stop(signal.SIGTERM)

    second = terminal.up("--empty", "school")

    with psycopg.connect(second.ready["urls"]["database"]) as connection:
        assert connection.execute("select id from students").fetchall() == [(1,)]
    assert "Found the data of last time" in second.stop()


def test_the_sample_and_an_empty_database_live_side_by_side(terminal: Terminal) -> None:
    sample = terminal.up()
    terminal.ready_file = terminal.data_dir.parent / "school.json"

    school = terminal.up("--empty", "school")

    with psycopg.connect(school.ready["urls"]["database"]) as connection:
        connection.execute("create role authenticator login password 'mine'")
    assert titles(sample) == ["Welcome to Tailrace", "Things to try"]


def test_a_crash_of_postgres_alone_is_told_too(terminal: Terminal) -> None:
    started = terminal.up("--empty", "school")

    os.kill(postmaster(terminal, "school/postgres"), signal.SIGKILL)
    said = started.process.communicate(timeout=TIMEOUT)[0]

    assert "Postgres ended unexpectedly" in complaint(said)
    assert started.process.returncode == 1


def test_postgres_listens_on_the_port_that_is_asked_for(terminal: Terminal) -> None:
    port = free_port()

    started = terminal.up("--postgres-port", str(port))

    assert f"@127.0.0.1:{port}/" in started.ready["urls"]["database"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--port", "70000"], "argument --port: 70000 is no port: choose one from 1 to 65535, or 0 for any free one"),
        (["--port", "http"], "argument --port: http is no port: choose one from 1 to 65535, or 0 for any free one"),
        (["--port", "-1"], "argument --port: -1 is no port: choose one from 1 to 65535, or 0 for any free one"),
        (["--empty", "../x"], "argument --empty: ../x is no name for a database"),
        (["--empty", "postgres"], "argument --empty: postgres is a database that every Postgres has"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_an_argument_that_cannot_be_used_costs_one_sentence(
    terminal: Terminal, arguments: list[str], sentence: str
) -> None:
    process = terminal.run(*arguments)

    said = process.communicate(timeout=TIMEOUT)[0]

    assert process.returncode == 2
    assert f"tailrace up: error: {sentence}" in said
    assert not terminal.data_dir.exists()


def test_a_ready_file_in_a_folder_that_is_not_there_costs_one_sentence_and_makes_none(terminal: Terminal) -> None:
    folder = terminal.data_dir.parent / "nowhere"

    said = terminal.fail("--ready-file", str(folder / "x"))

    assert complaint(said) == f"There is no folder {folder} for the ready file: make it, or choose another one."
    assert not folder.exists()
    assert not terminal.data_dir.exists()


def test_a_port_in_use_costs_one_sentence_and_no_start(terminal: Terminal) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        said = terminal.fail(port=port)

    assert said == f"tailrace up: Port {port} is already in use by another program: choose another one with --port.\n"
    assert not terminal.data_dir.exists()


def test_a_data_folder_of_another_version_is_refused(terminal: Terminal) -> None:
    terminal.up().stop()
    (terminal.data_dir / "postgres" / "PG_VERSION").write_text("15\n")

    said = terminal.fail()

    assert "was made by Postgres 15" in complaint(said)


def test_two_at_once_on_one_folder_are_refused(terminal: Terminal) -> None:
    terminal.up()

    said = terminal.fail("--ready-file", str(terminal.data_dir.parent / "other.json"))

    assert "Another Postgres is already running" in complaint(said)


def test_a_data_folder_that_cannot_be_made_is_named(terminal: Terminal) -> None:
    terminal.data_dir.touch()

    said = terminal.fail()

    assert str(terminal.data_dir) in complaint(said)


def test_damaged_secrets_are_named_and_left_alone(terminal: Terminal) -> None:
    terminal.data_dir.mkdir()
    secrets = terminal.data_dir / "secrets.json"
    secrets.write_text("{")

    said = terminal.fail()

    assert "is damaged" in complaint(said)
    assert secrets.read_text() == "{"


def test_secrets_of_other_data_are_found_out(terminal: Terminal) -> None:
    terminal.up().stop()
    (terminal.data_dir / "secrets.json").unlink()

    said = terminal.fail()

    assert "secrets.json" in complaint(said)


@pytest.mark.parametrize("size", ["8m", "60m"], ids=["before the data is made", "after it was made"])
def test_a_full_disk_is_told_in_one_sentence(terminal: Terminal, size: str) -> None:
    disk = terminal.data_dir
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", disk], capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("only root can make a small disk")
    try:
        if size == "60m":
            terminal.up().stop()
            fill(disk / "filled")

        said = terminal.fail()
    finally:
        subprocess.run(["umount", disk], check=True)

    assert complaint(said) == f"The disk that holds {disk / 'postgres'} is full: free some space and start again."


def fill(file: Path) -> None:
    """Write until the disk is full."""
    with contextlib.suppress(OSError), file.open("wb", buffering=0) as out:
        while True:
            out.write(bytes(4096))
