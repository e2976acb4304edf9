"""What `jwt-secret` and `db-uri` say once their file is read and base64 is undone.

Source: PostgREST docs, references/configuration, "jwt-secret" and "db-uri".
"""

import binascii
from collections.abc import Callable
from dataclasses import replace

from tailrace.engine.config.config import Config
from tailrace.engine.config.error import ConfigError

ReadBytes = Callable[[str], bytes]
"""Reads a file; raises ConfigError."""


def resolve_files(config: Config, read_bytes: ReadBytes) -> Config:
    """The configuration with `@filename` replaced by what the file says, and the secret decoded.

    Errors: ConfigError, also for a secret that is not base64 though jwt-secret-is-base64 says so.
    """
    uri, secret = config.db_uri, config.jwt_secret
    if uri.startswith("@"):
        uri = _decode(read_bytes(uri[1:]), uri).strip()
    if secret is not None and secret.startswith(b"@"):
        secret = read_bytes(secret[1:].decode()).removesuffix(b"\n")
    if secret is not None and config.jwt_secret_is_base64:
        secret = decode_base64(secret)
    return replace(config, db_uri=uri, jwt_secret=secret)


def decode_base64(secret: bytes) -> bytes:
    """Undo base64 in its common or its URL alphabet; padding may be written with dots."""
    standard = secret.translate(bytes.maketrans(b"-_.", b"+/=")).strip()
    try:
        return binascii.a2b_base64(standard, strict_mode=True)
    except binascii.Error as error:
        raise ConfigError(f"jwt-secret is not valid base64: {error}") from None


def _decode(content: bytes, name: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise ConfigError(f"{name} is not UTF-8") from None
