"""Base64 as tokens and keys use it: URL-safe, without padding, and nothing else in between (RFC 7515, 2)."""

from binascii import a2b_base64

TO_STANDARD = bytes.maketrans(b"-_+/=", b"+/!!!")
PADDING = (b"", b"!", b"==", b"=")
"""By the length modulo 4; a single character left over is no base64."""


def decode_base64url(text: bytes) -> bytes:
    """Errors: ValueError for padding, the other alphabet, white space or a cut end."""
    return a2b_base64(text.translate(TO_STANDARD) + PADDING[len(text) % 4], strict_mode=True)
