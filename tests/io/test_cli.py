"""The command line, as processes (PostgREST docs, references/cli)."""

import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

SECRET = "a secret of at least thirty-two characters"


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


def postgrest(*arguments: str, environ: Mapping[str, str] | None = None, stdin: str = "") -> Outcome:
    """Run the command with nothing in its environment but what is given."""
    return _run("tailrace.engine.cli", arguments, environ=environ or {}, stdin=stdin)


def tailrace(*arguments: str, environ: Mapping[str, str] | None = None) -> Outcome:
    return _run("tailrace.cli", arguments, environ=environ or {}, stdin="")


def _run(module: str, arguments: tuple[str, ...], *, environ: Mapping[str, str], stdin: str) -> Outcome:
    code = f"import sys; from {module} import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**environ},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def dump(*arguments: str, stdin: str = "", **variables: str) -> Outcome:
    environ = {"PGRST_DB_CONFIG": "false", **{f"PGRST_{name}": value for name, value in variables.items()}}
    return postgrest("--dump-config", *arguments, environ=environ, stdin=stdin)


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_names_every_option(flag: str) -> None:
    done = postgrest(flag)

    assert done.code == 0
    for option in ("--version", "--example", "--dump-config", "--dump-schema", "--ready", "FILENAME"):
        assert option in done.out


@pytest.mark.parametrize("flag", ["-v", "--version"])
def test_the_version_says_which_postgrest_it_stands_in_for(flag: str) -> None:
    done = postgrest(flag)

    assert done.code == 0
    assert done.out.startswith("Tailrace ")
    assert "PostgREST 16.2" in done.out


@pytest.mark.parametrize("flag", ["-e", "--example"])
def test_the_example_is_a_configuration_file_that_works(flag: str, tmp_path: Path) -> None:
    example = postgrest(flag)
    path = tmp_path / "example.conf"
    path.write_text(example.out)

    assert example.code == 0
    assert dump(str(path)).out == dump().out


@pytest.mark.parametrize(
    "arguments", [("--bogus",), ("one.conf", "two.conf"), ("--ready", "--dump-config"), ("--dump-conf",)]
)
def test_what_is_not_understood_ends_with_help_and_one(arguments: tuple[str, ...]) -> None:
    done = postgrest(*arguments)

    assert done.code == 1
    assert "usage: postgrest" in done.err
    assert done.out == ""


def test_options_for_ghcs_runtime_are_passed_over() -> None:
    assert postgrest("+RTS", "-N2", "-T", "-RTS", "--version").code == 0


def test_settings_come_from_the_environment() -> None:
    done = dump(DB_SCHEMAS="one, two", SERVER_PORT="8080", APP_SETTINGS_name="x")

    lines = done.out.splitlines()
    assert done.code == 0
    assert 'db-schemas = "one,two"' in lines
    assert "server-port = 8080" in lines
    assert 'app.settings.name = "x"' in lines


def test_settings_come_from_a_file_with_variables_and_imports(tmp_path: Path) -> None:
    (tmp_path / "base.conf").write_text("db-max-rows = 10")
    path = tmp_path / "main.conf"
    path.write_text('import "base.conf"\ndb-anon-role = "$(PGRST_DB_CHANNEL)"\n')

    lines = dump(str(path), DB_CHANNEL="news").out.splitlines()

    assert "db-max-rows = 10" in lines
    assert 'db-anon-role = "news"' in lines


def test_a_dump_read_again_gives_the_same_dump(tmp_path: Path) -> None:
    first = dump(JWT_SECRET=SECRET, JWT_ROLE_CLAIM_KEY=".a.roles[0]", DB_TX_END="rollback", DB_ANON_ROLE='an"on')
    path = tmp_path / "dumped.conf"
    path.write_text(first.out)

    assert first.code == 0
    assert dump(str(path)).out == first.out


def test_the_secret_is_read_from_a_file_or_from_the_standard_input(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(SECRET + "\n")

    from_file = dump(JWT_SECRET=f"@{path}")
    from_input = dump(JWT_SECRET="@/dev/stdin", stdin=SECRET)

    assert f'jwt-secret = "{SECRET}"' in from_file.out.splitlines()
    assert from_input.out == from_file.out


def test_a_file_in_utf_8_is_understood_whatever_the_locale(tmp_path: Path) -> None:
    path = tmp_path / "main.conf"
    path.write_text('# Kommentar: ä\ndb-anon-role = "gäste"', encoding="utf-8")

    done = postgrest("--dump-config", str(path), environ={"LC_ALL": "C", "PGRST_DB_CONFIG": "false"})

    assert 'db-anon-role = "gäste"' in done.out.splitlines()


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"LOG_LEVEL": "never"}, "Error in config Invalid logging level. Check your configuration."),
        ({"JWT_ROLE_CLAIM_KEY": "role.x"}, "Error in config failed to parse role-claim-key value (role.x)"),
        ({"JWT_SECRET": "short"}, "The JWT secret must be at least 32 characters long."),
        ({"JWT_SECRET": "no base-64!", "JWT_SECRET_IS_BASE64": "true"}, "jwt-secret is not valid base64"),
        ({"JWT_SECRET": "@/does/not/exist"}, "/does/not/exist: No such file or directory"),
        ({"DB_URI": "@/does/not/exist"}, "/does/not/exist: No such file or directory"),
        ({"ADMIN_SERVER_PORT": "3000"}, "admin-server-port cannot be the same as server-port"),
    ],
)
def test_a_wrong_configuration_is_one_sentence_and_one(variables: Mapping[str, str], complaint: str) -> None:
    done = dump(**variables)

    assert done.code == 1
    assert done.out == ""
    assert done.err.startswith("postgrest: ")
    assert complaint in done.err
    assert len(done.err.splitlines()) == 1


def test_a_missing_or_broken_file_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("a:\n  b: c\n")

    missing = dump("does_not_exist.conf")
    unreadable = dump(str(broken))

    assert (missing.code, unreadable.code) == (1, 1)
    assert "Error in config does_not_exist.conf: No such file or directory" in missing.err
    assert f"Error in config {broken}:1:2: unexpected ':'" in unreadable.err


class _Admin(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/ready" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


class _BusyAdmin(_Admin):
    status = 503


@pytest.fixture(params=[_Admin, _BusyAdmin])
def admin(request: pytest.FixtureRequest) -> Iterator[tuple[int, int]]:
    """A server in the admin server's place: its port, and the status that it answers."""
    server = HTTPServer(("127.0.0.1", 0), request.param)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port, request.param.status
    server.shutdown()
    server.server_close()
    thread.join()


def ready(host: str, port: int | str) -> Outcome:
    return postgrest("--ready", environ={"PGRST_ADMIN_SERVER_HOST": host, "PGRST_ADMIN_SERVER_PORT": str(port)})


def test_ready_tells_by_its_exit_code_what_the_admin_server_says(admin: tuple[int, int]) -> None:
    port, status = admin

    done = ready("127.0.0.1", port)

    url = f"http://127.0.0.1:{port}/ready"
    expected = Outcome(0, f"OK: {url}\n", "") if status == 200 else Outcome(1, "", f"ERROR: {url}\n")
    assert done == expected


@pytest.mark.parametrize(
    ("host", "port", "complaint"),
    [
        ("127.0.0.1", 1, "ERROR: connection refused to http://127.0.0.1:1/ready"),
        ("::1", -1, "ERROR: invalid url - http://[::1]:-1/ready"),
        ("127.0.0.1", "", "ERROR: Admin server is not running. Please check admin-server-port config."),
        ("*4", 3001, 'ERROR: The `--ready` flag cannot be used when server-host is configured as "*4".'),
    ],
)
def test_ready_explains_what_is_in_the_way(host: str, port: int | str, complaint: str) -> None:
    done = ready(host, port)

    assert done.code == 1
    assert done.err.startswith(complaint)


def test_tailrace_rest_takes_the_arguments_of_postgrest() -> None:
    done = tailrace("rest", "--dump-config", environ={"PGRST_DB_CONFIG": "false", "PGRST_SERVER_PORT": "1234"})

    assert done.code == 0
    assert "server-port = 1234" in done.out.splitlines()


def test_tailrace_alone_explains_its_commands() -> None:
    done = tailrace("--help")

    assert done.code == 0
    assert "rest" in done.out
    assert "up" in done.out
