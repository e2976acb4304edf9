"""What the source imports is declared, so that an installation on a bare machine works."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]


def imported(folder: Path) -> set[str]:
    """The top-level packages that are neither ours nor Python's."""
    found: set[str] = set()
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module is not None:
                found.add(node.module.split(".")[0])
    return found - sys.stdlib_module_names - {"tailrace"}


def declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["otel"]
    return {re.split(r"[\[<>=!~; ]", line, maxsplit=1)[0].lower() for line in wanted}


def test_the_source_imports_only_what_it_declares() -> None:
    distributions = packages_distributions()

    wanted = {package: {name.lower() for name in distributions.get(package, ())} for package in imported(ROOT / "src")}

    assert {package for package, names in wanted.items() if not names & declared()} == set()


def test_the_source_declares_only_what_it_imports() -> None:
    distributions = packages_distributions()

    used = {name.lower() for package in imported(ROOT / "src") for name in distributions.get(package, ())}

    assert declared() - used == set()


def test_what_is_optional_is_not_imported_at_the_start() -> None:
    program = "import sys, tailrace.engine.server.run, tailrace.engine.server.supervisor; print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert [name for name in loaded.split() if name.startswith(("opentelemetry", "google", "requests"))] == []


def test_every_dependency_is_pinned() -> None:
    pinned = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))

    assert declared() - pinned == set()
