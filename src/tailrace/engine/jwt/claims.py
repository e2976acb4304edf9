"""What a token claims, and whether it may be used now and here (RFC 7519, 4.1).

Source: PostgREST docs, references/auth, "JWT claims validation".
"""

from collections.abc import Mapping
from math import floor

from tailrace.engine.errors import ClaimsRejected
from tailrace.engine.json_document import JsonValue, bounded_integer, is_number, parse_json

Claims = Mapping[str, JsonValue]

LEEWAY = 30
"""Seconds that clocks may differ by."""


def parse_claims(payload: bytes) -> Claims:
    """Read a verified token's payload; of a claim that is repeated, the first counts.

    Errors: ClaimsRejected (PGRST303, 401) unless it is a JSON object.
    """
    try:
        claims = parse_json(payload.decode())
    except ValueError:
        claims = None
    if not isinstance(claims, dict):
        raise ClaimsRejected("Parsing claims failed")
    return claims


def check_claims(claims: Claims, audience: str | None, now: float) -> None:
    """Judge the claims on time and audience; cheap, to be done at each use of a token.

    `now` is in seconds since 1970. Claims that are missing or null are not looked at.
    Errors: ClaimsRejected (PGRST303, 401), in the order exp, nbf, iat, aud.
    """
    second = floor(now)
    if (expiry := _time(claims, "exp")) is not None and second - LEEWAY > expiry:
        raise ClaimsRejected("JWT expired")
    if (start := _time(claims, "nbf")) is not None and second + LEEWAY < start:
        raise ClaimsRejected("JWT not yet valid")
    if (issue := _time(claims, "iat")) is not None and second + LEEWAY < issue:
        raise ClaimsRejected("JWT issued at future")
    if not _is_for(_audiences(claims), audience):
        raise ClaimsRejected("JWT not in audience")


def expiry_of(claims: Claims) -> float | None:
    """When the token expires, in seconds since 1970 and without leeway; None is never."""
    expiry = claims.get("exp")
    return float(_seconds(expiry)) if is_number(expiry) else None


def _time(claims: Claims, name: str) -> int | None:
    value = claims.get(name)
    if value is None:
        return None
    if not is_number(value):
        raise ClaimsRejected(f"The JWT '{name}' claim must be a number")
    return _seconds(value)


def _seconds(value: JsonValue) -> int:
    """Whole seconds; what is not whole or beyond 64 bits counts as 1970, as it does in PostgREST."""
    return bounded_integer(value) or 0


def _audiences(claims: Claims) -> list[str]:
    """The audiences that a token names; none means any. The type is checked even if no audience is configured."""
    match claims.get("aud"):
        case None:
            return []
        case str(audience):
            return [audience]
        case list(audiences) if all(isinstance(audience, str) for audience in audiences):
            return audiences
        case _:
            raise ClaimsRejected("The JWT 'aud' claim must be a string or an array of strings")


def _is_for(audiences: list[str], audience: str | None) -> bool:
    return not audiences or audience is None or audience in audiences
