"""Values as the sources of a configuration give them, and what they mean as text, number or truth.

A value of the wrong type is not an error: the setting falls back to its default.
"""

import re
from decimal import Decimal

Value = str | bool | Decimal | tuple["Value", ...]
"""Environment and database give text only; a file gives numbers, booleans and lists as well."""

INTEGER = re.compile(r"(?:0[xX](?P<hex>[0-9a-fA-F]+)|0[oO](?P<oct>[0-7]+)|(?P<dec>[0-9]+))")
LARGEST_PLAIN_NUMBER = 10_000_000


def as_text(value: Value) -> str:
    """Text of a value; what is not text in the file says so: `Bool False`, `Number 13.0`."""
    return value if isinstance(value, str) else _name_type(value)


def as_integer(value: Value) -> int | None:
    """A whole number, also from text such as `10`, ` -3 ` or `0x1F`."""
    if isinstance(value, Decimal):
        return int(value) if abs(value.adjusted()) < 20 and value == value.to_integral_value() else None
    return _read_integer(value) if isinstance(value, str) else None


def as_boolean(value: Value) -> bool | None:
    """Truth, also from text: `true` in any case, with anything but letters ignored, or a number above 0."""
    if isinstance(value, bool):
        return value
    if not isinstance(value, str):
        return None
    match "".join(filter(str.isalpha, value)).lower():
        case "true":
            return True
        case "false":
            return False
    number = _read_integer(value)
    return None if number is None else number > 0


def _read_integer(text: str) -> int | None:
    text = text.strip()
    sign = -1 if text.startswith("-") else 1
    found = INTEGER.fullmatch(text[1:].lstrip() if sign < 0 else text)
    if found is None or len(text) > 40:
        return None
    if found["hex"]:
        return sign * int(found["hex"], 16)
    return sign * (int(found["oct"], 8) if found["oct"] else int(found["dec"]))


def _name_type(value: Value) -> str:
    match value:
        case str():
            return f"String {quoted(value)}"
        case bool():
            return f"Bool {value}"
        case Decimal():
            return f"Number {_show_number(value)}"
        case tuple():
            return f"List [{','.join(map(_name_type, value))}]"


def _show_number(number: Decimal) -> str:
    """`13.0`, `0.5`, `1.0e7`."""
    if number == 0 or Decimal("0.1") <= number < LARGEST_PLAIN_NUMBER:
        text = format(number.normalize(), "f")
        return text if "." in text else f"{text}.0"
    digits = "".join(map(str, number.normalize().as_tuple().digits))
    return f"{digits[0]}.{digits[1:] or '0'}e{number.adjusted()}"


def quoted(text: str) -> str:
    """Text in double quotes, with a backslash before quotes and backslashes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
