"""Every setting, error code and dependency has its place in the documentation."""

import ast
import re
import tomllib
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from tailrace.engine import errors
from tailrace.engine.config.setting import Setting
from tailrace.engine.config.settings import documented
from tailrace.engine.errors import ApiError
from tests.contracts.setting_facts import facts

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SERVER = ROOT / "src" / "tailrace" / "engine" / "server"
NEVER_RAISED = frozenset({"PGRST120"})
"""Described since PostgREST's table has them."""


def headings(page: Path) -> set[str]:
    """The text of the headings, without backquotes."""
    lines = page.read_text(encoding="utf-8").splitlines()
    return {line.lstrip("#").strip().strip("`") for line in lines if line.startswith("#")}


def codes(kind: type[ApiError] = ApiError) -> Iterator[str]:
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__ and child.code:
            yield child.code
        yield from codes(child)


def statuses_of_unreadable_requests() -> Iterator[str]:
    """The names of the statuses with which the HTTP server answers bytes that are no request."""
    for file in SERVER.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "MalformedRequest":
                assert isinstance(node.args[0], ast.Attribute)
                yield node.args[0].attr


def dependencies() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [
        *project["project"]["dependencies"],
        *(line for extra in project["project"]["optional-dependencies"].values() for line in extra),
        *project["dependency-groups"]["dev"],
    ]
    return {re.split(r"[\[<>=!~; ]", line, maxsplit=1)[0] for line in wanted}


@pytest.mark.parametrize("setting", tuple(documented()), ids=lambda setting: setting.name)
def test_a_setting_has_a_heading_and_its_facts_under_it(setting: Setting) -> None:
    page = (DOCS / "references" / "configuration.md").read_text(encoding="utf-8")

    assert f"\n## {setting.name}\n\n{facts(setting)}\n\n" in page


def test_no_setting_is_described_that_does_not_exist() -> None:
    described = {name for name in headings(DOCS / "references" / "configuration.md") if re.fullmatch(r"[a-z-]+", name)}

    assert described - {setting.name for setting in documented()} == set()


@pytest.mark.parametrize("code", sorted(set(codes())))
def test_an_error_code_has_a_heading(code: str) -> None:
    assert code in headings(DOCS / "references" / "errors.md")


def test_no_error_code_is_described_that_does_not_exist() -> None:
    described = {name for name in headings(DOCS / "references" / "errors.md") if re.fullmatch(r"[A-Z]+\d+", name)}

    assert described - set(codes()) == NEVER_RAISED


@pytest.mark.parametrize("status", sorted(set(statuses_of_unreadable_requests())))
def test_bytes_that_are_no_request_have_an_error_of_their_own(status: str) -> None:
    error = errors.unreadable_request(HTTPStatus[status], "why")

    assert error.code == f"TLR{HTTPStatus[status].value}"
    assert error.message == "why"


@pytest.mark.parametrize("dependency", sorted(dependencies()))
def test_a_dependency_has_a_reason(dependency: str) -> None:
    listed = re.findall(r"^\| `([^`]+)` \|", (DOCS / "dependencies.md").read_text(encoding="utf-8"), re.MULTILINE)

    assert dependency in listed


def test_no_dependency_is_explained_that_is_not_used() -> None:
    listed = re.findall(r"^\| `([^`]+)` \|", (DOCS / "dependencies.md").read_text(encoding="utf-8"), re.MULTILINE)

    assert set(listed) - dependencies() == set()


def test_every_pinned_dependency_has_a_hash() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = re.findall(r"^[a-z0-9][^\n]*==[^\n]*\\\n    --hash=sha256:", lock, re.MULTILINE)

    assert len(pins) == lock.count("==") - len(re.findall(r";[^\n]*==", lock))
