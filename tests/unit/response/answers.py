"""What the tests of answers are made of: plans, requests and rows of a library of films."""

from dataclasses import dataclass, field
from typing import Any

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.media_type import JSON, MediaType
from tailrace.engine.message import Response
from tailrace.engine.plan.action_plan import DatabasePlan, RelationMutation, RelationRead, RoutineCall
from tailrace.engine.plan.call_plan import CallPlan, DirectArguments, NamedParameters
from tailrace.engine.plan.mutate_plan import Delete, Insert, MutatePlan, Update
from tailrace.engine.plan.read_plan import ReadPlan
from tailrace.engine.request.api_request import ApiRequest, Invocation, Mutation, QueryString, ReadRelation
from tailrace.engine.request.preferences import Preferences
from tailrace.engine.request.range import ALL_ROWS, RowRange
from tailrace.engine.response.render import ResponseSettings, respond
from tailrace.engine.schema_cache.media_handler import Builtin
from tailrace.engine.schema_cache.routine import ReturnType, Routine, Volatility

FILMS = QualifiedName("api", "films")
READ = ReadPlan(name="films", source=FILMS)
INTEGER = QualifiedName("pg_catalog", "int4")
VOID = QualifiedName("pg_catalog", "void")


@dataclass
class Result:
    """The rows of a main statement; without arguments one row of an empty body."""

    rows: list[tuple[bytes | None, ...]] = field(default_factory=list)

    @property
    def ntuples(self) -> int:
        return len(self.rows)

    def get_value(self, row_number: int, column_number: int) -> bytes | None:
        return self.rows[row_number][column_number]


def result(count: int = 0, body: bytes | None = b"[]", **more: bytes | int | None) -> Result:
    """One row; `more` names total, headers, status, inserted, location."""

    def column(name: str) -> bytes | None:
        value = more.get(name)
        if name == "status" and isinstance(value, int):
            return str(value).encode()
        return value.to_bytes(8, "big", signed=True) if isinstance(value, int) else value

    start = (column("total"), count.to_bytes(8, "big", signed=True), body, column("headers"), column("status"))
    return Result([(*start, column("inserted"), column("location"))])


def request(preferences: Preferences | None = None, **more: Any) -> ApiRequest:
    values: dict[str, Any] = {
        "action": ReadRelation(FILMS, False),
        "method": "GET",
        "path": "/films",
        "schema": "api",
        "negotiated_by_profile": False,
        "query": QueryString(),
        "ranges": (),
        "top_range": ALL_ROWS,
        "preferences": preferences or Preferences(),
        "payload": None,
        "columns": frozenset(),
        "accept": (JSON,),
        "content_type": JSON,
        "headers": {},
        "cookies": {},
    }
    return ApiRequest(**values | more)


def reading(*, headers_only: bool = False, media_type: MediaType = JSON, read: ReadPlan = READ) -> RelationRead:
    return RelationRead(FILMS, read, Builtin.JSON, media_type, headers_only)


def writing(mutation: Mutation, *, key: tuple[str, ...] = ("id",), media_type: MediaType = JSON) -> RelationMutation:
    plan: MutatePlan
    match mutation:
        case Mutation.UPDATE:
            plan = Update(FILMS, (), (), (), False)
        case Mutation.DELETE:
            plan = Delete(FILMS, (), ())
        case _:
            plan = Insert(FILMS, (), None, (), (), key, False)
    return RelationMutation(FILMS, READ, plan, Builtin.JSON, media_type, mutation)


def calling(
    *,
    returns: ReturnType = ReturnType(INTEGER, False, False),  # noqa: B008  a frozen value
    invocation: Invocation = Invocation.POST,
    media_type: MediaType = JSON,
) -> RoutineCall:
    routine = Routine("api", "f", None, (), returns, Volatility.VOLATILE, False, None, ())
    plan = CallPlan(
        QualifiedName("api", "f"), NamedParameters(()), DirectArguments(()), True, False, frozenset(), frozenset()
    )
    return RoutineCall(QualifiedName("api", "f"), READ, plan, routine, Builtin.JSON, media_type, invocation, False)


def answer(
    plan: DatabasePlan,
    rows: Result,
    asked: ApiRequest | None = None,
    settings: ResponseSettings | None = None,
) -> Response:
    return respond(plan, asked or request(), rows, settings or ResponseSettings())


def page(offset: int, last: int | None = None, **more: Any) -> ApiRequest:
    return request(**{"top_range": RowRange(offset, last)} | more)


def header(response: Response, name: str) -> str | None:
    """The value of a header that is sent once, None if it is not sent."""
    values = [value.decode() for key, value in response.headers if key.decode().lower() == name.lower()]
    assert len(values) < 2, f"{name} was sent {len(values)} times"
    return values[0] if values else None


def names(response: Response) -> list[str]:
    return sorted(name.decode() for name, _ in response.headers)
