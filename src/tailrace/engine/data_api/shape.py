"""The shape of a request: what its plan depends on, with the values taken out.

Two requests of one shape differ only in the operands of filters, in arguments of
functions, and in the root's limit and offset. Everything else stands in the key as
it was sent. A value is taken out only where it cannot change how the rest of the
text is read; the planner's own parser confirms it for the first request of a shape
(`plan_cache`), so the patterns here may miss operands, but never invent one.
"""

import re
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import unquote_to_bytes

from tailrace.engine.message import HttpRequest
from tailrace.engine.request.filter import Position

DECISIVE_HEADERS = frozenset(
    (b"accept", b"prefer", b"content-type", b"accept-profile", b"content-profile", b"range")
)  # fmt: skip
STRUCTURAL = frozenset((b"select", b"columns", b"on_conflict"))
STRUCTURAL_ENDINGS = (b"order", b".limit", b".offset")
OPERATORS = (
    r"eq|neq|gte?|lte?|i?like|i?match|isdistinct|cs|cd|ov|sl|sr|nxr|nxl|adj|in"
    r"|fts|plfts|phfts|wfts"
)
PREFIX = rf"(?:not\.)?(?:{OPERATORS})(?:\([a-z_A-Z0-9]*\))?\."
FILTER = re.compile(rf"({PREFIX})(.*)", re.DOTALL)
SIMPLE_LIST = re.compile(r"\([^()\"\\{}]*\)")
LOGIC_OPERAND = re.compile(
    rf"(?<=\.)((?:{OPERATORS})(?:\([a-z_A-Z0-9]*\))?\.)([^,()\"\\{{}}]*|(?<=in\.)\([^()\"\\{{}}]*\))(?=[,)])"
)
AWKWARD_IN_LOGIC = re.compile(r"[\"\\{}]")
NOT_AN_ARGUMENT = re.compile(rf"not|is|{OPERATORS}|fts")
MAX_SIZE = 4096
"""Bytes of path, query string and headers that are worth a key."""
NUMBER = re.compile(rb"[0-9]{1,15}")


class Masked(Enum):
    """What stands in a key for a value that was taken out of it; equal to nothing that a client can send."""

    NO_VALUE = "no equals sign"
    ZERO = "offset of zero"
    NUMBER = "limit or offset"
    ARGUMENT = "argument of a function"


@dataclass(slots=True)
class Shape:
    """A key that equal shapes share, and this request's values by their position."""

    key: tuple[object, ...]
    values: dict[Position, str] = field(default_factory=dict)
    limit: int | None = None
    """The root's limit and offset, where they were taken out of the key."""
    offset: int | None = None
    is_odd: bool = False
    """Not worth a kept plan, or not safe: odd limits, the separator `;`, encoded names, NULs, great length."""


def shape_of(request: HttpRequest) -> Shape:
    key: list[object] = [request.method, request.path]
    has_range, size = False, len(request.path) + len(request.query)
    for header in request.headers:
        if header[0] in DECISIVE_HEADERS:
            key.append(header)
            size += len(header[1])
            has_range = has_range or header[0] == b"range"
    shape = Shape(())
    shape.is_odd = size > MAX_SIZE
    query = request.query
    if query and not shape.is_odd:
        shape.is_odd = b";" in query
        is_call = request.path.startswith(b"/rpc/")
        for index, piece in enumerate(query.split(b"&")):
            name, equals, value = piece.partition(b"=")
            key.append(name)
            if not equals:
                key.append(Masked.NO_VALUE)
                continue
            if b"%" in name or b"+" in name:
                shape.is_odd = True
            key.append(_mask(shape, index, name, value, has_range=has_range, is_call=is_call))
    shape.key = tuple(key)
    return shape


def _mask(shape: Shape, index: int, name: bytes, value: bytes, *, has_range: bool, is_call: bool) -> object:
    """What of a parameter's value belongs to the key; the rest goes to the shape's values."""
    if name in STRUCTURAL or name.endswith(STRUCTURAL_ENDINGS):
        return value
    if name in (b"limit", b"offset"):
        return value if has_range else _mask_number(shape, name, value)
    text = decode(value)
    if "\0" in text:
        shape.is_odd = True
    if name.endswith((b"and", b"or")) and name.rpartition(b".")[2] in (b"and", b"or"):
        return _mask_logic(shape, index, text)
    match = FILTER.match(text)
    if match is not None:
        prefix, operand = match.groups()
        if prefix.endswith("in.") and SIMPLE_LIST.fullmatch(operand) is None:
            return value
        shape.values[index, 0] = operand
        return prefix
    if is_call and NOT_AN_ARGUMENT.match(text) is None:
        shape.values[index, 0] = text
        return Masked.ARGUMENT
    return value


def _mask_number(shape: Shape, name: bytes, value: bytes) -> object:
    if NUMBER.fullmatch(value) is None:
        shape.is_odd = True
        return value
    number = int(value)
    if name == b"limit":
        shape.is_odd = shape.is_odd or shape.limit is not None or number == 0
        shape.limit = number
        return Masked.NUMBER
    shape.is_odd = shape.is_odd or shape.offset is not None
    shape.offset = number
    # All rows are asked for otherwise than a part of them
    return Masked.ZERO if number == 0 else Masked.NUMBER


def _mask_logic(shape: Shape, index: int, text: str) -> object:
    if AWKWARD_IN_LOGIC.search(text) is not None:
        return text
    masked, end = [], 0
    for ordinal, match in enumerate(LOGIC_OPERAND.finditer(text)):
        shape.values[index, ordinal] = match[2]
        masked.append(text[end : match.end(1)])
        end = match.end()
    masked.append(text[end:])
    return tuple(masked)


def decode(value: bytes) -> str:
    """Decode a value of a query string."""
    if b"+" in value:
        value = value.replace(b"+", b" ")
    if b"%" in value:
        value = unquote_to_bytes(value)
    return value.decode(errors="replace")
