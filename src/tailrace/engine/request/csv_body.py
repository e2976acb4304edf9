"""CSV bodies, with the error messages of the Haskell library that PostgREST uses.

Source: PostgREST docs, references/api/tables_views, "Bulk Insert"; RFC 4180;
the documentation of cassava, Data.Csv.

The standard library's reader is more lenient and reports errors differently.
"""

import re

from tailrace.engine.errors import InvalidBody
from tailrace.engine.request.parse_error import show_text

LINE_END = re.compile(rb"\r\n|\n|\r")
UNQUOTED = re.compile(rb'[^",\r\n]*')
QUOTED = re.compile(rb'"((?:[^"]|"")*)("?)')
NULL = "NULL"
SHOWN_BYTES = 100

Row = dict[str, str | None]


def read_csv(body: bytes) -> list[Row]:
    """Read rows by the names in the first line; `NULL` is null, and empty lines do not count.

    A row's fields beyond the header are dropped; a short row lacks the last
    names. Errors: InvalidBody.
    """
    lines = _split_plain(body) if b'"' not in body else _split_quoted(body)
    header = lines[0]
    names = [_decode_name(name, b"") for name in header]
    rows = []
    for fields in lines[1:]:
        if len(fields) > 1 or fields[0]:
            rows.append({name: _value(field) for name, field in zip(names, fields, strict=False)})
    return rows


def _value(field: bytes) -> str | None:
    text = field.decode("utf-8", "replace")
    return None if text == NULL else text


def _decode_name(name: bytes, rest: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError as error:
        reason = f"Cannot decode byte '\\x{name[error.start]:x}': Data.Text.Encoding: Invalid UTF-8 stream"
        raise _fault(f"Failed reading: conversion error: {reason}", rest) from None


def _fault(reason: str, rest: bytes) -> InvalidBody:
    """`rest` is what was not read yet."""
    text = rest[:SHOWN_BYTES].decode("latin-1")
    shown = show_text(text) if len(rest) <= SHOWN_BYTES else f"{text} (truncated)"
    return InvalidBody(f"parse error ({reason}) at {shown}")


def _split_plain(body: bytes) -> list[list[bytes]]:
    """Lines and their fields, where nothing is quoted."""
    lines = LINE_END.split(body)
    if len(lines) == 1:
        raise _fault("not enough input", b"")
    return [line.split(b",") for line in lines]


def _split_quoted(body: bytes) -> list[list[bytes]]:
    """Lines and their fields, some of them quoted."""
    lines: list[list[bytes]] = []
    fields: list[bytes] = []
    position = 0
    while True:
        field, position = _read_field(body, position)
        fields.append(field)
        if body.startswith(b",", position):
            position += 1
            continue
        lines.append(fields)
        fields = []
        if position == len(body):
            if len(lines) == 1:
                raise _fault("not enough input", b"")
            return lines
        line_end = LINE_END.match(body, position)
        if line_end is None:
            raise _fault("Failed reading: satisfy", body[position:])
        position = line_end.end()


def _read_field(body: bytes, position: int) -> tuple[bytes, int]:
    """The field that begins here, and where it ends.

    A quote that is never closed takes the rest of the body but its last byte.
    """
    quoted = QUOTED.match(body, position)
    if quoted is None:
        plain = UNQUOTED.match(body, position)
        return (plain[0], plain.end()) if plain is not None else (b"", position)
    content, close = quoted[1], quoted[2]
    if not close:
        if not content:
            raise _fault("Failed reading: trailing double quote", b"")
        if content.endswith(b'""'):
            raise _fault("Failed reading: insufficient input", b"")
        content = content[:-1]
    return content.replace(b'""', b'"'), quoted.end()
