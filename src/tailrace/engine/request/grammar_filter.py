"""The grammar of filters and of the logic that connects them.

Source: PostgREST docs, references/api/tables_views, "Horizontal Filtering" and
"Logical operators".
"""

import re
from typing import Any, cast

from tailrace.engine.request.filter import (
    Filter,
    FullText,
    FullTextOperator,
    In,
    Is,
    IsDistinctFrom,
    IsValue,
    LogicNode,
    LogicOperator,
    LogicTree,
    Operand,
    Operation,
    Quantifiable,
    QuantifiableOperator,
    Quantifier,
    Simple,
    SimpleOperator,
)
from tailrace.engine.request.grammar_field import (
    delimiter,
    field,
    field_name,
    identifier,
    quoted_value,
    symbol,
)
from tailrace.engine.request.parser import (
    FAILED,
    Failure,
    Parser,
    Source,
    apply,
    attempt,
    char,
    choice,
    label,
    nested,
    not_followed_by,
    optional,
    parse,
    pure,
    separated,
    shortcut,
    span,
    string,
)
from tailrace.engine.request.select import EmbedPath, Field

Condition = tuple[bool, Operation]
"""Whether it is negated, and the operation."""

ANYTHING = re.compile(r".*", re.DOTALL)
TO_COMMA_OR_CLOSE = re.compile(r"[^,)]*")
NOT_COMMA_OR_CLOSE = re.compile(r"[^,)]")
NOT_BRACE = re.compile(r"[^{}]*")
PLAIN_OPERATOR = re.compile(
    r"(not\.)?(?:({})|({}))\.".format(
        "|".join(operator.value for operator in SimpleOperator),
        "|".join(operator.value for operator in QuantifiableOperator),
    )
)
PLAIN_IS = re.compile("|".join(value.value for value in IsValue))
PLAIN_LIST = re.compile(r'\((?![ \t])([^")]*)\)[ \t]*')
PLAIN_ELEMENT = re.compile(r'(?:"([^"\\]*)"|((?!")[^,)]*))(?=[,)])')
PLAIN_LOGIC_FIELD = re.compile(r"[A-Za-z0-9_$]+(?=\.)")
PLAIN_LOGIC_VALUE = re.compile(r'(?!["{])[^,)]*')
PLAIN_LOGIC_HEAD = re.compile(r"(not\.)?(and|or)(?=\()")

# Values ------------------------------------------------------------------------------------

whole_value = span(ANYTHING)
quoted_whole = attempt(apply(lambda text, _: text, quoted_value, not_followed_by(NOT_COMMA_OR_CLOSE)))
list_element = shortcut(
    PLAIN_ELEMENT,
    lambda match: match[2] if match[1] is None else match[1],
    choice(quoted_whole, span(TO_COMMA_OR_CLOSE)),
)
list_value = shortcut(
    PLAIN_LIST,
    lambda match: match[1].split(","),
    apply(
        lambda _open, values, _close: values,
        symbol("("),
        separated(list_element, char(",")),
        symbol(")"),
    ),
)
array_value = apply(lambda *parts: "".join(parts), string("{"), span(NOT_BRACE), string("}"))
logic_value = shortcut(
    PLAIN_LOGIC_VALUE,
    lambda match: match[0],
    choice(
        quoted_whole,
        attempt(array_value),
        span(TO_COMMA_OR_CLOSE),
    ),
)


def placed(build: Any, *parsers: Parser[Any]) -> Parser[Operation]:
    """An operation with a value: `build` also gets the position that the value has."""
    values = apply(lambda *values: values, *parsers)

    def run(source: Source) -> Operation | Failure:
        found = values(source)
        if found is FAILED:
            return FAILED
        operation: Operation = build(*found, source.next_operand())
        return operation

    return run


# Operations --------------------------------------------------------------------------------


def any_case(word: str) -> Parser[str]:
    """A lower-case word, each letter in either case."""
    return apply(lambda *_: word, *(choice(char(letter), char(letter.upper())) for letter in word))


def one_of(words: Any) -> Parser[Any]:
    """The first member of an enumeration whose value comes next."""
    return choice(*(attempt(apply(words, string(word.value))) for word in words))


def _starts_with(word: str) -> Parser[Any]:
    return attempt(apply(lambda *_: None, string(word), delimiter))


# Longer words stand before their own beginnings: the first that fits is taken.
simple_operator: Parser[SimpleOperator] = label(one_of(SimpleOperator), "unknown single value operator")
quantifiable_operator: Parser[QuantifiableOperator] = label(
    one_of(QuantifiableOperator), "unknown single value operator"
)
quantifier: Parser[Quantifier | None] = optional(
    attempt(
        apply(
            lambda _open, quantifier, _close: quantifier,
            char("("),
            choice(attempt(apply(Quantifier, string("any"))), apply(Quantifier, string("all"))),
            char(")"),
        )
    )
)
is_value = shortcut(
    PLAIN_IS,
    lambda match: IsValue(match[0]),
    label(
        choice(*(attempt(apply(IsValue, any_case(value.value))) for value in IsValue)),
        "isVal: (null, not_null, true, false, unknown)",
    ),
)
language = optional(attempt(apply(lambda _open, name, _close: name, char("("), identifier, char(")"))))
in_operation = placed(
    lambda _, values, position: In(tuple(values), position),
    _starts_with("in"),
    list_value,
)
is_operation: Parser[Operation] = apply(lambda _, value: Is(value), _starts_with("is"), is_value)


def operation(value: Parser[str]) -> Parser[Operation]:
    """Any operation; `value` reads its operand."""
    distinct = placed(
        lambda _, text, position: IsDistinctFrom(Operand(text, position)),
        _starts_with("isdistinct"),
        value,
    )
    full_text = placed(
        lambda operator, language, _, text, position: FullText(operator, language, Operand(text, position)),
        one_of(FullTextOperator),
        language,
        delimiter,
        value,
    )
    simple = placed(
        lambda operator, _, text, position: Simple(operator, Operand(text, position)),
        simple_operator,
        delimiter,
        value,
    )
    quantifiable = placed(
        lambda operator, quantifier, _, text, position: Quantifiable(operator, quantifier, Operand(text, position)),
        quantifiable_operator,
        quantifier,
        delimiter,
        value,
    )
    return label(
        choice(in_operation, is_operation, distinct, attempt(full_text), attempt(simple), attempt(quantifiable)),
        "operator (eq, gt, ...)",
    )


def condition(value: Parser[str]) -> Parser[Condition]:
    """`not.eq.1` and the like."""
    negation: Parser[bool] = choice(
        attempt(apply(lambda *_: True, string("not"), delimiter)),
        pure(False),
    )
    entire = apply(lambda negated, operation: (negated, operation), negation, operation(value))

    def run(source: Source) -> Condition | Failure:
        match = PLAIN_OPERATOR.match(source.text, source.position) if source.quick else None
        if match is None:
            return entire(source)
        source.position = match.end()
        text = value(source)
        if text is FAILED:
            return FAILED
        operand = Operand(text, source.next_operand())
        if match[2] is not None:
            return match[1] is not None, Simple(SimpleOperator(match[2]), operand)
        return match[1] is not None, Quantifiable(QuantifiableOperator(match[3]), None, operand)

    return run


filter_condition: Parser[Condition] = condition(whole_value)
filter_or_argument: Parser[Condition | None] = choice(filter_condition, pure(None))

# Logic -------------------------------------------------------------------------------------

logic_filter: Parser[LogicTree] = apply(
    lambda field, _, condition: Filter(field, *condition),
    shortcut(PLAIN_LOGIC_FIELD, lambda match: Field(match[0]), field),
    delimiter,
    condition(logic_value),
)
negation = label(
    choice(attempt(apply(lambda *_: True, string("not"), delimiter)), pure(False)),
    "negation operator (not)",
)
logic_operator: Parser[LogicOperator] = label(
    choice(
        attempt(apply(LogicOperator, string("and"))),
        apply(LogicOperator, string("or")),
    ),
    "logic operator (and, or)",
)
logic_children: Parser[list[LogicTree]] = apply(
    lambda _open, children, _close: children,
    symbol("("),
    separated(nested(lambda: logic_tree), symbol(",")),
    symbol(")"),
)
logic_node: Parser[LogicTree] = apply(
    lambda negated, operator, children: LogicNode(negated, operator, tuple(children)),
    negation,
    logic_operator,
    logic_children,
)
written_logic_tree: Parser[LogicTree] = choice(attempt(logic_filter), logic_node)


def logic_tree(source: Source) -> LogicTree | Failure:
    """A filter, or `and(…)`, `or(…)`, perhaps negated."""
    match = PLAIN_LOGIC_HEAD.match(source.text, source.position) if source.quick else None
    return written_logic_tree(source) if match is None else logic_node(source)


logic_path = separated(field_name, delimiter)


# Parameters --------------------------------------------------------------------------------


def parse_condition(text: str, *, parameter: int) -> Condition:
    """Read a filter's value. Errors: QueryParseError."""
    return parse(filter_condition, text, what=f"failed to parse filter ({text})", parameter=parameter)


def parse_condition_or_argument(text: str, *, parameter: int) -> Condition | None:
    """Read a filter's value; None if it is none and so is a function's argument. Errors: QueryParseError."""
    return parse(filter_or_argument, text, what=f"failed to parse filter ({text})", parameter=parameter)


def parse_logic(name: str, text: str, *, parameter: int) -> tuple[EmbedPath, LogicTree]:
    """Read `actors.not.or=(…)`: the embedded levels and the tree. Errors: QueryParseError."""
    names = parse(logic_path, name, what=f"failed to parse logic path ({name})")
    operator = f"not.{names[-1]}" if "not" in names else names[-1]
    what = f"failed to parse logic tree ({text})"
    tree = cast(LogicTree, parse(logic_tree, operator + text, what=what, parameter=parameter))
    return tuple(level for level in names[:-1] if level != "not"), tree
