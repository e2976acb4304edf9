"""Errors of the parser: how they are joined, and how they are put into words.

Source: Parsec's documentation, Text.Parsec.Error; the Haskell 2010 report, 2.6
and `showLitChar`, for the way that characters are quoted.
"""

from enum import IntEnum


class MessageKind(IntEnum):
    """In the order in which messages are shown."""

    FOUND = 0
    """A character where another was needed; its index in the text, whose length is its end."""
    UNWANTED = 1
    """A character that must not be there; its index."""
    EXPECTED = 2
    """What could have been there: a label."""


Message = tuple[MessageKind, int | str]
ParseError = tuple[int, tuple[Message, ...]]
"""An index in the text and what there is to say about it."""

ASCII_NAMES = (
    "NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "a", "b", "t", "n", "v", "f", "r", "SO", "SI",
    "DLE", "DC1", "DC2", "DC3", "DC4", "NAK", "SYN", "ETB", "CAN", "EM", "SUB", "ESC", "FS", "GS", "RS", "US",
)  # fmt: skip
HASKELL_SPACES = (
    " \t\n\r\f\v\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
)
TAB_WIDTH = 8


def merge(first: ParseError | None, second: ParseError | None) -> ParseError | None:
    """The error that is farther on, or both if they stand at the same place."""
    if first is None:
        return second
    if second is None:
        return first
    if first[0] == second[0]:
        return (first[0], first[1] + second[1])
    return first if first[0] > second[0] else second


def line_and_column(text: str, position: int) -> tuple[int, int]:
    """Line and column of an index, both from 1; a tab leads to the next multiple of eight."""
    line, column = 1, 1
    for character in text[:position]:
        if character == "\n":
            line, column = line + 1, 1
        elif character == "\t":
            column += TAB_WIDTH - (column - 1) % TAB_WIDTH
        else:
            column += 1
    return line, column


def describe(text: str, messages: tuple[Message, ...]) -> str:
    """Put an error into words: `unexpected … expecting …, … or …`."""
    if not messages:
        return "unknown parse error"
    parts = []
    unwanted = [index for kind, index in messages if kind is MessageKind.UNWANTED]
    found = [index for kind, index in messages if kind is MessageKind.FOUND]
    if unwanted:
        parts.append(f"unexpected {_one_or_other([show_character(text[int(index)]) for index in unwanted])}")
    elif found:
        index = int(found[0])
        parts.append(f"unexpected {show_text(text[index]) if index < len(text) else 'end of input'}")
    expected = [str(label) for kind, label in messages if kind is MessageKind.EXPECTED]
    if expected:
        parts.append(f"expecting {_one_or_other(expected)}")
    return " ".join(parts).replace("\n", " ").strip(HASKELL_SPACES)


def _one_or_other(names: list[str]) -> str:
    different = list(dict.fromkeys(names))
    if len(different) == 1:
        return different[0]
    return f"{', '.join(different[:-1])} or {different[-1]}"


def show_text(text: str) -> str:
    """A text as Haskell quotes it; a number or `SO` is kept apart from what could continue it."""
    parts = []
    previous = ""
    for character in text:
        shown = '\\"' if character == '"' else _escape(character)
        numeric = previous.startswith("\\") and previous[1:].isdecimal() and character in "0123456789"
        parts.append("\\&" + shown if numeric or (previous == "\\SO" and character == "H") else shown)
        previous = shown
    return f'"{"".join(parts)}"'


def show_character(character: str) -> str:
    """A character as Haskell quotes it."""
    return "'\\''" if character == "'" else f"'{_escape(character)}'"


def _escape(character: str) -> str:
    code = ord(character)
    if code < len(ASCII_NAMES):
        return f"\\{ASCII_NAMES[code]}"
    if character == "\\":
        return "\\\\"
    if code == 127:
        return "\\DEL"
    return character if code < 127 else f"\\{code}"
