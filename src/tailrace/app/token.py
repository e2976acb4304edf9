"""The token that is printed for trying things out (JWT with HS256: RFC 7519, RFC 7518 section 3.2)."""

import base64
import hashlib
import hmac
import json


def make_token(secret: str, *, role: str, subject: str, expires: int) -> str:
    """A token that lets its bearer act as `role` for the user `subject` until `expires` (Unix seconds)."""
    head = _encode(json.dumps({"alg": "HS256", "typ": "JWT"}, separators=(",", ":")).encode())
    claims = _encode(json.dumps({"role": role, "sub": subject, "exp": expires}, separators=(",", ":")).encode())
    signature = hmac.digest(secret.encode(), f"{head}.{claims}".encode(), hashlib.sha256)
    return f"{head}.{claims}.{_encode(signature)}"


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
