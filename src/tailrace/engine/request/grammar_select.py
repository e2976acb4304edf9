"""The grammar of `select=`.

Source: PostgREST docs, references/api/tables_views, "Vertical Filtering";
references/api/resource_embedding; references/api/aggregate_functions.
"""

import re

from tailrace.engine.request.grammar_field import field, field_name, identifier, lexeme, symbol
from tailrace.engine.request.parse_error import show_text
from tailrace.engine.request.parser import (
    Parser,
    apply,
    attempt,
    char,
    choice,
    end_of_input,
    look_ahead,
    nested,
    not_followed_by,
    option,
    optional,
    parse,
    refuse,
    separated,
    shortcut,
    string,
)
from tailrace.engine.request.select import (
    Aggregate,
    Field,
    JoinType,
    SelectField,
    SelectItem,
    SelectRelation,
    SelectSpread,
)

COLON = re.compile(":")
PLAIN_FIELD = re.compile(r"(?:(\*)|(?:([A-Za-z0-9_$]+):)?([A-Za-z0-9_$]+)(?:::([A-Za-z0-9_$]+))?)(?=[,)]|\Z)")
PLAIN_RELATION = re.compile(r"(?:([A-Za-z0-9_$]+):)?(?!count\b)([A-Za-z0-9_$]+)(?:!(inner|left))?(?=\()")

Head = tuple[str, str | None, str | None, JoinType | None]
"""Name, alias, hint and join type of a relation."""

alias = optional(
    attempt(
        apply(lambda name, *_: name, field_name, char(":"), not_followed_by(COLON, show_text(":"))),
    )
)
cast = optional(apply(lambda _, name: name, string("::"), identifier))
item_end: Parser[str | None] = choice(
    attempt(look_ahead(string(")"))), attempt(look_ahead(string(","))), attempt(end_of_input)
)

# Fields ------------------------------------------------------------------------------------

aggregate: Parser[Aggregate] = choice(
    apply(Aggregate, string("sum")),
    apply(Aggregate, string("avg")),
    apply(Aggregate, string("count")),
    attempt(apply(Aggregate, string("max"))),
    attempt(apply(Aggregate, string("min"))),
)
star = apply(lambda name, _: SelectField(Field(name)), string("*"), item_end)
count_rows = apply(
    lambda alias, _count, cast, _end: SelectField(
        Field("*"), alias=alias, aggregate=Aggregate.COUNT, aggregate_cast=cast
    ),
    alias,
    string("count()"),
    cast,
    item_end,
)
plain_field = apply(
    lambda alias, field, cast, aggregate, aggregate_cast, _end: SelectField(
        field, alias=alias, cast=cast, aggregate=aggregate, aggregate_cast=aggregate_cast
    ),
    alias,
    field,
    cast,
    optional(attempt(apply(lambda _dot, aggregate, _call: aggregate, char("."), aggregate, string("()")))),
    cast,
    item_end,
)
select_field = lexeme(choice(attempt(star), attempt(count_rows), plain_field))

# Relations ---------------------------------------------------------------------------------

embed_parameter: Parser[JoinType | str] = apply(
    lambda _, parameter: parameter,
    char("!"),
    choice(
        attempt(apply(JoinType, string("left"))),
        attempt(apply(JoinType, string("inner"))),
        attempt(field_name),
    ),
)


def _head(alias: str | None, name: str, first: JoinType | str | None, second: JoinType | str | None) -> Head:
    parameters = (first, second)
    hint = next((parameter for parameter in parameters if isinstance(parameter, str)), None)
    join = next((parameter for parameter in parameters if isinstance(parameter, JoinType)), None)
    return name, alias, hint, join


relation_head: Parser[Head] = lexeme(
    apply(
        lambda alias, name, first, second, _: _head(alias, name, first, second),
        alias,
        refuse(field_name, "count"),
        optional(embed_parameter),
        optional(embed_parameter),
        attempt(look_ahead(string("("))),
    )
)
spread_head: Parser[Head] = lexeme(
    apply(
        lambda _dots, name, first, second, _: _head(None, name, first, second),
        string("..."),
        field_name,
        optional(embed_parameter),
        optional(embed_parameter),
        attempt(look_ahead(string("("))),
    )
)


def _relation(head: Head, children: tuple[SelectItem, ...]) -> SelectItem:
    name, alias, hint, join = head
    return SelectRelation(name, children, alias=alias, hint=hint, join_type=join)


def _spread(head: Head, children: tuple[SelectItem, ...]) -> SelectItem:
    name, _, hint, join = head
    return SelectSpread(name, children, hint=hint, join_type=join)


def _plain_head(match: re.Match[str]) -> Head:
    alias, name, join = match.groups()
    return name, alias, None, JoinType(join) if join else None


def _plain_field(match: re.Match[str]) -> SelectItem:
    star, alias, name, cast = match.groups()
    return SelectField(Field(star or name), alias=alias, cast=cast)


children: Parser[tuple[SelectItem, ...]] = apply(
    lambda _open, items, _close: items, char("("), nested(lambda: select_items), char(")")
)
select_item: Parser[SelectItem] = shortcut(
    PLAIN_FIELD,
    _plain_field,
    choice(
        apply(_spread, attempt(spread_head), children),
        apply(_relation, shortcut(PLAIN_RELATION, _plain_head, attempt(relation_head)), children),
        select_field,
    ),
)
select_items: Parser[tuple[SelectItem, ...]] = option((), apply(tuple, separated(select_item, symbol(","))))
EVERYTHING: tuple[SelectItem, ...] = (SelectField(Field("*")),)


def parse_select(text: str) -> tuple[SelectItem, ...]:
    """Read `select=`. Errors: QueryParseError."""
    return parse(select_items, text, what=f"failed to parse select parameter ({text})")
