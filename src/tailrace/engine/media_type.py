"""Media types: the ones with a meaning of their own, and how they are written in headers."""

from dataclasses import dataclass
from enum import Enum


class PlanFormat(Enum):
    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class MediaType:
    """A media type by its canonical name, without parameters such as charset.

    `application/vnd.pgrst.object+json` and its kin carry `;nulls=stripped` in
    their name when nulls are stripped, since that is how they are sent back.
    """

    name: str

    @property
    def content_type(self) -> str:
        """The value of a Content-Type header."""
        return self.name if self in WITHOUT_CHARSET or self not in KNOWN else f"{self.name}; charset=utf-8"


@dataclass(frozen=True, slots=True)
class PlanMediaType(MediaType):
    """`application/vnd.pgrst.plan`: the execution plan of the answer that `target` would get."""

    target: MediaType
    format: PlanFormat
    options: tuple[str, ...]
    """Among analyze, verbose, settings, buffers, wal; in this order."""

    @property
    def content_type(self) -> str:
        return f"{self.name}; charset=utf-8"


def plan_media_type(target: MediaType, format: PlanFormat, options: tuple[str, ...]) -> PlanMediaType:
    name = f'application/vnd.pgrst.plan+{format.value}; for="{target.name}"'
    if options:
        name += f"; options={'|'.join(options)}"
    return PlanMediaType(name, target, format, options)


ANY = MediaType("*/*")
JSON = MediaType("application/json")
GEOJSON = MediaType("application/geo+json")
CSV = MediaType("text/csv")
PLAIN = MediaType("text/plain")
XML = MediaType("text/xml")
OPENAPI = MediaType("application/openapi+json")
URL_ENCODED = MediaType("application/x-www-form-urlencoded")
OCTET_STREAM = MediaType("application/octet-stream")
OBJECT = MediaType("application/vnd.pgrst.object+json")
OBJECT_STRIPPED = MediaType("application/vnd.pgrst.object+json;nulls=stripped")
ARRAY_STRIPPED = MediaType("application/vnd.pgrst.array+json;nulls=stripped")

KNOWN = frozenset(
    (
        ANY, JSON, GEOJSON, CSV, PLAIN, XML, OPENAPI, URL_ENCODED, OCTET_STREAM,
        OBJECT, OBJECT_STRIPPED, ARRAY_STRIPPED,
    )
)  # fmt: skip
WITHOUT_CHARSET = frozenset((OCTET_STREAM,))
SINGULAR = frozenset((OBJECT, OBJECT_STRIPPED))
