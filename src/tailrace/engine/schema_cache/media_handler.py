"""Media type handlers: what turns rows into a body of some media type.

Source: PostgREST docs, references/api/media_type_handlers.
"""

from dataclasses import dataclass
from enum import Enum

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.media_type import MediaType


class Builtin(Enum):
    JSON = "json"
    """A JSON array of objects (or whatever a function returns)."""
    JSON_STRIPPED = "json, nulls stripped"
    OBJECT = "one object"
    OBJECT_STRIPPED = "one object, nulls stripped"
    GEOJSON = "geojson"
    CSV = "csv"
    NONE = "no body"


@dataclass(frozen=True, slots=True)
class CustomHandler:
    """An aggregate or function of the database."""

    function: QualifiedName
    relation: QualifiedName | None
    """The relation that it was made for; None for anyelement."""


MediaHandler = Builtin | CustomHandler


@dataclass(frozen=True, slots=True)
class ResolvedHandler:
    """A handler with the media type that it answers, which differs for handlers of `*/*`."""

    handler: MediaHandler
    media_type: MediaType
