"""The body of a request, and which columns or parameters it gives."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class JsonPayload:
    """JSON for json_to_record(set): an object, or an array of objects of equal keys.

    `raw` is the client's own bytes wherever possible (CSV and forms are turned
    into JSON first). `keys` is None when `columns=` told what to take, and the
    body was not looked at.
    """

    raw: bytes
    keys: frozenset[str] | None

    @property
    def is_object(self) -> bool:
        return self.raw.lstrip(b" \t\n\r")[:1] == b"{"


@dataclass(frozen=True, slots=True)
class FormPayload:
    """A form sent to a function: its parameters, in order."""

    parameters: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RawPayload:
    """A body that goes into a function's one unnamed parameter as it is."""

    raw: bytes


Payload = JsonPayload | FormPayload | RawPayload
