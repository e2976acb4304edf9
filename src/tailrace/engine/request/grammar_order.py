"""The grammar of `order=`.

Source: PostgREST docs, references/api/tables_views, "Ordering";
references/api/resource_embedding, "Top-level Ordering".
"""

import re
from typing import TypeVar

from tailrace.engine.request.grammar_field import delimiter, field, field_name, lexeme
from tailrace.engine.request.order import Direction, Nulls, OrderTerm
from tailrace.engine.request.parser import (
    Parser,
    apply,
    attempt,
    char,
    choice,
    end_of_input,
    look_ahead,
    optional,
    parse,
    separated,
    shortcut,
    string,
)
from tailrace.engine.request.select import Field

Word = TypeVar("Word", Direction, Nulls)

PLAIN_TERM = re.compile(r"([A-Za-z0-9_$]+)(?:\.(asc|desc))?(?:\.(nullsfirst|nullslast))?(?=,|\Z)")


def _word(word: Word) -> Parser[Word]:
    return attempt(apply(lambda *_: word, delimiter, string(word.value)))


direction = choice(_word(Direction.ASC), _word(Direction.DESC))
nulls = choice(_word(Nulls.FIRST), _word(Nulls.LAST))
term_end: Parser[str | None] = choice(attempt(look_ahead(char(","))), attempt(end_of_input))
nulls_and_end: Parser[Nulls | None] = choice(
    apply(lambda nulls, _: nulls, optional(nulls), term_end),
    apply(lambda _: None, term_end),
)
term = apply(
    lambda field, direction, nulls: OrderTerm(field, direction, nulls),
    field,
    optional(direction),
    nulls_and_end,
)
relation_term = apply(
    lambda relation, _open, field, _close, direction, nulls: OrderTerm(field, direction, nulls, relation),
    field_name,
    char("("),
    field,
    char(")"),
    optional(direction),
    nulls_and_end,
)


def _plain_term(match: re.Match[str]) -> OrderTerm:
    name, direction, nulls = match.groups()
    return OrderTerm(Field(name), Direction(direction) if direction else None, Nulls(nulls) if nulls else None)


order_terms = separated(
    shortcut(PLAIN_TERM, _plain_term, lexeme(choice(attempt(relation_term), term))),
    char(","),
)


def parse_order(text: str) -> tuple[OrderTerm, ...]:
    """Read `order=`. Errors: QueryParseError."""
    return tuple(parse(order_terms, text, what=f"failed to parse order ({text})"))
