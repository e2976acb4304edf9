"""The wheel, built and installed into an environment that has nothing but what the wheel says it needs.

No index is asked: the packages are taken from the environment that runs the tests.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest

from tailrace import __version__
from tailrace.cluster.process import free_port
from tests.support.postgres import CreateDatabase
from tests.support.serve import HttpClient, environment
from tests.support.standalone import FRUIT, until

ROOT = Path(__file__).parents[2]
REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)(?:\[([^\]]*)\])?")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return next(folder.glob("tailrace-*.whl"))


def needed_by(found: Distribution, extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    """Packages that a distribution needs on this machine, each with its extras."""
    from packaging.requirements import Requirement

    for line in found.requires or ():
        requirement = Requirement(line)
        wanted = [{"extra": extra} for extra in sorted(extras)] or [{"extra": ""}]
        if requirement.marker is None or any(requirement.marker.evaluate(one) for one in wanted):
            yield requirement.name, frozenset(requirement.extras)


def closure(names: list[tuple[str, frozenset[str]]]) -> dict[str, Distribution]:
    """These packages and all that they need in turn."""
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    while names:
        name, extras = names.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        found[name] = distribution(name)
        names += needed_by(found[name], extras)
    return found


def copy_files(found: Distribution, site: Path) -> None:
    for file in found.files or ():
        if ".." not in file.parts and "__pycache__" not in file.parts:
            target = site / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(found.locate_file(file)), target)


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder `bin` of a clean environment with the wheel in it."""
    home = tmp_path_factory.mktemp("clean")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    python = home / "bin" / "python"
    install = [sys.executable, "-m", "uv", "pip", "install", "--offline", "--no-deps", "--python", python, wheel]
    subprocess.run(list(map(str, install)), check=True, capture_output=True)
    site = next(home.glob("lib/python*/site-packages"))
    installed = Distribution.at(next(site.glob("tailrace-*.dist-info")))
    for found in closure(list(needed_by(installed, frozenset()))).values():
        copy_files(found, site)
    return home / "bin"


def test_the_wheel_holds_the_source_the_sample_the_licence_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())

    source = {
        str(file.relative_to(ROOT / "src"))
        for file in (ROOT / "src" / "tailrace").rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    others = {name.partition(".dist-info/")[2] for name in names - source}
    assert source - names == set()
    assert others == {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}


def test_the_programs_say_their_version(programs: Path) -> None:
    for name in ("postgrest", "tailrace"):
        done = subprocess.run([programs / name, "--version"], capture_output=True, text=True, env={}, cwd="/")

        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(f"Tailrace {__version__}")


def test_without_the_extra_up_names_what_to_install(programs: Path) -> None:
    done = subprocess.run([programs / "tailrace", "up"], capture_output=True, text=True, env={}, cwd="/")

    assert done.returncode == 1
    assert "install Tailrace's extra platform" in done.stderr


def is_ready(programs: Path, env: Mapping[str, str]) -> bool:
    done = subprocess.run([programs / "postgrest", "--ready"], env=env, cwd="/", capture_output=True)
    return done.returncode == 0


def test_the_installed_server_answers_a_request(programs: Path, create_database: CreateDatabase) -> None:
    database = create_database(FRUIT)
    port, admin_port = free_port(), free_port()
    env = environment(database.authenticator_dsn, port=port, admin_port=admin_port, settings={"db_schemas": "api"})
    env = {name: value for name, value in env.items() if not name.startswith("PYTHON")}
    process = subprocess.Popen(
        [programs / "postgrest"],
        env=env,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        until(lambda: process.poll() is not None or is_ready(programs, env))
        answer = HttpClient(port).get("/fruit?id=eq.1")
    finally:
        process.terminate()
        said, _ = process.communicate(timeout=20)

    assert answer.json() == [{"id": 1, "name": "pear"}], said
    assert process.returncode == 0, said
