"""The JSON of request.headers and request.cookies, kept for clients that send the same headers again."""

import json
from collections import OrderedDict

from tailrace.engine.message import Headers
from tailrace.engine.request.api_request import split_cookies

MAX_KEPT = 512
MAX_SIZE = 4096
"""Bytes of JSON that are worth keeping."""

Documents = tuple[bytes, bytes]


class HeaderDocuments:
    """Bounded, least recently used first out."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[tuple[bytes, bytes], ...], Documents] = OrderedDict()

    def of(self, headers: Headers) -> Documents:
        """The documents for request.headers and request.cookies."""
        key = tuple(headers)
        documents = self._kept.get(key)
        if documents is not None:
            self._kept.move_to_end(key)
            return documents
        others, cookies = split_cookies(headers)
        documents = (write_strings(others), write_strings(cookies))
        if len(documents[0]) + len(documents[1]) <= MAX_SIZE:
            if len(self._kept) >= MAX_KEPT:
                self._kept.popitem(last=False)
            self._kept[key] = documents
        return documents


ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def write_strings(pairs: object) -> bytes:
    return ENCODER.encode(pairs).encode(errors="replace")
