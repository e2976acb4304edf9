"""Headers that say where a resource is: Location and Content-Location."""

from urllib.parse import quote

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.json_document import parse_json
from tailrace.engine.response.headers import header_text


def relation_path(target: QualifiedName) -> bytes:
    """A relation's path as PostgREST writes it: the name as it is, not percent-encoded."""
    return b"/" + header_text(target.name)


def inserted_location(path: bytes, keys: bytes | None) -> bytes | None:
    """Where the inserted row is, from the statement's JSON array of `column=eq.value`; None without a key."""
    if keys is None:
        return None
    pairs = (pair.partition("=") for pair in parse_json(keys.decode()))
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, _, value in pairs)
    return path + b"?" + query.encode() if query else None
