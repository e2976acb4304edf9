"""What Postgres's errors mean to a client: SQLSTATE to HTTP status, and errors that dictate the answer.

Source: PostgREST docs, references/errors ("HTTP status codes", "RAISE errors with
HTTP status codes"); Postgres docs, appendix A.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType

from tailrace.engine.errors import ApiError, DatabaseError, DatabaseUnreachable, InvalidRaise
from tailrace.engine.json_document import JsonValue, bounded_integer, parse_json
from tailrace.engine.statement import PostgresError

STATUS_OF_CODE = MappingProxyType(
    {
        "23503": 409,  # foreign_key_violation
        "23505": 409,  # unique_violation
        "25006": 405,  # read_only_sql_transaction
        "53400": 500,  # configuration_limit_exceeded
        "57P01": 503,  # admin_shutdown
        "P0001": 400,  # raise_exception
        "42883": 404,  # undefined_function
        "42P01": 404,  # undefined_table
        "42P17": 500,  # invalid_object_definition: infinite recursion
    }
)
STATUS_OF_CLASS = MappingProxyType(
    {
        "08": 503,  # connection exception
        "09": 500,  # triggered action exception
        "0L": 403,  # invalid grantor
        "0P": 403,  # invalid role specification
        "25": 500,  # invalid transaction state
        "28": 403,  # invalid authorization specification
        "2D": 500,  # invalid transaction termination
        "38": 500,  # external routine exception
        "39": 500,  # external routine invocation exception
        "3B": 500,  # savepoint exception
        "40": 500,  # transaction rollback
        "53": 503,  # insufficient resources
        "54": 500,  # program limit exceeded
        "55": 500,  # object not in prerequisite state
        "57": 500,  # operator intervention
        "58": 500,  # system error
        "F0": 500,  # configuration file error
        "HV": 500,  # foreign data wrapper error
        "P0": 500,  # PL/pgSQL error
        "XX": 500,  # internal error
    }
)
CHOSEN_STATUS = re.compile(r"PT([2-9][0-9][0-9])")
FINAL_STATUSES = range(200, 1000)
"""Statuses that a client can read as the end of an exchange."""
LINE_BREAKS = re.compile(r"[\r\n\0]")
CHALLENGE = (("WWW-Authenticate", "Bearer"),)

MESSAGE_HINT = (
    "MESSAGE must be a JSON object with obligatory keys: 'code', 'message' and optional keys: 'details', 'hint'."
)
DETAIL_HINT = "DETAIL must be a JSON object with obligatory keys: 'status', 'headers' and optional key: 'status_text'."


def database_error(fault: PostgresError, *, authenticated: bool) -> ApiError:
    """The answer for an error that Postgres reported; `authenticated` tells 403 from 401 where a right is missing."""
    if fault.sqlstate == "PGRST":
        return _dictated_error(fault)
    status = status_of(fault, authenticated=authenticated)
    return DatabaseError(
        fault.message,
        status=status,
        code=fault.sqlstate,
        details=fault.detail,
        hint=fault.hint,
        headers=CHALLENGE if status == 401 else (),
        reason=fault.message if fault.sqlstate.startswith("PT") and CHOSEN_STATUS.fullmatch(fault.sqlstate) else None,
    )


def connection_error(text: str | None) -> DatabaseUnreachable:
    """The answer when there is no connection; `text` is libpq's."""
    return DatabaseUnreachable(text)


def status_of(fault: PostgresError, *, authenticated: bool) -> int:
    """The HTTP status of an error; 400 for what has none of its own."""
    code, message = fault.sqlstate, fault.message
    match code:
        case "42501":  # insufficient_privilege
            return 403 if authenticated else 401
        case "21000" if message.endswith("requires a WHERE clause"):
            return 400  # pg-safeupdate refused, which is the client's fault
        case "21000":  # cardinality_violation
            return 500
        case "22023" if message.startswith("role") and message.endswith("does not exist"):
            return 401  # the token names a role that is not there
        case "42883" if message.startswith("function xmlagg("):
            return 406
    if code.startswith("PT"):
        chosen = CHOSEN_STATUS.fullmatch(code)
        return int(chosen[1]) if chosen else 500
    return STATUS_OF_CODE.get(code) or STATUS_OF_CLASS.get(code[:2], 400)


@dataclass(frozen=True, slots=True)
class _Control:
    """DETAIL of `RAISE SQLSTATE 'PGRST'`."""

    status: int
    reason: str | None
    headers: tuple[tuple[str, str], ...]


def _dictated_error(fault: PostgresError) -> ApiError:
    """`RAISE SQLSTATE 'PGRST'`: MESSAGE holds the body, DETAIL status and headers, both as JSON."""
    try:
        body = _read_body(_parse_object(fault.message))
    except ValueError:
        return InvalidRaise(f"Invalid JSON value for MESSAGE: '{fault.message}'", MESSAGE_HINT)
    if fault.detail is None:
        return InvalidRaise("DETAIL is missing in the RAISE statement", DETAIL_HINT)
    try:
        control = _read_control(_parse_object(fault.detail))
    except ValueError:
        return InvalidRaise(f"Invalid JSON value for DETAIL: '{fault.detail}'", DETAIL_HINT)
    code, message, details, hint = body
    return DatabaseError(
        message,
        status=control.status,
        code=code,
        details=details,
        hint=hint,
        headers=control.headers,
        reason=control.reason,
    )


def _parse_object(text: str) -> dict[str, JsonValue]:
    document = parse_json(text)
    if not isinstance(document, dict):
        raise ValueError("not an object")
    return document


def _read_body(document: dict[str, JsonValue]) -> tuple[str, str, str | None, str | None]:
    match document:
        case {"code": str(code), "message": str(message)}:
            return code, message, _optional_text(document, "details"), _optional_text(document, "hint")
        case _:
            raise ValueError("code and message are strings")


def _read_control(document: dict[str, JsonValue]) -> _Control:
    status = bounded_integer(document.get("status"))
    if status not in FINAL_STATUSES:
        raise ValueError("not a status that ends an exchange")
    headers = document.get("headers")
    if not isinstance(headers, dict):
        raise ValueError("headers are an object")
    return _Control(status or 0, _optional_text(document, "status_text"), tuple(_headers(headers)))


def _headers(headers: dict[str, JsonValue]) -> Iterator[tuple[str, str]]:
    for name, value in sorted(headers.items()):
        if not isinstance(value, str) or not name or LINE_BREAKS.search(name) or LINE_BREAKS.search(value):
            raise ValueError("a header is a line of text")
        yield name, value


def _optional_text(document: dict[str, JsonValue], key: str) -> str | None:
    value = document.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{key} is a string")
    return value
