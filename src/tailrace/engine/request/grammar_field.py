"""The grammar of names, fields and the paths that lead to them.

Source: PostgREST docs, references/api/tables_views, "JSON Columns" and
"Unicode support"; references/api/resource_embedding for paths.
"""

import re

from tailrace.engine.request.parse_error import HASKELL_SPACES, MessageKind, show_text
from tailrace.engine.request.parser import (
    FAILED,
    Failure,
    Parser,
    Source,
    T,
    apply,
    attempt,
    char,
    choice,
    end_of_input,
    label,
    look_ahead,
    many,
    not_followed_by,
    option,
    parse,
    separated,
    shortcut,
    span,
    string,
)
from tailrace.engine.request.select import EmbedPath, Field, JsonStep

ASCII_IDENTIFIER = re.compile(r"[A-Za-z0-9_ $]+")
JSON_KEY = re.compile(r"[^(\-:.,>)]+")
BLANKS = re.compile(r"[ \t]*")
DIGITS = re.compile(r"[0-9]+")
QUOTED = re.compile(r'(?:[^\\"]|\\.)*', re.DOTALL)
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
ARROW_HEAD = re.compile(">")
PLAIN_PATH = re.compile(r"[A-Za-z0-9_$]+(?:\.[A-Za-z0-9_$]+)*\Z")

blanks = span(BLANKS)
delimiter = label(char("."), "delimiter (.)")


def lexeme(parser: Parser[T]) -> Parser[T]:
    """With blanks and tabs around it."""
    return apply(lambda _before, value, _after: value, blanks, parser, blanks)


def symbol(text: str) -> Parser[str]:
    """One character with blanks and tabs around it."""
    return shortcut(re.compile(rf"[ \t]*{re.escape(text)}[ \t]*"), lambda _: text, lexeme(char(text)))


# Names -------------------------------------------------------------------------------------


def identifier(source: Source) -> str | Failure:
    """Letters of any script, ASCII digits, blank, underscore and dollar."""
    text = source.text
    start = end = source.position
    while True:
        match = ASCII_IDENTIFIER.match(text, end)
        if match is not None:
            end = match.end()
        elif end < len(text) and text[end].isalpha():
            end += 1
        else:
            break
    source.position = end
    source.error = (
        end,
        ((MessageKind.FOUND, end), (MessageKind.EXPECTED, "letter"), (MessageKind.EXPECTED, "digit")),
    )
    return text[start:end].strip(" ") if end > start else FAILED


def _quoted_content(source: Source) -> str | Failure:
    text = source.text
    start = source.position
    match = QUOTED.match(text, start)
    end = match.end() if match else start
    if text.startswith("\\", end):
        source.position = end + 1
        source.error = (end + 1, ((MessageKind.FOUND, end + 1),))
        return FAILED
    source.position = end
    source.error = (end, ((MessageKind.FOUND, end), (MessageKind.EXPECTED, show_text("\\"))))
    content = text[start:end]
    return ESCAPED.sub(r"\1", content) if "\\" in content else content


quoted_value = apply(lambda _open, content, _close: content, char('"'), _quoted_content, char('"'))


def separated_by_dashes(part: Parser[str]) -> Parser[str]:
    dash = attempt(apply(lambda *_: "-", char("-"), not_followed_by(ARROW_HEAD, show_text(">"))))
    return apply("-".join, separated(part, dash))


field_name = label(choice(quoted_value, separated_by_dashes(identifier)), "field name (* or [a..z0..9_$])")
columns = separated(field_name, symbol(","))

# JSON paths and fields ---------------------------------------------------------------------

json_key_part = apply(lambda text: text.strip(HASKELL_SPACES), span(JSON_KEY, least=1))
json_key_name = label(
    choice(quoted_value, separated_by_dashes(json_key_part)),
    "any non reserved character different from: .,>()",
)
index_end: Parser[str | None] = choice(
    *(attempt(look_ahead(string(text))) for text in ("->", "::", ".", ",")),
    attempt(end_of_input),
)
json_index = apply(
    lambda sign, digits, _: (sign + digits, True),
    option("+", char("-")),
    span(DIGITS, "digit", least=1),
    index_end,
)
json_operand: Parser[tuple[str, bool]] = choice(
    attempt(json_index),
    attempt(apply(lambda key: (key, False), json_key_name)),
)
json_step = apply(
    lambda arrow, operand: JsonStep(operand[0], is_index=operand[1], as_text=arrow == "->>"),
    choice(attempt(string("->>")), attempt(string("->"))),
    json_operand,
)
json_path: Parser[tuple[JsonStep, ...]] = apply(tuple, many(json_step, keep_error=True))
field: Parser[Field] = lexeme(apply(Field, field_name, option((), json_path)))


def _split_plain_path(match: re.Match[str]) -> tuple[EmbedPath, Field]:
    *path, name = match[0].split(".")
    return tuple(path), Field(name)


tree_path: Parser[tuple[EmbedPath, Field]] = shortcut(
    PLAIN_PATH,
    _split_plain_path,
    apply(
        lambda names, steps: (tuple(names[:-1]), Field(names[-1], steps)),
        separated(field_name, delimiter),
        option((), json_path),
    ),
)


def parse_tree_path(name: str) -> tuple[EmbedPath, Field]:
    """Read a parameter's name: the embedded levels and the field. Errors: QueryParseError."""
    return parse(tree_path, name, what=f"failed to parse tree path ({name})")


def parse_columns(text: str, *, parameter: str) -> tuple[str, ...]:
    """Read `columns=` or `on_conflict=`. Errors: QueryParseError."""
    return tuple(parse(columns, text, what=f"failed to parse {parameter} parameter ({text})"))
