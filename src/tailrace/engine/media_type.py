"""Media types: the ones with a meaning of their own, and how they are written in headers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType


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
BY_NAME = MappingProxyType({media_type.name: media_type for media_type in KNOWN})

TYPE = re.compile(r"((?:[^\W_]|[.*])+)/((?:[^\W_]|[.*+-])+)")
PARAMETER = re.compile(r'\s*;\s*((?:[^\W_]|-)+)\s*=\s*(?:"([^"]*)"|((?:[^\W_]|[|-])+))')
QUALITY = re.compile(r"\s*(-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)")
PLAN_OPTIONS = ("analyze", "verbose", "settings", "buffers", "wal")


def parse_media_type(text: str) -> MediaType:
    """Read a media type; case does not matter. One without a meaning of its own keeps the text as sent.

    Source: PostgREST docs, references/api/media_type_handlers, "Vendored media
    types"; references/observability, "Execution plan".
    """
    known = BY_NAME.get(text)
    if known is not None:
        return known
    match = TYPE.match(text)
    if match is None:
        return MediaType(text)
    name = f"{match[1]}/{match[2]}".lower()
    match name:
        case "application/vnd.pgrst.plan" | "application/vnd.pgrst.plan+text":
            return _plan(PlanFormat.TEXT, _parameters(text, match.end()))
        case "application/vnd.pgrst.plan+json":
            return _plan(PlanFormat.JSON, _parameters(text, match.end()))
        case "application/vnd.pgrst.object" | "application/vnd.pgrst.object+json":
            return OBJECT_STRIPPED if _strips_nulls(text, match.end()) else OBJECT
        case "application/vnd.pgrst.array" | "application/vnd.pgrst.array+json":
            return ARRAY_STRIPPED if _strips_nulls(text, match.end()) else JSON
        case _:
            return BY_NAME.get(name) or MediaType(text)


def _parameters(text: str, position: int) -> Mapping[str, str]:
    """Parameters from a position on, names in lower case, up to what is none; the last of equal names counts."""
    found = {}
    while (match := PARAMETER.match(text, position)) is not None:
        found[match[1].lower()] = match[3] if match[2] is None else match[2]
        position = match.end()
    return found


def _strips_nulls(text: str, position: int) -> bool:
    return _parameters(text, position).get("nulls") == "stripped"


def _plan(format: PlanFormat, parameters: Mapping[str, str]) -> PlanMediaType:
    target = parse_media_type(parameters.get("for", JSON.name))
    asked = parameters.get("options", "").split("|")
    return plan_media_type(target, format, tuple(option for option in PLAN_OPTIONS if option in asked))


def parse_accept(header: bytes) -> tuple[MediaType, ...]:
    """Read an Accept header, best first: by quality, then more parameters and fewer wildcards, then as sent.

    Blanks do not count; what comes after `;q=` is not part of the type. A
    quality that is no number is 1. An empty header accepts nothing.
    """
    known = BY_NAME.get(header.decode("latin-1"))
    if known is not None and b";" not in header:
        return (known,)
    if not header:
        return ()
    ranked = []
    for entry in header.replace(b" ", b"").decode("latin-1").split(","):
        name, _, rest = entry.partition(";q=")
        quality = QUALITY.match(rest.partition(";")[0])
        weight = 1.0 if quality is None else float(quality[1])
        ranked.append(((weight, name.count(";") - name.count("*")), name))
    ranked.sort(key=lambda entry: entry[0], reverse=True)
    return tuple(parse_media_type(name) for _, name in ranked)
