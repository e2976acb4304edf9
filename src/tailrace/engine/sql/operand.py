"""Values of filters: how they are bound, and how their text becomes the value that Postgres is sent."""

import re
from collections.abc import Callable, Sequence

from tailrace.engine.request.filter import Operand
from tailrace.engine.sql.fragment import Parameter, Source, SqlWriter, UnfitValue, encode_text, encode_utf8

OPENING = re.compile(r"[ \t]*\([ \t]*")
QUOTED_ELEMENT = re.compile(r'"((?:[^\\"]|\\.)*)"(?=[,)])', re.DOTALL)
BARE_ELEMENT = re.compile(r"[^,)]*")
ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def write_operand(sql: SqlWriter, operand: Operand, encode: Callable[[str], bytes] = encode_text) -> None:
    sql.bind(Parameter(encode(operand.text), Source.OPERAND, operand.position, encode))


def encode_pattern(text: str) -> bytes:
    """A pattern of LIKE, for which `*` may be written instead of `%`."""
    return encode_text(text.replace("*", "%"))


def encode_list(text: str) -> bytes:
    """The array of what stands in `(a,"b,c")`.

    Errors: UnfitValue when the text is no such list.
    """
    return array_literal(parse_list(text))


def array_literal(values: Sequence[str]) -> bytes:
    """A Postgres array in text format; a list of nothing but an empty value is the empty array."""
    if len(values) == 1 and not values[0]:
        return b"{}"
    return encode_utf8("{" + ",".join([array_element(value) for value in values]) + "}")


def array_element(value: str) -> str:
    value = value.partition("\0")[0]
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def parse_list(text: str) -> tuple[str, ...]:
    """Read the list of an `in` filter, as `engine.request` does; what follows it does not count."""
    opening = OPENING.match(text)
    if opening is None:
        raise UnfitValue
    values, at = [], opening.end()
    while True:
        if quoted := QUOTED_ELEMENT.match(text, at):
            values.append(ESCAPED.sub(r"\1", quoted[1]))
            at = quoted.end()
        else:
            bare = BARE_ELEMENT.match(text, at)
            assert bare is not None, "may match nothing"
            values.append(bare[0])
            at = bare.end()
        if at == len(text):
            raise UnfitValue
        if text[at] == ")":
            return tuple(values)
        at += 1
