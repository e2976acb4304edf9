"""Every error that a client can get, one class for each documented code.

Source: PostgREST docs, references/errors. Codes PGRST104, 109, 110, 113, 119 and
120 are never raised upstream either and stay unused here.

    ApiError
    |-- PGRST0xx  what is wrong with the connection
    |-- PGRST1xx  what is wrong with the request
    |-- PGRST2xx  what the schema cache does not know
    |-- PGRST3xx  what is wrong with the token
    |-- UnknownApi, ApiUnavailable  TLRxxx, our own: of a process that serves many APIs
    |-- UnreadableRequest  TLRxxx, our own: bytes that are no request, or too many of them
    `-- DatabaseError  what Postgres raised (its SQLSTATE is the code)

Hints that need knowledge of the schema are computed where the error is raised.
"""

from collections.abc import Sequence
from typing import Any

JsonValue = Any
"""A JSON document as Python's json module gives it."""


class ApiError(Exception):
    """An answer that is an error: its status, JSON body and headers."""

    status: int = 400
    code: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    reason: str | None = None

    def __init__(self, message: str, *, details: JsonValue = None, hint: JsonValue = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
        self.hint = hint


class DatabaseError(ApiError):
    """What Postgres raised, with the status that its SQLSTATE stands for."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str,
        details: JsonValue = None,
        hint: JsonValue = None,
        headers: tuple[tuple[str, str], ...] = (),
        reason: str | None = None,
    ) -> None:
        super().__init__(message, details=details, hint=hint)
        self.status = status
        self.code = code
        self.headers = headers
        self.reason = reason


# PGRST0xx: the connection ------------------------------------------------------------------


class DatabaseUnreachable(ApiError):
    status, code = 503, "PGRST000"

    def __init__(self, details: str | None) -> None:
        super().__init__("Database connection error.", details=details)


class DatabaseClientError(ApiError):
    status, code = 503, "PGRST001"

    def __init__(self, details: str | None) -> None:
        super().__init__("Database client error. Retrying the connection.", details=details)


class NoSchemaCache(ApiError):
    status, code = 503, "PGRST002"

    def __init__(self) -> None:
        super().__init__("Could not query the database for the schema cache. Retrying.")


class PoolTimeout(ApiError):
    status, code = 504, "PGRST003"

    def __init__(self) -> None:
        super().__init__("Timed out acquiring connection from connection pool.")


class InternalError(ApiError):
    """A fault of ours: says nothing but that it happened."""

    status, code = 500, "PGRSTX00"

    def __init__(self) -> None:
        super().__init__("Internal error")


# PGRST1xx: the request ---------------------------------------------------------------------


class QueryParseError(ApiError):
    code = "PGRST100"

    def __init__(self, message: str, details: str) -> None:
        super().__init__(message, details=details)


class InvalidRpcMethod(ApiError):
    status, code = 405, "PGRST101"

    def __init__(self, method: str) -> None:
        super().__init__(f"Cannot use the {method} method on RPC")


class InvalidBody(ApiError):
    code = "PGRST102"


class InvalidRange(ApiError):
    status, code = 416, "PGRST103"

    def __init__(self, details: str) -> None:
        super().__init__("Requested range not satisfiable", details=details)

    @classmethod
    def negative_limit(cls) -> "InvalidRange":
        return cls("Limit should be greater than or equal to zero.")

    @classmethod
    def lower_above_upper(cls) -> "InvalidRange":
        return cls("The lower boundary must be lower than or equal to the upper boundary in the Range header.")

    @classmethod
    def out_of_bounds(cls, lower: int, total: int) -> "InvalidRange":
        return cls(f"An offset of {lower} was requested, but there are only {total} rows.")


class InvalidPutFilters(ApiError):
    status, code = 405, "PGRST105"

    def __init__(self) -> None:
        super().__init__("Filters must include all and only primary key columns with 'eq' operators")


class UnacceptableSchema(ApiError):
    status, code = 406, "PGRST106"

    def __init__(self, schema: str, exposed: Sequence[str]) -> None:
        super().__init__(
            f"Invalid schema: {schema}", hint=f"Only the following schemas are exposed: {', '.join(exposed)}"
        )


class MediaTypeUnavailable(ApiError):
    status, code = 406, "PGRST107"

    def __init__(self, media_types: Sequence[str]) -> None:
        super().__init__(f"None of these media types are available: {', '.join(media_types)}")


class NotEmbedded(ApiError):
    """A filter, order or limit on something that `select` does not embed.

    `alias` is given when the relation is embedded under an alias, and
    url-use-legacy-target-names is off, so its own name does not count.
    """

    code = "PGRST108"

    def __init__(self, name: str, *, alias: str | None = None, relation: str | None = None) -> None:
        if alias is None:
            super().__init__(
                f"'{name}' is not an embedded resource in this request",
                hint=f"Verify that '{name}' is included in the 'select' query parameter.",
            )
        else:
            super().__init__(
                f"'{name}' is not an embedded resource in this request",
                details="Target names are not allowed in filters if they have an alias",
                hint=f"Change '{relation or name}' to '{alias}' in filters, orders or limits.",
            )


class InvalidResponseHeaders(ApiError):
    status, code = 500, "PGRST111"

    def __init__(self) -> None:
        super().__init__(
            "response.headers guc must be a JSON array composed of objects with a single key and a string value"
        )


class InvalidResponseStatus(ApiError):
    status, code = 500, "PGRST112"

    def __init__(self) -> None:
        super().__init__("response.status guc must be a valid status code")


class PutWithLimit(ApiError):
    code = "PGRST114"

    def __init__(self) -> None:
        super().__init__("limit/offset querystring parameters are not allowed for PUT")


class PutKeyMismatch(ApiError):
    code = "PGRST115"

    def __init__(self) -> None:
        super().__init__("Payload values do not match URL in primary key column(s)")


class NotSingular(ApiError):
    status, code = 406, "PGRST116"

    def __init__(self, rows: int) -> None:
        super().__init__("Cannot coerce the result to a single JSON object", details=f"The result contains {rows} rows")


class UnsupportedMethod(ApiError):
    status, code = 405, "PGRST117"

    def __init__(self, method: str) -> None:
        super().__init__(f"Unsupported HTTP method: {method}")


class RelatedOrderNotToOne(ApiError):
    code = "PGRST118"

    def __init__(self, origin: str, target: str) -> None:
        super().__init__(
            f"A related order on '{target}' is not possible",
            details=f"'{origin}' and '{target}' do not form a many-to-one or one-to-one relationship",
        )


class InvalidRaise(ApiError):
    """`RAISE SQLSTATE 'PGRST'` whose MESSAGE or DETAIL is not the JSON that it must be."""

    status, code = 500, "PGRST121"

    def __init__(self, details: str, hint: str) -> None:
        super().__init__("Could not parse JSON in the \"RAISE SQLSTATE 'PGRST'\" error", details=details, hint=hint)


class InvalidPreferences(ApiError):
    code = "PGRST122"

    def __init__(self, preferences: Sequence[str]) -> None:
        super().__init__(
            "Invalid preferences given with handling=strict",
            details=f"Invalid preferences: {', '.join(preferences)}",
        )


class AggregatesNotAllowed(ApiError):
    code = "PGRST123"

    def __init__(self) -> None:
        super().__init__("Use of aggregate functions is not allowed")


class MaxAffectedExceeded(ApiError):
    code = "PGRST124"

    def __init__(self, rows: int) -> None:
        super().__init__(
            "Query result exceeds max-affected preference constraint", details=f"The query affects {rows} rows"
        )


class InvalidPath(ApiError):
    status, code = 404, "PGRST125"

    def __init__(self) -> None:
        super().__init__("Invalid path specified in request URL")


class OpenApiDisabled(ApiError):
    status, code = 404, "PGRST126"

    def __init__(self) -> None:
        super().__init__("Root endpoint metadata is disabled")


class NotImplementedYet(ApiError):
    code = "PGRST127"

    def __init__(self, details: str) -> None:
        super().__init__("Feature not implemented", details=details)


class MaxAffectedNeedsRows(ApiError):
    code = "PGRST128"

    def __init__(self) -> None:
        super().__init__(
            "Function must return SETOF or TABLE when max-affected preference is used with handling=strict"
        )


# PGRST2xx: the schema cache ----------------------------------------------------------------


class NoRelationship(ApiError):
    code = "PGRST200"

    def __init__(self, origin: str, target: str, *, schema: str, hinted: str | None, suggestion: str | None) -> None:
        using = f"' using the hint '{hinted}" if hinted is not None else ""
        super().__init__(
            f"Could not find a relationship between '{origin}' and '{target}' in the schema cache",
            details=f"Searched for a foreign key relationship between '{origin}' and '{target}{using}'"
            f" in the schema '{schema}', but no matches were found.",
            hint=suggestion,
        )


class AmbiguousRelationship(ApiError):
    status, code = 300, "PGRST201"

    def __init__(self, origin: str, target: str, *, candidates: JsonValue, suggestion: str) -> None:
        super().__init__(
            f"Could not embed because more than one relationship was found for '{origin}' and '{target}'",
            details=candidates,
            hint=f"Try changing '{target}' to one of the following: {suggestion}."
            " Find the desired relationship in the 'details' key.",
        )


class NoFunction(ApiError):
    status, code = 404, "PGRST202"


class AmbiguousFunction(ApiError):
    status, code = 300, "PGRST203"

    def __init__(self, signatures: Sequence[str]) -> None:
        super().__init__(
            f"Could not choose the best candidate function between: {', '.join(signatures)}",
            hint="Try renaming the parameters or the function itself in the database"
            " so function overloading can be resolved",
        )


class NoColumn(ApiError):
    code = "PGRST204"

    def __init__(self, relation: str, column: str) -> None:
        super().__init__(f"Could not find the '{column}' column of '{relation}' in the schema cache")


class NoTable(ApiError):
    status, code = 404, "PGRST205"

    def __init__(self, schema: str, name: str, *, suggestion: str | None) -> None:
        super().__init__(f"Could not find the table '{schema}.{name}' in the schema cache", hint=suggestion)


# PGRST3xx: the token -----------------------------------------------------------------------


class NoJwtSecret(ApiError):
    status, code = 500, "PGRST300"

    def __init__(self) -> None:
        super().__init__("Server lacks JWT secret")


class TokenRejected(ApiError):
    """A token that is refused, and why, in the header that RFC 6750 asks for."""

    status = 401

    def __init__(self, message: str, details: str | None = None) -> None:
        super().__init__(message, details=details)
        self.headers = (("WWW-Authenticate", f'Bearer error="invalid_token", error_description="{message}"'),)


class TokenUndecodable(TokenRejected):
    code = "PGRST301"


class TokenRequired(ApiError):
    status, code = 401, "PGRST302"
    headers = (("WWW-Authenticate", "Bearer"),)

    def __init__(self) -> None:
        super().__init__("Anonymous access is disabled")


class ClaimsRejected(TokenRejected):
    code = "PGRST303"


# TLRxxx: many APIs in one process ----------------------------------------------------------


class UnknownApi(ApiError):
    status, code = 404, "TLR404"

    def __init__(self) -> None:
        super().__init__("There is no API at this address.")


class ApiUnavailable(ApiError):
    status, code = 503, "TLR503"

    def __init__(self) -> None:
        super().__init__("This API cannot use its database at present. Retrying.")


# TLRxxx: bytes that are no request ---------------------------------------------------------


class UnreadableRequest(ApiError):
    """Answered by the HTTP server itself, which then ends the connection; PostgREST answers in plain text."""


class MalformedHttp(UnreadableRequest):
    status, code = 400, "TLR400"


class RequestTooSlow(UnreadableRequest):
    status, code = 408, "TLR408"


class BodyTooLarge(UnreadableRequest):
    status, code = 413, "TLR413"


class HeadTooLarge(UnreadableRequest):
    status, code = 431, "TLR431"


class UnknownTransferCoding(UnreadableRequest):
    status, code = 501, "TLR501"


UNREADABLE = (MalformedHttp, RequestTooSlow, BodyTooLarge, HeadTooLarge, UnknownTransferCoding)


def unreadable_request(status: int, message: str) -> UnreadableRequest:
    """The error of one of the statuses above. Errors: ValueError for another one."""
    for kind in UNREADABLE:
        if kind.status == status:
            return kind(message)
    raise ValueError(f"no error is documented for bytes that are answered with {status}")
