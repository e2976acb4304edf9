"""The `postgrest` executable on a database of its own, asked over HTTP as a client would."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import IO, Any, Protocol

import pytest

from tailrace.cluster.process import free_port
from tests.support.postgres import CreateDatabase, Database
from tests.support.tokens import SECRET

HOST = "127.0.0.1"
EXECUTABLE = Path(sys.executable).parent / "postgrest"
READY_TIMEOUT = 30.0
STOP_TIMEOUT = 20.0
Setting = str | int | bool | None


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    reason: str
    headers: Message
    """Looked up in any case; `get_all` for one that is repeated."""
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


class HttpClient:
    """One connection for each request, so that no request sees the state of another's."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://{HOST}:{port}"

    def request(
        self, method: str, target: str, body: Any = None, *, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Send and read the whole answer. A `body` that is no text or bytes is sent as JSON."""
        sent = dict(headers or {})
        if body is not None and not isinstance(body, str | bytes):
            body = json.dumps(body)
            if not any(name.lower() == "content-type" for name in sent):
                sent["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection(HOST, self.port, timeout=READY_TIMEOUT)
        try:
            connection.request(method, target, body.encode() if isinstance(body, str) else body, sent)
            answer = connection.getresponse()
            return Response(answer.status, answer.reason, answer.headers, answer.read())
        finally:
            connection.close()

    def get(self, target: str, *, headers: Mapping[str, str] | None = None) -> Response:
        return self.request("GET", target, headers=headers)

    def head(self, target: str, *, headers: Mapping[str, str] | None = None) -> Response:
        return self.request("HEAD", target, headers=headers)

    def options(self, target: str, *, headers: Mapping[str, str] | None = None) -> Response:
        return self.request("OPTIONS", target, headers=headers)

    def post(self, target: str, body: Any = None, *, headers: Mapping[str, str] | None = None) -> Response:
        return self.request("POST", target, body, headers=headers)

    def patch(self, target: str, body: Any = None, *, headers: Mapping[str, str] | None = None) -> Response:
        return self.request("PATCH", target, body, headers=headers)

    def put(self, target: str, body: Any = None, *, headers: Mapping[str, str] | None = None) -> Response:
        return self.request("PUT", target, body, headers=headers)

    def delete(self, target: str, *, headers: Mapping[str, str] | None = None) -> Response:
        return self.request("DELETE", target, headers=headers)

    def send_raw(self, data: bytes, *, timeout: float = 5.0) -> bytes:
        """Send bytes as they are and read until the server closes or is silent for `timeout` seconds."""
        with socket.create_connection((HOST, self.port), timeout=timeout) as connection:
            connection.sendall(data)
            received = bytearray()
            try:
                while chunk := connection.recv(65_536):
                    received += chunk
            except TimeoutError:
                pass
            return bytes(received)


class Api(HttpClient):
    """A running server: its client, its admin server, its process and its database."""

    def __init__(self, database: Database, process: subprocess.Popen[bytes], *, port: int, admin: HttpClient) -> None:
        super().__init__(port)
        self.database = database
        self.process = process
        self.admin = admin
        self.log_file: Path | None = None

    @property
    def log(self) -> str:
        """What the server has printed until now."""
        return "" if self.log_file is None else self.log_file.read_text(errors="replace")

    def terminate(self) -> int:
        """Ask the server to end, as a service manager does, and wait; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


class Serve(Protocol):
    def __call__(self, schema_sql: str, *, fresh: bool = False, **settings: Setting) -> Api:
        """A ready server on a new database made by `schema_sql`.

        `settings` are PostgREST's with underscores (`db_anon_role="web"`); None takes a
        default of these tests away. The same arguments give the same running server
        again within a module, unless `fresh` asks for one of its own.
        """


@pytest.fixture(scope="module")
def serve(create_database: CreateDatabase) -> Iterator[Serve]:
    running: dict[tuple[Any, ...], Api] = {}
    with ExitStack() as stack:

        def start(schema_sql: str, *, fresh: bool = False, **settings: Setting) -> Api:
            key = (schema_sql, *sorted(settings.items()))
            if fresh or key not in running or running[key].process.poll() is not None:
                running[key] = _launch(create_database(schema_sql), settings, stack)
            return running[key]

        yield start


def environment(database_uri: str, *, port: int, admin_port: int, settings: Mapping[str, Setting]) -> dict[str, str]:
    """The server's environment: ours without what would configure Postgres or PostgREST, plus the settings."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    wanted: dict[str, Setting] = {
        "db_uri": database_uri,
        "db_anon_role": "anonymous",
        "jwt_secret": SECRET,
        "server_host": HOST,
        "server_port": port,
        "admin_server_port": admin_port,
        **settings,
    }
    ours = {f"PGRST_{name.upper()}": _text(value) for name, value in wanted.items() if value is not None}
    return inherited | ours


def _text(value: Setting) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _launch(database: Database, settings: Mapping[str, Setting], stack: ExitStack) -> Api:
    port, admin_port = free_port(), free_port()
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tailrace-serve-")))
    log: IO[bytes] = stack.enter_context((folder / "log").open("wb"))
    env = environment(database.authenticator_dsn, port=port, admin_port=admin_port, settings=settings)
    process = subprocess.Popen([EXECUTABLE], env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    api = Api(database, process, port=port, admin=HttpClient(admin_port))
    api.log_file = folder / "log"
    stack.callback(api.terminate)
    wait_until_ready(api)
    return api


def wait_until_ready(api: Api) -> None:
    """Block until `/ready` says so; fails with the log when the server ends or takes too long."""
    deadline = time.monotonic() + READY_TIMEOUT
    while api.process.poll() is None and time.monotonic() < deadline:
        try:
            if api.admin.get("/ready").status == 200:
                return
        except OSError:
            pass
        time.sleep(0.01)
    raise AssertionError(f"The server did not become ready (exit code {api.process.poll()}):\n{api.log}")
