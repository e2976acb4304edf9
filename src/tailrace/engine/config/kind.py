"""The kinds of settings: how a value is read, and how it is written down again."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from tailrace.engine.config.error import ConfigError
from tailrace.engine.config.uri import is_proxy_uri, is_uri
from tailrace.engine.config.value import Value, as_boolean, as_integer, as_text
from tailrace.engine.identifiers import QualifiedName, parse_qualified_name

SYSTEM_SCHEMAS = ("pg_catalog", "information_schema")
SMALLEST_MODE, LARGEST_MODE = 0o600, 0o777


@dataclass(frozen=True, slots=True)
class Kind:
    """`read` makes what Config holds; None means that the value says nothing, so the default holds.

    `write` makes what a configuration file says after the `=`.
    """

    label: str
    """For the documentation: String, Int or Boolean."""
    read: Callable[[Value], Any]
    write: Callable[[Any], str]


def in_quotes(text: str) -> str:
    """Text as a configuration file has it; only quotes are escaped, as PostgREST does."""
    escaped = text.replace('"', '\\"')
    return f'"{escaped}"'


def _read_text(value: Value) -> str | None:
    return as_text(value) or None


def _split(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


def _read_list(value: Value) -> tuple[str, ...] | None:
    text = as_text(value)
    return _split(text) if text else None


def _read_list_or_empty(value: Value) -> tuple[str, ...]:
    text = as_text(value)
    return _split(text) if text else ()


def _read_schemas(value: Value) -> tuple[str, ...] | None:
    schemas = _read_list(value)
    for forbidden in SYSTEM_SCHEMAS:
        if schemas is not None and forbidden in schemas:
            raise ConfigError(f"db-schemas does not allow schema: '{forbidden}'")
    return schemas


def _read_name(value: Value) -> QualifiedName | None:
    text = _read_text(value)
    return None if text is None else parse_qualified_name(text)


def _read_audience(value: Value) -> str | None:
    text = _read_text(value)
    if text is not None and ":" in text and not is_uri(text):
        raise ConfigError("jwt-aud should be a string or a valid URI")
    return text


def _read_proxy_uri(value: Value) -> str | None:
    text = _read_text(value)
    if text is not None and not is_proxy_uri(text):
        raise ConfigError("Malformed proxy uri, a correct example: https://example.com:8443/basePath")
    return text


def _read_secret(value: Value) -> bytes | None:
    text = _read_text(value)
    return None if text is None else text.encode(errors="surrogateescape")


def _read_transaction_end(value: Value) -> tuple[bool, bool] | None:
    match _read_text(value):
        case None:
            return None
        case "commit":
            return (False, False)
        case "commit-allow-override":
            return (False, True)
        case "rollback":
            return (True, False)
        case "rollback-allow-override":
            return (True, True)
    raise ConfigError("Invalid transaction termination. Check your configuration.")


def _write_transaction_end(ends: tuple[bool, bool]) -> str:
    rollback, override = ends
    return in_quotes(("rollback" if rollback else "commit") + ("-allow-override" if override else ""))


def _write_text(text: str | None) -> str:
    return in_quotes(text or "")


def _write_role_path(path: str) -> str:
    """A dollar sign is doubled where it would be read as an interpolation; the older syntax begins with a dot."""
    return in_quotes(path.replace("$", "$$") if path.startswith("$") else path)


def _write_list(names: tuple[str, ...]) -> str:
    return in_quotes(",".join(names))


def _write_integer(number: int | None) -> str:
    return '""' if number is None else str(number)


def _write_boolean(truth: bool) -> str:
    return "true" if truth else "false"


def _write_name(name: QualifiedName | None) -> str:
    return _write_text(None if name is None else str(name))


def _write_mode(mode: int) -> str:
    return in_quotes(format(mode, "o"))


def _write_secret(secret: bytes | None) -> str:
    return in_quotes((secret or b"").decode(errors="replace"))


TEXT = Kind("String", _read_text, _write_text)
ROLE_PATH = Kind("String", _read_text, _write_role_path)
LIST = Kind("String", _read_list, _write_list)
LIST_OR_EMPTY = Kind("String", _read_list_or_empty, _write_list)
SCHEMAS = Kind("String", _read_schemas, _write_list)
NAME = Kind("String", _read_name, _write_name)
AUDIENCE = Kind("String", _read_audience, _write_text)
PROXY_URI = Kind("String", _read_proxy_uri, _write_text)
SECRET = Kind("String", _read_secret, _write_secret)
TRANSACTION_END = Kind("String", _read_transaction_end, _write_transaction_end)
INTEGER = Kind("Int", as_integer, _write_integer)
BOOLEAN = Kind("Boolean", as_boolean, _write_boolean)


def choice(options: type[Enum], complaint: str) -> Kind:
    """One of an enum's values, or an error that says `complaint`."""

    def read(value: Value) -> Enum | None:
        text = _read_text(value)
        if text is None:
            return None
        for option in options:
            if option.value == text:
                return option
        raise ConfigError(complaint)

    return Kind("String", read, lambda option: in_quotes(option.value))


def file_mode(setting: str) -> Kind:
    """A mode in octal digits, of which the leading ones count."""

    def read(value: Value) -> int | None:
        text = _read_text(value)
        if text is None:
            return None
        digits = text[: len(text) - len(text.lstrip("01234567"))]
        if not digits:
            raise ConfigError(f"Invalid {setting}: not an octal")
        mode = int(digits[:20], 8)
        if not SMALLEST_MODE <= mode <= LARGEST_MODE:
            raise ConfigError(f"Invalid {setting}: needs to be between 600 and 777")
        return mode

    return Kind("String", read, _write_mode)


def count(setting: str, *, least: int) -> Kind:
    """A whole number that may not be smaller than `least`; for settings of Tailrace's own."""

    def read(value: Value) -> int | None:
        if value == "":
            return None
        number = as_integer(value)
        if number is None or number < least:
            raise ConfigError(f"Invalid {setting}: needs to be a whole number, at least {least}")
        return number

    return Kind("Int", read, _write_integer)
