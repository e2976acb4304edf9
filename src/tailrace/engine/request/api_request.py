"""What a client asks for, in the field's own terms; not yet checked against the schema.

The order of the steps is PostgREST's, so of several errors the same one is answered.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tailrace.engine.config.config import Config
from tailrace.engine.errors import InvalidRange, PutWithLimit
from tailrace.engine.media_type import ANY, JSON, MediaType, parse_accept, parse_media_type
from tailrace.engine.message import Headers, HttpRequest
from tailrace.engine.request.action import (
    Action,
    CallRoutine,
    DescribeRelation,
    DescribeRoutine,
    DescribeSchema,
    InspectSchema,
    Invocation,
    MutateRelation,
    Mutation,
    ReadRelation,
)
from tailrace.engine.request.grammar_field import parse_tree_path
from tailrace.engine.request.payload import (
    NO_KEYS,
    FormPayload,
    JsonPayload,
    Payload,
    read_call_body,
    read_table_body,
)
from tailrace.engine.request.preferences import Preferences, parse_preferences
from tailrace.engine.request.query_string import QueryString, parse_query_string
from tailrace.engine.request.range import ALL_ROWS, NO_ROWS, RowRange, parse_range_header
from tailrace.engine.request.select import EmbedPath
from tailrace.engine.request.target import choose_action, find_resource, negotiate_schema

__all__ = (
    "Action",
    "ApiRequest",
    "CallRoutine",
    "DescribeRelation",
    "DescribeRoutine",
    "DescribeSchema",
    "InspectSchema",
    "Invocation",
    "MutateRelation",
    "Mutation",
    "QueryString",
    "ReadRelation",
    "parse_request",
)

ROOT_LIMIT = "limit"
ACCEPT_ANY = (ANY,)


@dataclass(slots=True)
class ApiRequest:
    action: Action
    method: str
    path: str
    """Percent-encoded, as sent."""
    schema: str
    negotiated_by_profile: bool
    """Whether Content-Profile is to be sent back."""
    query: QueryString
    ranges: tuple[tuple[EmbedPath, RowRange], ...]
    """Range of each level that has one, the root's (after the Range header) included."""
    top_range: RowRange
    preferences: Preferences
    payload: Payload | None
    columns: frozenset[str]
    """Columns or parameters that the payload gives, or `columns=` names."""
    accept: tuple[MediaType, ...]
    """In the client's order of preference."""
    content_type: MediaType
    headers: Mapping[str, str]
    """For request.headers: lower-case names, without Cookie."""
    cookies: Mapping[str, str]


def parse_request(request: HttpRequest, config: Config) -> ApiRequest:
    """Read a request; nothing is checked against the database's schema yet.

    Errors, in this order: InvalidPath, OpenApiDisabled; UnacceptableSchema;
    InvalidRpcMethod, UnsupportedMethod; QueryParseError; InvalidRange,
    PutWithLimit; InvalidBody.
    """
    resource = find_resource(request.path, config)
    schema, negotiated = negotiate_schema(request, config.db_schemas)
    action = choose_action(resource, schema, request.method)
    query = parse_query_string(request.query, call=_calls_by_query(action))
    top_range = _top_range(request, query)
    accept = request.header(b"accept")
    content_type = _content_type(request)
    payload, columns = read_payload(request.body, content_type, action=action, query=query)
    headers, cookies = split_cookies(request.headers)
    return ApiRequest(
        action=action,
        method=request.method,
        path=request.path.decode("latin-1"),
        schema=schema,
        negotiated_by_profile=negotiated,
        query=query,
        ranges=_ranges(action, query, top_range),
        top_range=top_range,
        preferences=parse_preferences(request.headers, transaction_override=config.db_tx_allow_override),
        payload=payload,
        columns=columns,
        accept=ACCEPT_ANY if accept is None else parse_accept(accept),
        content_type=content_type,
        headers=headers,
        cookies=cookies,
    )


def _calls_by_query(action: Action) -> bool:
    return isinstance(action, CallRoutine) and action.invocation is not Invocation.POST


# Ranges ------------------------------------------------------------------------------------


def _top_range(request: HttpRequest, query: QueryString) -> RowRange:
    """The rows of the root: what `limit` and `offset` leave of the Range header, which only GET has.

    Errors: InvalidRange, PutWithLimit.
    """
    header = request.header(b"range") if request.method == "GET" else None
    by_header = ALL_ROWS if header is None else parse_range_header(header)
    by_query = (query.ranges or {}).get(ROOT_LIMIT, ALL_ROWS)
    if by_query.is_limit_zero:
        rows = NO_ROWS
    else:
        rows = by_header.intersect(by_query)
        if rows.is_empty:
            raise InvalidRange.lower_above_upper() if by_header.is_empty else InvalidRange.negative_limit()
    if request.method == "PUT" and rows != ALL_ROWS:
        raise PutWithLimit
    return rows


def _ranges(action: Action, query: QueryString, top_range: RowRange) -> tuple[tuple[EmbedPath, RowRange], ...]:
    """The range of each level; only what reads looks at those of the embedded ones. Errors: QueryParseError."""
    embedded: list[tuple[EmbedPath, RowRange]] = []
    if query.ranges and isinstance(action, ReadRelation | CallRoutine | DescribeRoutine):
        for name, rows in query.ranges.items():
            if name != ROOT_LIMIT:
                embedded.append((parse_tree_path(name)[0], rows))
    return (((), top_range), *embedded)


# Headers -----------------------------------------------------------------------------------


def _content_type(request: HttpRequest) -> MediaType:
    header = request.header(b"content-type")
    return JSON if header is None else parse_media_type(header.decode("latin-1"))


def split_cookies(headers: Headers) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The headers but Cookie, the last of equal names, and the cookies of the first Cookie header."""
    others: dict[str, str] = {}
    cookie_header: bytes | None = None
    for name, value in headers:
        if name != b"cookie":
            others[name.decode("latin-1")] = value.decode("utf-8", "replace")
        elif cookie_header is None:
            cookie_header = value
    return others, _read_cookies(cookie_header) if cookie_header else {}


def _read_cookies(header: bytes) -> Mapping[str, str]:
    """Pairs between semicolons, taken as they are; blanks before a name do not count."""
    pairs = header.removesuffix(b";").split(b";")
    cookies = {}
    for pair in pairs:
        name, _, value = pair.partition(b"=")
        cookies[name.lstrip(b" ").decode("utf-8", "replace")] = value.decode("utf-8", "replace")
    return cookies


# Body --------------------------------------------------------------------------------------


def read_payload(
    body: bytes, content_type: MediaType, *, action: Action, query: QueryString
) -> tuple[Payload | None, frozenset[str]]:
    """The body, if the action has one, and which columns or arguments it gives. Errors: InvalidBody."""
    payload: Payload
    match action:
        case MutateRelation(mutation=Mutation.INSERT | Mutation.UPDATE | Mutation.UPSERT_SINGLE as mutation):
            columns = None if mutation is Mutation.UPSERT_SINGLE else query.columns
            payload = read_table_body(body, content_type, columns_given=columns is not None)
        case CallRoutine(invocation=Invocation.POST):
            columns = query.columns
            payload = read_call_body(body, content_type, columns_given=columns is not None)
        case _:
            return None, NO_KEYS
    match payload:
        case JsonPayload(keys=None):
            return payload, columns or NO_KEYS
        case JsonPayload(keys=frozenset() as keys):
            return payload, keys
        case FormPayload(parameters=parameters):
            return payload, frozenset(name for name, _ in parameters)
        case _:
            return payload, NO_KEYS
