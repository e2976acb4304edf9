"""The grammar of the query string, for texts of all kinds.

What is written is read back; shortcuts read as the whole grammar does; a position
leads to its value; and nothing that a client may send is a fault of the server.
"""

from collections.abc import Iterator
from urllib.parse import quote, unquote_plus

from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.engine.config.config import Config
from tailrace.engine.errors import ApiError, QueryParseError
from tailrace.engine.media_type import parse_accept, parse_media_type
from tailrace.engine.message import HttpRequest
from tailrace.engine.request.api_request import parse_request
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
    Position,
    Quantifiable,
    QuantifiableOperator,
    Quantifier,
    Simple,
    SimpleOperator,
)
from tailrace.engine.request.grammar_field import field_name, tree_path
from tailrace.engine.request.grammar_filter import filter_condition, filter_or_argument, logic_tree, parse_logic
from tailrace.engine.request.grammar_order import order_terms, parse_order
from tailrace.engine.request.grammar_select import parse_select, select_items
from tailrace.engine.request.order import Direction, Nulls, OrderTerm
from tailrace.engine.request.parser import FAILED, Parser, Source
from tailrace.engine.request.query_string import parse_query_string
from tailrace.engine.request.select import (
    Aggregate,
    Field,
    JoinType,
    JsonStep,
    SelectField,
    SelectItem,
    SelectRelation,
    SelectSpread,
)

# Values ------------------------------------------------------------------------------------

any_text = st.text(max_size=12)
names = st.one_of(st.from_regex(r"[a-z_][a-z0-9_]{0,5}", fullmatch=True), st.text(min_size=1, max_size=6))
casts = st.sampled_from(("text", "int", "numeric", "double precision"))
key_steps = st.builds(JsonStep, any_text, is_index=st.just(False), as_text=st.booleans())
index_steps = st.builds(
    JsonStep, st.from_regex(r"[+-][0-9]{1,3}", fullmatch=True), is_index=st.just(True), as_text=st.booleans()
)
# An index right before a closing parenthesis is read as a key, so a key stands at the end.
paths = st.just(()) | st.tuples(key_steps) | st.tuples(index_steps | key_steps, key_steps)
fields = st.builds(Field, names, paths)
select_fields = st.one_of(
    st.builds(SelectField, st.just(Field("*"))),
    st.builds(
        SelectField,
        fields,
        alias=st.none() | names,
        cast=st.none() | casts,
        aggregate=st.none() | st.sampled_from(Aggregate),
    ),
)
embedded = names.filter(lambda name: name != "count")
hints = st.none() | names.filter(lambda name: not name.startswith(("left", "inner")))
joins = st.none() | st.sampled_from(JoinType)
selected = st.recursive(
    st.lists(select_fields, max_size=3),
    lambda children: st.lists(
        select_fields
        | st.builds(SelectRelation, embedded, children.map(tuple), alias=st.none() | names, hint=hints, join_type=joins)
        | st.builds(SelectSpread, names, children.map(tuple), hint=hints, join_type=joins),
        max_size=3,
    ),
    max_leaves=8,
).map(tuple)
terms = st.builds(
    OrderTerm,
    fields,
    st.none() | st.sampled_from(Direction),
    st.none() | st.sampled_from(Nulls),
    st.none() | names,
)
operands = st.builds(Operand, any_text)
operations: st.SearchStrategy[Operation] = st.one_of(
    st.builds(Simple, st.sampled_from(SimpleOperator), operands),
    st.builds(Quantifiable, st.sampled_from(QuantifiableOperator), st.none() | st.sampled_from(Quantifier), operands),
    st.builds(In, st.lists(any_text, min_size=1, max_size=3).map(tuple)),
    st.builds(Is, st.sampled_from(IsValue)),
    st.builds(IsDistinctFrom, operands),
    st.builds(FullText, st.sampled_from(FullTextOperator), st.none() | st.just("english"), operands),
)
filters = st.builds(Filter, fields, st.booleans(), operations)
logic_nodes = st.recursive(
    st.builds(
        LogicNode,
        st.booleans(),
        st.sampled_from(LogicOperator),
        st.lists(filters, min_size=1, max_size=3).map(tuple),
    ),
    lambda nodes: st.builds(
        LogicNode,
        st.booleans(),
        st.sampled_from(LogicOperator),
        st.lists(filters | nodes, min_size=1, max_size=3).map(tuple),
    ),
    max_leaves=6,
)

# Writing -----------------------------------------------------------------------------------


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def written_name(name: str) -> str:
    return name if name.isascii() and name.isidentifier() else quoted(name)


def written_field(field: Field) -> str:
    return written_name(field.name) + "".join(
        ("->>" if step.as_text else "->") + (step.operand.removeprefix("+") if step.is_index else quoted(step.operand))
        for step in field.json_path
    )


def written_item(item: SelectItem) -> str:
    if item == SelectField(Field("*")):
        return "*"
    match item:
        case SelectField():
            alias = f"{written_name(item.alias)}:" if item.alias is not None else ""
            cast = f"::{item.cast}" if item.cast else ""
            aggregate = f".{item.aggregate.value}()" if item.aggregate else ""
            return alias + written_field(item.field) + cast + aggregate
        case SelectRelation():
            head = f"{written_name(item.alias)}:" if item.alias is not None else ""
        case SelectSpread():
            head = "..."
    hint = f"!{written_name(item.hint)}" if item.hint else ""
    join = f"!{item.join_type.value}" if item.join_type else ""
    return f"{head}{written_name(item.relation)}{hint}{join}({written_items(item.children)})"


def written_items(items: tuple[SelectItem, ...]) -> str:
    return ",".join(written_item(item) for item in items)


def written_term(term: OrderTerm) -> str:
    field = written_field(term.field)
    return ".".join(
        (
            field if term.relation is None else f"{written_name(term.relation)}({field})",
            *(word.value for word in (term.direction, term.nulls) if word is not None),
        )
    )


def written_filter(item: Filter) -> str:
    match item.operation:
        case Simple(operator, operand):
            condition = f"{operator.value}.{quoted(operand.text)}"
        case Quantifiable(operator, quantifier, operand):
            modifier = f"({quantifier.value})" if quantifier else ""
            condition = f"{operator.value}{modifier}.{quoted(operand.text)}"
        case In(values):
            condition = f"in.({','.join(map(quoted, values))})"
        case Is(value):
            condition = f"is.{value.value}"
        case IsDistinctFrom(operand):
            condition = f"isdistinct.{quoted(operand.text)}"
        case FullText(operator, language, operand):
            condition = f"{operator.value}{f'({language})' if language else ''}.{quoted(operand.text)}"
    return f"{written_field(item.field)}.{'not.' if item.negated else ''}{condition}"


def written_logic(tree: LogicTree) -> str:
    if isinstance(tree, Filter):
        return written_filter(tree)
    children = ",".join(written_logic(child) for child in tree.children)
    return f"{'not.' if tree.negated else ''}{tree.operator.value}({children})"


# Reading what was written ------------------------------------------------------------------


@given(selected)
def test_what_is_selected_is_read_back(items: tuple[SelectItem, ...]) -> None:
    assert parse_select(written_items(items)) == items


@given(st.lists(terms, min_size=1, max_size=4).map(tuple))
def test_an_order_is_read_back(order: tuple[OrderTerm, ...]) -> None:
    assert parse_order(",".join(map(written_term, order))) == order


def values(tree: LogicTree) -> Iterator[tuple[str | tuple[str, ...], Position | None]]:
    """The values in a tree, and where they stand, in the order of the text."""
    match tree:
        case LogicNode(children=children):
            for child in children:
                yield from values(child)
        case Filter(operation=In(texts, position)):
            yield texts, position
        case Filter(operation=Is()):
            pass
        case Filter(operation=operation):
            assert not isinstance(operation, In | Is)
            yield operation.operand.text, operation.operand.position


@given(logic_nodes)
def test_logic_is_read_back_and_its_values_are_numbered_in_order(tree: LogicNode) -> None:
    name, _, text = written_logic(tree).partition("(")

    path, read = parse_logic(name, f"({text}", parameter=4)

    assert path == ()
    assert written_logic(read) == written_logic(tree)
    assert [text for text, _ in values(read)] == [text for text, _ in values(tree)]
    assert [position for _, position in values(read)] == [(4, n) for n in range(len(list(values(tree))))]


@given(st.lists(st.tuples(names, any_text) | st.just(("", "")), max_size=5))
def test_a_position_leads_to_the_piece_that_has_the_value(pairs: list[tuple[str, str]]) -> None:
    pieces = [f"{quote(quoted(name), safe='')}=eq.{quote(text, safe='')}" if name else "" for name, text in pairs]
    query = "&".join(pieces).encode()

    parsed = parse_query_string(query, call=False)

    assert len(parsed.filters) == sum(bool(name) for name, _ in pairs)
    for _, item in parsed.filters:
        assert isinstance(item.operation, Quantifiable)
        operand = item.operation.operand
        assert operand.position is not None
        index, ordinal = operand.position
        assert ordinal == 0
        assert unquote_plus(query.split(b"&")[index].decode().partition("=")[2]) == f"eq.{operand.text}"


# Texts of all kinds ------------------------------------------------------------------------

TOKENS = (
    "id", "name", "a", "and", "or", "not", "eq", "in", "is", "null", "any", "all", "count", "sum", "left", "inner",
    "asc", "desc", "nullsfirst", "fts", "like", "cs", "isdistinct", "select", "order", "limit", "offset", "1", "-2",
    ".", ".", ",", "(", ")", "(", ")", "()", "!", ":", "::", "*", "...", "->", "->>", '"', "\\", "{", "}", "-", " ",
    "\t", "\n", "\x00", "å", "²", "%", "+", "=", "&", ";", "count()", ".sum()", "eq.", "in.(",
)  # fmt: skip
tangles = st.lists(st.sampled_from(TOKENS), max_size=14).map("".join) | st.text(max_size=20)
GRAMMARS: tuple[Parser[object], ...] = (
    select_items,
    order_terms,
    logic_tree,
    filter_condition,
    filter_or_argument,
    tree_path,
    field_name,
)


@settings(max_examples=300)
@given(st.sampled_from(GRAMMARS), tangles)
def test_shortcuts_read_what_the_whole_grammar_reads(grammar: Parser[object], text: str) -> None:
    quick, thorough = Source(text, 0, quick=True), Source(text, 0, quick=False)

    value = grammar(thorough)

    assert grammar(quick) == value
    if value is not FAILED:
        assert quick.position == thorough.position


@settings(max_examples=300)
@given(
    st.sampled_from(("select", "order", "or", "a.not.and", "limit", "a.offset", "id", "columns", "on_conflict"))
    | tangles,
    tangles,
    st.booleans(),
)
def test_no_query_is_a_fault_of_the_server(name: str, value: str, call: bool) -> None:
    try:
        parse_query_string(f"{name}={value}".encode(errors="surrogatepass"), call=call)
    except QueryParseError as error:
        refusal = error.message
    else:
        return

    assert refusal.startswith('"failed to parse ')


CONTENT_TYPES = (b"application/json", b"text/csv", b"application/x-www-form-urlencoded", b"text/plain", b"x")
json_like = st.lists(
    st.sampled_from(
        (b"{", b"}", b"[", b"]", b'"a"', b":", b",", b"1", b"null", b"\xff", b'"', b"\n", b"\r", b"\\ud800")
    )
).map(b"".join)


@settings(max_examples=300)
@given(
    st.sampled_from(("GET", "POST", "PATCH", "PUT", "OPTIONS", "TRACE", "")),
    st.sampled_from((b"/", b"/a", b"/rpc/f", b"/rpc/f?")) | st.binary(max_size=8),
    st.binary(max_size=12),
    st.lists(
        st.tuples(
            st.sampled_from((b"accept", b"prefer", b"range", b"cookie", b"accept-profile", b"content-type")),
            st.binary(max_size=12) | st.sampled_from(CONTENT_TYPES),
        ),
        max_size=3,
    ),
    json_like | st.binary(max_size=12),
)
def test_no_request_is_a_fault_of_the_server(
    method: str, path: bytes, query: bytes, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    try:
        parse_request(HttpRequest(method, path, query, headers, body), Config())
    except ApiError as error:
        status = error.status
    else:
        return

    assert 400 <= status < 500


@given(st.binary(max_size=30), st.text(max_size=30))
def test_every_media_type_can_be_read(header: bytes, text: str) -> None:
    assert len(parse_accept(header)) == (header.count(b",") + 1 if header else 0)
    assert parse_media_type(text).name or text == ""
