"""Messages of the authentication phase, both ways.

Source: PostgreSQL docs, "Message Formats". Pure.
"""

from dataclasses import dataclass
from enum import IntEnum

from tailrace.cluster.front_door.refusal import Refusal, protocol_violation

HEAD = 5
"""Bytes of a message's type and length."""
MAX_CLIENT_MESSAGE = 8_192
"""Bytes of a SASL message from a client that is not yet known; SCRAM's take a few hundred."""
MAX_BACKEND_MESSAGE = 65_536


class Authentication(IntEnum):
    """The kinds of the message R that SCRAM has to do with."""

    OK = 0
    SASL = 10
    SASL_CONTINUE = 11
    SASL_FINAL = 12


@dataclass(frozen=True, slots=True)
class Message:
    kind: bytes
    body: bytes

    def encode(self) -> bytes:
        return self.kind + (len(self.body) + 4).to_bytes(4, "big") + self.body


def parse_head(head: bytes, *, limit: int) -> tuple[bytes, int]:
    """Type and length of the body of the message that begins so.

    Errors: Refusal (08P01) when it is longer than `limit` bytes.
    """
    length = int.from_bytes(head[1:HEAD], "big") - 4
    if not 0 <= length <= limit:
        raise protocol_violation("invalid message length")
    return head[:1], length


def encode_refusal(refusal: Refusal) -> bytes:
    """An ErrorResponse. A zero byte in a text would end its field: it cannot stay."""
    fields = (
        ("S", "FATAL"),
        ("V", "FATAL"),
        ("C", refusal.sqlstate),
        ("M", refusal.message),
        ("D", refusal.detail),
        ("H", refusal.hint),
    )
    body = b"".join(
        name.encode() + text.replace("\0", "").encode("utf-8", "replace") + b"\0" for name, text in fields if text
    )
    return Message(b"E", body + b"\0").encode()


def authentication(kind: Authentication, data: bytes = b"") -> bytes:
    return Message(b"R", kind.to_bytes(4, "big") + data).encode()


def offer_mechanisms(mechanisms: tuple[str, ...]) -> bytes:
    """AuthenticationSASL, the preferred mechanism first."""
    return authentication(Authentication.SASL, b"".join(name.encode() + b"\0" for name in mechanisms) + b"\0")


def parse_authentication(body: bytes) -> tuple[int, bytes]:
    """The kind and the data of a message R. Errors: Refusal (08P01) when it is too short."""
    if len(body) < 4:
        raise protocol_violation("invalid authentication message")
    return int.from_bytes(body[:4], "big"), body[4:]


def parse_mechanisms(data: bytes) -> tuple[str, ...]:
    return tuple(name.decode("ascii", "replace") for name in data.split(b"\0") if name)


def parse_initial_response(body: bytes) -> tuple[str, bytes | None]:
    """The mechanism that the client chose and its first message, which it may leave out.

    Errors: Refusal (08P01) when malformed.
    """
    name, separator, rest = body.partition(b"\0")
    length, data = rest[:4], rest[4:]
    if not separator or len(length) != 4:
        raise protocol_violation("malformed SASL initial response")
    if length == b"\xff\xff\xff\xff":
        if data:
            raise protocol_violation("malformed SASL initial response")
        return name.decode("ascii", "replace"), None
    if int.from_bytes(length, "big") != len(data):
        raise protocol_violation("malformed SASL initial response")
    return name.decode("ascii", "replace"), data


def initial_response(mechanism: str, data: bytes) -> bytes:
    return Message(b"p", mechanism.encode() + b"\0" + len(data).to_bytes(4, "big") + data).encode()


def response(data: bytes) -> bytes:
    return Message(b"p", data).encode()
