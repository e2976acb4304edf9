"""Verifies a token's signature and hands out what it says (RFC 7515; PostgREST docs, references/auth)."""

from dataclasses import dataclass

from tailrace.engine.errors import TokenUndecodable
from tailrace.engine.json_document import parse_json
from tailrace.engine.jwt.algorithm import Algorithm, find_algorithm
from tailrace.engine.jwt.base64url import decode_base64url
from tailrace.engine.jwt.keys import KeySet


@dataclass(frozen=True, slots=True)
class TokenHeader:
    algorithm: Algorithm
    key_id: str | None


def verify(token: bytes, keys: KeySet) -> bytes:
    """Give the payload of a token that one of the keys has signed.

    Errors: TokenUndecodable (PGRST301, 401). The token's header can only choose
    among the keys and algorithms that the configuration allows.
    """
    parts = token.split(b".")
    if not token:
        raise TokenUndecodable("Empty JWT is sent in Authorization header")
    if len(parts) != 3:
        raise TokenUndecodable(f"Expected 3 parts in JWT; got {len(parts)}")
    head, payload, signature = parts
    try:
        header = _read_header(decode_base64url(head))
        claims = decode_base64url(payload)
        if header is None:
            raise _unsecured()
        signature = decode_base64url(signature)
    except ValueError:
        raise TokenUndecodable("JWT cryptographic operation failed") from None
    _check_signature(header, keys, head + b"." + payload, signature)
    return claims


def _check_signature(header: TokenHeader, keys: KeySet, signed: bytes, signature: bytes) -> None:
    suitable = [key for key in keys.keys if key.suits(header.algorithm, header.key_id)]
    if not suitable:
        raise _no_key("No suitable key was found to decode the JWT")
    if not any(key.verifies(header.algorithm, signed, signature) for key in suitable):
        raise _no_key("None of the keys was able to decode the JWT")


def _read_header(raw: bytes) -> TokenHeader | None:
    """The header of a signed token, None if it says that it is unsecured; ValueError for anything else."""
    header = parse_json(raw.decode())
    if not isinstance(header, dict):
        raise ValueError("a header is an object")
    if header.get("alg") == "none":
        return None
    algorithm = find_algorithm(header.get("alg"))
    if algorithm is None or "enc" in header:
        raise ValueError("neither signed nor unsecured")
    if any(not isinstance(header.get(name), str | None) for name in ("typ", "cty", "kid")):
        raise ValueError("header members are strings")
    if "crit" in header:
        raise ValueError("no extension is understood here (RFC 7515, 4.1.11)")
    return TokenHeader(algorithm, header.get("kid"))


def _unsecured() -> TokenUndecodable:
    return TokenUndecodable(
        "Wrong or unsupported encoding algorithm", "JWT is unsecured but expected 'alg' was not 'none'"
    )


def _no_key(details: str) -> TokenUndecodable:
    return TokenUndecodable("No suitable key or wrong key type", details)
