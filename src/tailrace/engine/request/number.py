"""Whole numbers as Haskell's `read` accepts them, which is what PostgREST does with `limit` and the like."""

import re

INTEGER = re.compile(r"[\s(]*(?:(-)\s*)?(0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|[0-9]+)[\s)]*", re.ASCII)
MAXIMUM_DIGITS = 400
MAXIMUM_LENGTH = 1000


def read_integer(text: str) -> int | None:
    """Read `5`, ` -5 `, `(5)` or `0x1F`; None for anything else, and for numbers of absurd length."""
    if text.isdecimal() and text.isascii() and len(text) <= MAXIMUM_DIGITS:
        return int(text)
    if len(text) > MAXIMUM_LENGTH:
        return None
    match = INTEGER.fullmatch(text)
    if match is None or not _balanced(text) or len(match[2]) > MAXIMUM_DIGITS:
        return None
    sign, digits = match.groups()
    number = int(digits, 0) if digits[1:2].isalpha() else int(digits)
    return -number if sign else number


def read_int64(text: str) -> int | None:
    """Read a number of 64 bits; one that is too large wraps around."""
    number = read_integer(text)
    return None if number is None else (number + 2**63) % 2**64 - 2**63


def _balanced(text: str) -> bool:
    """Whether as many parentheses open before the number as close after it."""
    return text.count("(") == text.count(")")
