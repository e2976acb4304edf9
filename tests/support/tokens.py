"""JSON Web Tokens signed with HS256, by the standard library alone, so that nothing of ours vouches for itself."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

SECRET = "reallyreallyreallyreallyverysafe"


def sign(claims: Mapping[str, Any], *, secret: str | bytes = SECRET, header: Mapping[str, Any] | None = None) -> str:
    """A token with these claims; `header` adds to or replaces `alg` and `typ`."""
    key = secret.encode() if isinstance(secret, str) else secret
    head = {"alg": "HS256", "typ": "JWT", **(header or {})}
    signed = f"{_part(head)}.{_part(claims)}"
    return f"{signed}.{_base64(hmac.digest(key, signed.encode(), hashlib.sha256))}"


def bearer(role: str | None = "authenticated", **claims: Any) -> dict[str, str]:
    """The header that a client sends to act as `role`; None leaves the role out of the claims."""
    named = {} if role is None else {"role": role}
    return {"Authorization": f"Bearer {sign(named | claims)}"}


def _part(value: Mapping[str, Any]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
