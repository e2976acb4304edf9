"""URIs as RFC 3986 defines them, so far as settings need it."""

import re

_ENCODED = r"%[0-9A-Fa-f]{2}"
_UNRESERVED = r"A-Za-z0-9\-._~"
_SUB_DELIMITERS = r"!$&'()*+,;="
_PATH_CHARACTER = rf"(?:[{_UNRESERVED}{_SUB_DELIMITERS}:@]|{_ENCODED})"
_USER = rf"(?P<user>(?:[{_UNRESERVED}{_SUB_DELIMITERS}:]|{_ENCODED})*@)?"
_HOST = rf"(?P<host>\[[0-9A-Fa-f:.vV]+\]|(?:[{_UNRESERVED}{_SUB_DELIMITERS}]|{_ENCODED})*)"
_PORT = r"(?P<port>:[0-9]*)?"
_AUTHORITY = rf"(?P<authority>//{_USER}{_HOST}{_PORT})"
_PATH = rf"(?:{_AUTHORITY}(?:/{_PATH_CHARACTER}*)*|/(?:{_PATH_CHARACTER}+(?:/{_PATH_CHARACTER}*)*)?"
_PATH += rf"|{_PATH_CHARACTER}+(?:/{_PATH_CHARACTER}*)*|)"
_QUERY = rf"(?P<query>\?(?:{_PATH_CHARACTER}|[/?])*)?"
_FRAGMENT = rf"(?P<fragment>#(?:{_PATH_CHARACTER}|[/?])*)?"

URI = re.compile(rf"(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*):{_PATH}{_QUERY}{_FRAGMENT}")
LARGEST_PORT = 65_535


def is_uri(text: str) -> bool:
    """Whether a text is a URI with a scheme (RFC 3986, 3)."""
    return URI.fullmatch(text) is not None


def is_proxy_uri(text: str) -> bool:
    """Whether a text may be openapi-server-proxy-uri: http or https, no user, query or fragment, a valid port."""
    uri = URI.fullmatch(text)
    if uri is None or uri["fragment"] is not None or uri["query"] or uri["user"] or not uri["host"]:
        return False
    if uri["scheme"].lower() not in ("http", "https"):
        return False
    port = uri["port"]
    return port is None or (len(port) < 8 and port[1:].isdigit() and 0 < int(port[1:]) <= LARGEST_PORT)
