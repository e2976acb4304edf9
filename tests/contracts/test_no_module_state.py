"""No module keeps state: many Data APIs share one process, and nothing of one may reach another."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "tailrace"
MUTABLE_CALLS = frozenset({"list", "dict", "set", "bytearray", "deque", "defaultdict", "Counter", "OrderedDict"})
STATEFUL_CALLS = frozenset({"ContextVar", "local", "WeakValueDictionary", "WeakKeyDictionary", "WeakSet"})
CACHES = frozenset({"cache", "lru_cache"})
MUTABLE_LITERALS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)


def faults(tree: ast.Module) -> Iterator[str]:
    """Each place in a module that keeps state for the whole process."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            yield f"line {node.lineno}: global {', '.join(node.names)}"
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in node.decorator_list:
                if called(decorator) in CACHES:
                    yield f"line {node.lineno}: {node.name} has a cache that the whole process shares"
    yield from faults_of_assignments(tree.body)


def faults_of_assignments(body: list[ast.stmt]) -> Iterator[str]:
    """Mutable values with the life of a module: of its own names and of its classes' attributes."""
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from faults_of_assignments(node.body)
        if isinstance(node, ast.If | ast.Try | ast.With):
            yield from faults_of_assignments(node.body)
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) else None
        if value is None or names(node) == {"__all__"} or names(node) == {"__slots__"}:
            continue
        if isinstance(value, MUTABLE_LITERALS) or called(value) in MUTABLE_CALLS | STATEFUL_CALLS | CACHES:
            yield f"line {node.lineno}: {ast.unparse(value)[:60]} can be changed and lives as long as the module"


def called(node: ast.expr) -> str | None:
    """The last name of what is called or named: `lru_cache` for `functools.lru_cache(maxsize=1)`."""
    if isinstance(node, ast.Call):
        return called(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


def names(node: ast.stmt) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return {target.id for target in targets if isinstance(target, ast.Name)}


@pytest.mark.parametrize("file", sorted(SOURCE.rglob("*.py")), ids=lambda file: str(file.relative_to(SOURCE)))
def test_a_module_keeps_no_state(file: Path) -> None:
    found = list(faults(ast.parse(file.read_text(encoding="utf-8"))))

    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "seen = []",
        "seen: dict[str, int] = {}",
        "seen = set()",
        "import collections\nseen = collections.deque()",
        "from contextvars import ContextVar\ncurrent = ContextVar('current')",
        "import functools\n@functools.lru_cache\ndef f(): ...",
        "import functools\nclass A:\n    @functools.cache\n    def f(self): ...",
        "class A:\n    seen = {}",
        "def f():\n    global x\n    x = 1",
        "if True:\n    seen = [1]",
    ],
)
def test_the_walk_finds_what_it_looks_for(source: str) -> None:
    assert len(list(faults(ast.parse(source)))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "__all__ = ['a']",
        "names = ('a', 'b')",
        "names = frozenset({'a'})",
        "from types import MappingProxyType\ntable = MappingProxyType({'a': 1})",
        "def f():\n    seen = []\n    return seen",
    ],
)
def test_the_walk_lets_constants_be(source: str) -> None:
    assert list(faults(ast.parse(source))) == []
