"""A small parser-combinator core whose error reports read as PostgREST's do.

PostgREST answers with the words of the Haskell library Parsec, and clients see
them in `message` and `details` of PGRST100, so the bookkeeping here follows the
rules of that library:

- a parser that fails after consuming input is not followed by an alternative,
  unless it stands in `attempt`;
- an error is a place and what was met or expected there; of two errors the one
  farther on counts, and two at the same place are joined;
- a parser that succeeds leaves an error, too (what else could have come), which
  counts as long as nothing more is consumed.

Source: Parsec's documentation, Text.Parsec.Prim and Text.Parsec.Error.

One grammar serves twice. `parse` runs it with its shortcuts (regular expressions
for plain names and operators); if that fails, it runs it again without them,
for the exact error. A shortcut therefore only has to give the same value.
"""

import re
from collections.abc import Callable
from enum import Enum
from typing import Any, Final, TypeVar

from tailrace.engine.errors import QueryParseError
from tailrace.engine.request.parse_error import (
    Message,
    MessageKind,
    ParseError,
    describe,
    line_and_column,
    merge,
    show_text,
)

T = TypeVar("T")

MAXIMUM_DEPTH: Final = 60
"""Levels of parentheses that a parameter may have; keeps Python's stack safe."""


class Failure(Enum):
    FAILED = "failed"


FAILED: Final = Failure.FAILED


class Source:
    """The text of one parameter while it is read.

    A parser moves `position` and leaves its error in `error`. It has consumed
    input if `position` moved, whether it succeeded or failed.
    """

    __slots__ = ("depth", "error", "operands", "parameter", "position", "quick", "text")

    def __init__(self, text: str, parameter: int, *, quick: bool) -> None:
        self.text = text
        self.parameter = parameter
        self.quick = quick
        self.position = 0
        self.error: ParseError | None = None
        self.operands = 0
        self.depth = 0

    def next_operand(self) -> tuple[int, int]:
        """The place of the next operand: (index of the parameter, ordinal in it)."""
        place = (self.parameter, self.operands)
        self.operands += 1
        return place


class TooDeep(Exception):
    """More levels of parentheses than MAXIMUM_DEPTH."""


Parser = Callable[[Source], T | Failure]


def parse(parser: Parser[T], text: str, *, what: str, parameter: int = 0) -> T:
    """Read the beginning of a text; what follows is ignored unless the grammar minds.

    `what` begins the error's message ("failed to parse …"); `parameter` is the
    index that the positions of operands get.
    Errors: QueryParseError.
    """
    try:
        value = parser(Source(text, parameter, quick=True))
        if value is not FAILED:
            return value
        source = Source(text, parameter, quick=False)
        value = parser(source)
    except TooDeep:
        raise QueryParseError(f'"{what}" (line 1, column 1)', "too many levels of parentheses") from None
    if value is not FAILED:
        return value
    position, messages = source.error or (source.position, ())
    line, column = line_and_column(text, position)
    raise QueryParseError(f'"{what}" (line {line}, column {column})', describe(text, messages))


# One character or word ---------------------------------------------------------------------


def string(expected: str) -> Parser[str]:
    """This very text. A partial match counts as consumed, its error stands at the beginning."""
    label: Message = (MessageKind.EXPECTED, show_text(expected))
    length = len(expected)

    def run(source: Source) -> str | Failure:
        start = source.position
        if source.text.startswith(expected, start):
            source.position = start + length
            source.error = None
            return expected
        text = source.text
        index = start
        while index < len(text) and text[index] == expected[index - start]:
            index += 1
        source.position = index
        source.error = (start, ((MessageKind.FOUND, index), label))
        return FAILED

    return run


char = string
"""One character is a word of length one."""


def span(pattern: re.Pattern[str], *expected: str, least: int = 0) -> Parser[str]:
    """All characters of a class from here on; `expected` are the labels of the class."""
    labels: tuple[Message, ...] = tuple((MessageKind.EXPECTED, label) for label in expected)

    def run(source: Source) -> str | Failure:
        start = source.position
        match = pattern.match(source.text, start)
        end = match.end() if match else start
        source.position = end
        source.error = (end, ((MessageKind.FOUND, end), *labels))
        if end - start < least:
            return FAILED
        return source.text[start:end]

    return run


def not_followed_by(pattern: re.Pattern[str], *expected: str) -> Parser[None]:
    """The next character, which stays, is not one of this class."""
    labels: tuple[Message, ...] = tuple((MessageKind.EXPECTED, label) for label in expected)

    def run(source: Source) -> Failure | None:
        start = source.position
        if pattern.match(source.text, start):
            source.error = (start + 1, ((MessageKind.UNWANTED, start),))
            return FAILED
        source.error = (start, ((MessageKind.FOUND, start), *labels))
        return None

    return run


def end_of_input(source: Source) -> Failure | None:
    start = source.position
    label: Message = (MessageKind.EXPECTED, "end of input")
    if start < len(source.text):
        source.error = (start, (label, (MessageKind.UNWANTED, start)))
        return FAILED
    source.error = (start, (label, (MessageKind.FOUND, start)))
    return None


# Combinations ------------------------------------------------------------------------------


def apply(build: Callable[..., T], *parsers: Parser[Any]) -> Parser[T]:
    """All of the parsers, one after the other; `build` makes the value of theirs."""

    def run(source: Source) -> T | Failure:
        values = []
        error: ParseError | None = None
        for parser in parsers:
            start = source.position
            value = parser(source)
            if error is not None and source.position == start:
                source.error = merge(error, source.error)
            if value is FAILED:
                return FAILED
            error = source.error
            values.append(value)
        return build(*values)

    return run


def choice(*parsers: Parser[T]) -> Parser[T]:
    """The first of the parsers that does not fail right at the beginning."""

    def run(source: Source) -> T | Failure:
        start = source.position
        error: ParseError | None = None
        for parser in parsers:
            value = parser(source)
            if source.position != start:
                return value
            error = source.error = merge(error, source.error)
            if value is not FAILED:
                return value
        return FAILED

    return run


def pure(value: T) -> Parser[T]:
    """Nothing consumed, this value."""

    def run(source: Source) -> T:
        source.error = None
        return value

    return run


def option(default: T, parser: Parser[T]) -> Parser[T]:
    return choice(parser, pure(default))


def optional(parser: Parser[T]) -> Parser[T | None]:
    return choice(parser, pure(None))


def attempt(parser: Parser[T]) -> Parser[T]:
    """Nothing counts as consumed if the parser fails."""

    def run(source: Source) -> T | Failure:
        start = source.position
        value = parser(source)
        if value is FAILED:
            source.position = start
        return value

    return run


def look_ahead(parser: Parser[T]) -> Parser[T]:
    """What comes next, without consuming it."""

    def run(source: Source) -> T | Failure:
        start = source.position
        value = parser(source)
        if value is not FAILED:
            source.position = start
            source.error = None
        return value

    return run


def label(parser: Parser[T], name: str) -> Parser[T]:
    """Call what the parser expects at its beginning by one name."""
    expected: Message = (MessageKind.EXPECTED, name)

    def run(source: Source) -> T | Failure:
        start = source.position
        value = parser(source)
        if source.position == start and (value is FAILED or source.error is not None):
            position, messages = source.error or (start, ())
            others = tuple(message for message in messages if message[0] is not MessageKind.EXPECTED)
            source.error = (position, (expected, *others))
        return value

    return run


def many(parser: Parser[T], *, keep_error: bool = False) -> Parser[list[T]]:
    """As often as the parser succeeds.

    `keep_error` keeps what the last success could have gone on with. (Parsec has
    two kinds of `many`, and PostgREST uses both.)
    """

    def run(source: Source) -> list[T] | Failure:
        values: list[T] = []
        error: ParseError | None = None
        while True:
            start = source.position
            value = parser(source)
            if value is FAILED:
                if source.position != start:
                    return FAILED
                if keep_error:
                    source.error = merge(error, source.error)
                return values
            error = source.error
            values.append(value)

    return run


def separated(parser: Parser[T], separator: Parser[Any]) -> Parser[list[T]]:
    """At least one, with separators between them."""
    following = many(apply(lambda _, value: value, separator, parser))
    return apply(lambda first, others: [first, *others], parser, following)


def refuse(parser: Parser[T], unwanted: T) -> Parser[T]:
    """Fail, without a word of its own, if the value is the unwanted one."""

    def run(source: Source) -> T | Failure:
        value = parser(source)
        return FAILED if value == unwanted else value

    return run


def nested(find: Callable[[], Parser[T]]) -> Parser[T]:
    """A rule that contains itself; `find` returns it once it is defined."""

    def run(source: Source) -> T | Failure:
        source.depth += 1
        if source.depth > MAXIMUM_DEPTH:
            raise TooDeep
        value = find()(source)
        source.depth -= 1
        return value

    return run


def shortcut(pattern: re.Pattern[str], build: Callable[[re.Match[str]], T], parser: Parser[T]) -> Parser[T]:
    """Take what the pattern matches, if anything, as the parser would have read it."""

    def run(source: Source) -> T | Failure:
        if source.quick:
            match = pattern.match(source.text, source.position)
            if match is not None:
                source.position = match.end()
                source.error = None
                return build(match)
        return parser(source)

    return run
