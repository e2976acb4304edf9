"""Where a token says which role it is for: `jwt-role-claim-key`.

The setting is a JSONPath (RFC 9535), or PostgREST's own JSPath, which is
deprecated. Source: PostgREST docs, references/auth, "JWT role extraction".
The JSONPath library is imported only for paths that are more than names and indexes.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from tailrace.engine.json_document import JsonValue, write_json

ABSENT = object()
"""What a path finds where there is nothing, since null is something."""

Step = str | int
Finder = Callable[[JsonValue], JsonValue]

PLAIN_STEP = re.compile(
    r"""\.([A-Za-z_\u0080-\U0010ffff][\w\u0080-\U0010ffff]*)|\[(-?\d+)\]|\['([^'\\]*)'\]|\["([^"\\]*)"\]"""
)
DEPRECATED_STEP = re.compile(r'\.([\w$@]+)|\[(\d+)\]|\."([^"]*)"')
DEPRECATED_FILTER = re.compile(r'\[\?\(@\s*(==\^|==|!=|\^==|\*==)\s*"([^"]*)"\)\]')


@dataclass(frozen=True, slots=True)
class RolePath:
    """Finds the role in the claims."""

    text: str
    """The setting in its normal form, for `--dump-config`."""
    find: Finder
    """From claims to the value found, or ABSENT."""
    is_deprecated: bool = False


def parse_role_path(text: str) -> RolePath:
    """Read `jwt-role-claim-key`. Errors: ValueError when it is neither a JSONPath nor a JSPath."""
    path = _json_path(text) if text.startswith("$") else _deprecated_path(text)
    if path is None:
        raise ValueError(f"failed to parse role-claim-key value ({text})")
    return path


def role_text(value: JsonValue) -> str:
    """A role's name: a string as it is, anything else (null too) as JSON."""
    return value if isinstance(value, str) else write_json(value)


def _json_path(text: str) -> RolePath | None:
    steps, end = _steps(PLAIN_STEP, text, 1)
    if end == len(text):
        return RolePath(text, _follow(steps))
    from jsonpath import JSONPathEnvironment, JSONPathError

    try:
        query = JSONPathEnvironment(strict=True).compile(text)
    except JSONPathError:
        return None

    def find(claims: JsonValue) -> JsonValue:
        return next((match.obj for match in query.finditer(claims)), ABSENT)

    return RolePath(text, find)


def _deprecated_path(text: str) -> RolePath | None:
    steps, end = _steps(DEPRECATED_STEP, text, 0)
    normal = "".join(f'."{step}"' if isinstance(step, str) else f"[{step}]" for step in steps)
    follow = _follow(steps)
    if text and end == len(text):
        return RolePath(normal, follow, is_deprecated=True)
    condition = DEPRECATED_FILTER.fullmatch(text, end)
    if condition is None:
        return None
    operator, operand = condition[1], condition[2]

    def find(claims: JsonValue) -> JsonValue:
        items = follow(claims)
        if not isinstance(items, list):
            return ABSENT
        return next((item for item in items if isinstance(item, str) and _holds(operator, item, operand)), ABSENT)

    return RolePath(f'{normal}[?(@ {operator} "{operand}")]', find, is_deprecated=True)


def _steps(grammar: re.Pattern[str], text: str, start: int) -> tuple[tuple[Step, ...], int]:
    """The steps that stand at `start`, and where they end."""
    steps: list[Step] = []
    while (match := grammar.match(text, start)) is not None:
        if match.lastindex == 2:
            steps.append(int(match[2]))
        else:
            steps.append(match[match.lastindex or 0])
        start = match.end()
    return tuple(steps), start


def _follow(steps: tuple[Step, ...]) -> Finder:
    def find(value: JsonValue) -> JsonValue:
        for step in steps:
            match value, step:
                case dict(), str():
                    value = value.get(step, ABSENT)
                case list(), int() if -len(value) <= step < len(value):
                    value = value[step]
                case _:
                    return ABSENT
        return value

    return find


def _holds(operator: str, item: str, operand: str) -> bool:
    match operator:
        case "==":
            return item == operand
        case "!=":
            return item != operand
        case "^==":
            return item.startswith(operand)
        case "==^":
            return item.endswith(operand)
        case _:
            return operand in item
