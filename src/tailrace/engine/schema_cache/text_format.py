"""Values in Postgres's text format: arrays written, columns of results read."""

import json
from collections.abc import Iterable
from typing import Any

from tailrace.engine.identifiers import quote_identifier
from tailrace.engine.statement import Rows


def text_array(values: Iterable[str]) -> bytes:
    """An array literal; every element is quoted, so that none is taken for NULL."""
    escaped = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return ("{" + ",".join(f'"{value}"' for value in escaped) + "}").encode()


def identifier_array(names: Iterable[str]) -> bytes:
    """An array literal of quoted identifiers, for a cast to regnamespace[]."""
    return text_array(quote_identifier(name) for name in names)


def text(rows: Rows, row: int, column: int) -> str:
    """A value that is never NULL, as text."""
    return value(rows, row, column).decode()


def value(rows: Rows, row: int, column: int) -> bytes:
    """A value that is never NULL, as it came."""
    found = rows.get_value(row, column)
    if found is None:
        raise ValueError(f"column {column} of a catalog query is NULL")
    return found


def document(rows: Rows, row: int, column: int) -> Any:
    """A JSON value, NULL as None."""
    found = rows.get_value(row, column)
    return None if found is None else json.loads(found.decode())


def numbers(array: bytes) -> tuple[int, ...]:
    """The elements of an array of integers, `{1,2}`."""
    return tuple(map(int, array[1:-1].split(b","))) if len(array) > 2 else ()
