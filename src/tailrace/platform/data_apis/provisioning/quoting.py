"""Names and texts as SQL has them. What is quoted here means itself under every setting of the server."""

from itertools import count

from tailrace.platform.data_apis.provisioning.errors import InvalidName

NAME_LIMIT = 63
"""Bytes; Postgres cuts off what is longer, so that two names could become one."""


def check_name(field: str, name: str) -> str:
    """The name itself; InvalidName when Postgres would refuse or shorten it."""
    if not name:
        raise InvalidName(field, "it is empty")
    if "\0" in name:
        raise InvalidName(field, "it holds a NUL")
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        raise InvalidName(field, "it holds half a surrogate pair") from None
    if length > NAME_LIMIT:
        raise InvalidName(field, f"it is longer than {NAME_LIMIT} bytes")
    return name


def identifier(*path: str) -> str:
    """`identifier("public", "my table")` is `"public"."my table"`."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in path)


def literal(text: str) -> str:
    """A string constant; backslashes make it an escape string, which means the same under any setting."""
    doubled = text.replace("'", "''")
    return "E'" + doubled.replace("\\", "\\\\") + "'" if "\\" in text else f"'{doubled}'"


def dollar_quoted(body: str) -> str:
    """A string constant that leaves `body` readable, under a tag that does not occur in it."""
    for number in count():
        tag = f"$body{number or ''}$"
        if tag not in body and not body.endswith(tag[:-1]):
            return f"{tag}{body}{tag}"
    raise AssertionError("count() does not end")
