"""What a client says first: which kind of connection it wants, and as whom.

Source: PostgreSQL docs, "Message Formats" and "Message Flow" (SSLRequest, GSSENCRequest,
CancelRequest, StartupMessage). Pure.
"""

from dataclasses import dataclass, field, replace

from tailrace.cluster.front_door.refusal import Refusal, protocol_violation

MAX_STARTUP_LENGTH = 10_000
"""Bytes of a packet with its length word; Postgres's own limit."""
TLS_HANDSHAKE = 0x16
"""The first byte of a client that starts TLS without asking."""

_MAGIC = 1234 << 16
_CANCEL, _SSL, _GSSENC = _MAGIC | 5678, _MAGIC | 5679, _MAGIC | 5680
_MAJOR = 3
_NEWEST_MINOR = 2
_EXTENSION = b"_pq_."
_CANCEL_KEY_MAX = 256
_NO_REPLICATION = (b"", b"0", b"f", b"fa", b"fal", b"fals", b"false", b"n", b"no", b"of", b"off")


@dataclass(frozen=True, slots=True)
class TlsRequest:
    """The client wants to speak TLS on this connection."""


@dataclass(frozen=True, slots=True)
class GssRequest:
    """The client wants GSSAPI encryption, which is not to be had here."""


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """The client wants a statement of another connection to be cancelled."""

    process: int
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Startup:
    """The client wants a session. `parameters` in the client's order, in its encoding."""

    minor: int
    parameters: tuple[tuple[bytes, bytes], ...]

    def get(self, name: bytes) -> bytes:
        """The value that Postgres would take, the last one; empty when there is none."""
        return next((value for key, value in reversed(self.parameters) if key == name), b"")

    @property
    def user(self) -> bytes:
        return self.get(b"user")

    @property
    def wants_replication(self) -> bool:
        """Whether the client may become a WAL sender; in doubt, yes."""
        return self.get(b"replication").strip().lower() not in _NO_REPLICATION


Request = TlsRequest | GssRequest | CancelRequest | Startup


def parse_length(head: bytes) -> int:
    """The length in bytes of what follows a startup packet's four bytes of length.

    Errors: Refusal (08P01) outside of what Postgres accepts.
    """
    length = int.from_bytes(head, "big")
    if not 8 <= length <= MAX_STARTUP_LENGTH:
        raise protocol_violation("invalid length of startup packet")
    return length - 4


def parse_request(body: bytes) -> Request:
    """Read a startup packet without its length word.

    Errors: Refusal (08P01) when malformed; (0A000) for a protocol other than 3.
    """
    code = int.from_bytes(body[:4], "big")
    rest = body[4:]
    if code == _CANCEL:
        return _parse_cancel(rest)
    if code in (_SSL, _GSSENC):
        if rest:
            raise protocol_violation("invalid length of startup packet")
        return TlsRequest() if code == _SSL else GssRequest()
    return Startup(_parse_minor(code), _parse_parameters(rest))


def _parse_cancel(rest: bytes) -> CancelRequest:
    if not 4 < len(rest) <= 4 + _CANCEL_KEY_MAX:
        raise protocol_violation("invalid length of cancel request packet")
    return CancelRequest(int.from_bytes(rest[:4], "big"), rest[4:])


def _parse_minor(code: int) -> int:
    major, minor = divmod(code, 1 << 16)
    if major != _MAJOR:
        raise Refusal(
            "0A000",
            f"unsupported frontend protocol {major}.{minor}: server supports {_MAJOR}.0 to {_MAJOR}.{_NEWEST_MINOR}",
        )
    return minor


def _parse_parameters(rest: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """Names and values, each ended by a zero byte, and a zero byte after the last."""
    if rest == b"\0":
        return ()
    words = rest.split(b"\0")
    names, values, end = words[:-2:2], words[1:-2:2], words[-2:]
    if end != [b"", b""] or len(names) != len(values) or b"" in names:
        raise protocol_violation(
            "invalid startup packet layout", detail="Names and values must end with a zero byte, and the list too."
        )
    return tuple(zip(names, values, strict=True))


def negotiate(startup: Startup) -> tuple[Startup, bytes]:
    """What to ask of the backend instead, and the NegotiateProtocolVersion message that says so (empty: as asked)."""
    unknown = tuple(name for name, _ in startup.parameters if name.startswith(_EXTENSION))
    if startup.minor <= _NEWEST_MINOR and not unknown:
        return startup, b""
    agreed = replace(
        startup,
        minor=min(startup.minor, _NEWEST_MINOR),
        parameters=tuple(pair for pair in startup.parameters if pair[0] not in unknown),
    )
    body = _int32(_MAJOR << 16 | agreed.minor) + _int32(len(unknown)) + b"".join(name + b"\0" for name in unknown)
    return agreed, b"v" + _int32(len(body) + 4) + body


def encode_request(request: Request) -> bytes:
    """The packet, with its length word; the inverse of `parse_request`."""
    match request:
        case TlsRequest():
            body = _int32(_SSL)
        case GssRequest():
            body = _int32(_GSSENC)
        case CancelRequest(process, key):
            body = _int32(_CANCEL) + _int32(process) + key
        case Startup(minor, parameters):
            pairs = b"".join(name + b"\0" + value + b"\0" for name, value in parameters)
            body = _int32(_MAJOR << 16 | minor) + pairs + b"\0"
    return _int32(len(body) + 4) + body


def _int32(value: int) -> bytes:
    return value.to_bytes(4, "big")
