"""The life of one request: who asks, what for, by which statements, and the answer.

This is the story that the rooms below tell together. It is written with callbacks
rather than coroutines, since a task for each request would cost more than all the
stages of a cached one.
"""

import re
import time
import traceback
from collections.abc import Callable, Sequence
from itertools import pairwise

from tailrace.engine.data_api.faults import documented, is_severe
from tailrace.engine.data_api.inspection import Inspection
from tailrace.engine.data_api.plan_cache import request_values, top_range_of
from tailrace.engine.data_api.prepared import FEW_ROWS, SMALL_BODY, Prepared, prepare
from tailrace.engine.data_api.shape import Shape, shape_of
from tailrace.engine.data_api.state import ApiState
from tailrace.engine.data_api.streaming import StreamedBody, without_length
from tailrace.engine.errors import ApiError, InternalError, NoSchemaCache
from tailrace.engine.jwt.authenticate import AuthResult
from tailrace.engine.message import HttpRequest, Response
from tailrace.engine.observe import events
from tailrace.engine.plan.action import plan_action
from tailrace.engine.plan.action_plan import (
    RelationInfo,
    RelationRead,
    RoutineCall,
    RoutineInfo,
    SchemaInfo,
    SchemaInspection,
)
from tailrace.engine.postgres.pool import Flight
from tailrace.engine.request.api_request import ApiRequest, parse_request
from tailrace.engine.request.query_string import canonical_query, split_query
from tailrace.engine.request.range import ALL_ROWS
from tailrace.engine.response.cors import cors_headers, preflight
from tailrace.engine.response.error import render_error
from tailrace.engine.response.headers import NOT_READY, retry_after, trace_header
from tailrace.engine.response.info import respond_info
from tailrace.engine.response.performance import ServerTiming
from tailrace.engine.response.recipe import BODY, row_count
from tailrace.engine.response.status import has_body
from tailrace.engine.response.total import planned_rows
from tailrace.engine.sql.fragment import RequestValues, UnfitValue
from tailrace.engine.sql.settings import SessionValues, render_pre_request
from tailrace.engine.statement import IsolationLevel, Rows, Statement, Transaction

Reply = Callable[[Response, str | None], None]
"""Takes the answer and the role that it was given to, None if that was not found out."""

SEVERE = 500
"""The lowest status of the database's faults that an operator hears of."""
METHODS_WITH_BODY = frozenset(("POST", "PATCH", "PUT"))


class Answering:
    """One request under one snapshot, from its bytes to its answer."""

    __slots__ = (
        "_api",
        "_caller",
        "_canonical",
        "_finish",
        "_flight",
        "_is_gone",
        "_laps",
        "_main",
        "_prepared",
        "_reply",
        "_request",
        "_snapshot",
        "_statements",
        "_stream",
        "_top_range",
    )

    def __init__(self, api: ApiState, request: HttpRequest, reply: Reply) -> None:
        self._api = api
        self._request = request
        self._reply = reply
        self._snapshot = api.snapshot
        self._caller: AuthResult | None = None
        self._prepared: Prepared | None = None
        self._flight: Flight | None = None
        """The transaction that is under way."""
        self._is_gone = False
        self._statements: tuple[Statement, ...] = ()
        self._main = 1
        """Index of the main statement among them."""
        self._stream: StreamedBody | None = None
        self._top_range = ALL_ROWS
        self._canonical = ""
        self._finish: Callable[[Sequence[Rows]], Response] | None = None
        """Makes the root document of the results; what renders rows needs no reference to itself here."""
        self._laps: list[float] | None = [] if self._snapshot.config.server_timing_enabled else None

    def time_stages(self) -> list[float]:
        """To be called before the start, by who wants to know; the result grows by the moment at each stage's end."""
        if self._laps is None:
            self._laps = []
        return self._laps

    @property
    def route(self) -> str | None:
        """`/films` or `/rpc/add`, once that is known to exist; `/` for the root document."""
        if self._prepared is None:
            return None if self._finish is None else "/"
        plan = self._prepared.plan
        return f"/rpc/{plan.target.name}" if isinstance(plan, RoutineCall) else f"/{plan.target.name}"

    @property
    def schema(self) -> str | None:
        """Of the relation or function, once that is known."""
        return None if self._prepared is None else self._prepared.schema

    def start(self) -> None:
        """Run all stages up to the database; the answer follows when its results are in."""
        try:
            self._start()
        except ApiError as error:
            self._fail(error)
        except Exception as error:
            self._fault(error)

    def _start(self) -> None:
        snapshot, request = self._snapshot, self._request
        if request.method == "OPTIONS":
            allowed = preflight(request, snapshot.config.server_cors_allowed_origins)
            if allowed is not None:
                self._send(allowed)
                return
        self._lap()
        self._caller = snapshot.jwt_cache.caller(request.header(b"authorization"), time.time())
        self._lap()
        if snapshot.schema_cache is None:
            self._api.emit(events.SchemaCacheMissing())
            raise NoSchemaCache
        shape = shape_of(request)
        if not self._run_again(shape):
            self._run_first(shape)

    def gone(self) -> None:
        """The client went away before its answer: end what only reads, for nobody waits for it.

        A function that is called runs on, as with PostgREST: what it does need not end with its transaction.
        """
        prepared, flight = self._prepared, self._flight
        if flight is not None and prepared is not None and isinstance(prepared.plan, RelationRead):
            self._is_gone = True
            self._api.pool.cancel(flight)

    # Planning ----------------------------------------------------------------------------------

    def _run_again(self, shape: Shape) -> bool:
        """Run a request of a shape that was prepared before; False if it was not, or its values do not fit."""
        if shape.is_odd:
            return False
        plans, payload = self._snapshot.plans, None
        if self._request.method in METHODS_WITH_BODY:
            reader = plans.reader(shape)
            if reader is None:
                return False
            payload = reader.read(self._request.body)
        prepared = plans.find(shape, payload)
        if prepared is None:
            return False
        top_range = top_range_of(shape)
        values = request_values(shape, payload, top_range, self._snapshot.config.db_max_rows)
        try:
            statements = fill_statements(prepared, values)
        except UnfitValue:
            return False
        self._lap()
        self._top_range = top_range
        if isinstance(prepared.plan, RelationRead):
            self._canonical = canonical_of(self._request.query)
        self._lap()
        self._run(prepared, statements)
        return True

    def _run_first(self, shape: Shape) -> None:
        """Parse and plan a request, and keep the plan if it can serve others."""
        snapshot = self._snapshot
        assert snapshot.schema_cache is not None
        asked = parse_request(self._request, snapshot.config)
        self._lap()
        plan = plan_action(asked, snapshot.config, snapshot.schema_cache)
        match plan:
            case RelationInfo() | RoutineInfo() | SchemaInfo():
                self._lap()
                self._lap()
                response = respond_info(plan)
                self._lap()
                self._send(response)
                return
            case SchemaInspection():
                self._lap()
                self._inspect(plan, asked)
                return
        prepared = prepare(plan, asked, snapshot.config)
        self._lap()
        self._top_range = asked.top_range
        self._canonical = asked.query.canonical
        values = request_values(shape, asked.payload, asked.top_range, snapshot.config.db_max_rows)
        kept = snapshot.plans.keep(shape, prepared, asked, values)
        self._run(kept or prepared, first_statements(prepared))

    # The database ------------------------------------------------------------------------------

    def _run(self, prepared: Prepared, statements: tuple[Statement, ...]) -> None:
        config, caller = self._snapshot.config, self._caller
        assert caller is not None
        settings = self._snapshot.settings.find(
            config,
            schema=prepared.schema,
            role=caller.role,
            routine=prepared.routine,
            read_only=prepared.read_only,
        ).fill(self._session_values(caller, prepared.timezone))
        if config.db_pre_request is not None:
            self._main = 2
            self._statements = (settings, render_pre_request(config.db_pre_request), *statements)
        else:
            self._statements = (settings, *statements)
        self._prepared = prepared
        if prepared.legacy_names is not None:
            self._api.emit(legacy_name_event(prepared.legacy_names, self._request))
        if prepared.stream is not None and statements[0].sql is prepared.stream.sql:
            self._stream = StreamedBody(self._start_stream, self._api.pool)
        judges = prepared.verdict is not None and not prepared.read_only and not prepared.rollback
        isolation = prepared.isolation or config.role_isolation.get(caller.role, IsolationLevel.READ_COMMITTED)
        self._flight = self._api.pool.run(
            Transaction(
                self._statements,
                isolation,
                prepared.rollback,
                self._judge if judges else None,
                prepared.cost if self._stream is None else None,
                self._stream,
            ),
            self._done,
        )

    def _inspect(self, plan: SchemaInspection, asked: ApiRequest) -> None:
        """Ask what the role may see, and write the root document."""
        snapshot, caller, config = self._snapshot, self._caller, self._snapshot.config
        assert caller is not None
        settings = snapshot.settings.find(config, schema=plan.schema, role=caller.role, routine=None, read_only=True)
        timezone = asked.preferences.timezone
        before = [settings.fill(self._session_values(caller, None if timezone is None else timezone.encode()))]
        if config.db_pre_request is not None:
            before.append(render_pre_request(config.db_pre_request))
        inspection = Inspection(plan, asked, snapshot, role=caller.role)
        self._statements = (*before, *inspection.statements())
        self._finish = lambda results: inspection.respond(results[len(before) :])
        isolation = config.role_isolation.get(caller.role, IsolationLevel.READ_COMMITTED)
        self._api.pool.run(Transaction(self._statements, isolation, cost=snapshot.documents.cost), self._done)

    def _session_values(self, caller: AuthResult, timezone: bytes | None) -> SessionValues:
        request = self._request
        headers, cookies = self._api.headers.of(request.headers)
        return SessionValues(
            caller.role.encode(),
            caller.claims_json,
            request.method.encode(),
            request.path,
            headers,
            cookies,
            timezone,
        )

    def _judge(self, results: Sequence[Rows]) -> None:
        prepared = self._prepared
        assert prepared is not None
        assert prepared.verdict is not None
        prepared.verdict(row_count(results[self._main]))

    def _done(self, results: Sequence[Rows] | None, error: Exception | None) -> None:
        self._flight = None
        try:
            if self._is_gone:
                return
            self._lap()
            stream = self._stream
            if stream is not None and stream.is_open:
                self._end_stream(stream, error)
                return
            if error is not None or results is None:
                raise self._told(error)
            response = self._render(results) if self._finish is None else self._finish(results)
            self._lap()
            self._send(response)
        except ApiError as failure:
            self._fail(failure)
        except Exception as fault:
            self._fault(fault)
        finally:
            # It knows this request: the two would keep each other and the snapshot until garbage is collected
            self._stream = None

    def _render(self, results: Sequence[Rows]) -> Response:
        prepared = self._prepared
        assert prepared is not None
        if prepared.verdict is not None and (prepared.read_only or prepared.rollback):
            self._judge(results)
        planned: int | None = None
        if prepared.rendered.explain_count is not None:
            planned = planned_rows(results[self._main + 1].get_value(0, 0) or b"")
        rows = results[self._main]
        if self._stream is not None:
            rows = self._stream.whole() or rows
            prepared.is_small = self._stream.row_count <= FEW_ROWS
        elif prepared.is_small and len(rows.get_value(0, BODY) or b"") > SMALL_BODY:
            prepared.is_small = False
        return prepared.recipe.render(rows, top_range=self._top_range, canonical=self._canonical, planned=planned)

    # Bodies in pieces --------------------------------------------------------------------------

    def _start_stream(self, first: Rows) -> None:
        """The body is large: send the head, the rest follows as it comes."""
        prepared, stream = self._prepared, self._stream
        assert prepared is not None
        assert stream is not None
        prepared.is_small = False
        self._lap()
        try:
            response = prepared.recipe.render(first, top_range=self._top_range, canonical=self._canonical)
        except ApiError as error:
            stream.gone()
            self._fail(error)
            return
        self._lap()
        if has_body(response.status):
            response = without_length(response)
            response.source = stream
        else:
            stream.gone()
        self._send(response)

    def _end_stream(self, stream: StreamedBody, error: Exception | None) -> None:
        if error is None:
            stream.end()
            return
        self._told(error)
        stream.abort()

    # Answers -----------------------------------------------------------------------------------

    @property
    def _is_authenticated(self) -> bool:
        return self._caller is not None and self._caller.authenticated

    def _fault(self, error: Exception) -> None:
        """A fault of ours: the client is told that it happened, the operator what it was."""
        self._api.emit(events.InternalFault(describe_fault(error)))
        self._fail(InternalError())

    def _told(self, error: Exception | None) -> Exception:
        """The documented error for a fault of the database; the operator hears of it if it is severe."""
        failure = documented(error, authenticated=self._is_authenticated)
        if error is not None:
            self._api.judge(error)
            if is_severe(error) and isinstance(failure, ApiError) and failure.status >= SEVERE:
                self._api.emit(events.DatabaseErrorSevere(failure))
        return failure

    def _fail(self, error: ApiError) -> None:
        response = render_error(error, self._snapshot.config.client_error_verbosity)
        self._laps = None
        self._send(response)
        if error.status == NOT_READY and self._snapshot.schema_cache is not None:
            self._api.recover()

    def _send(self, response: Response) -> None:
        config = self._snapshot.config
        headers = response.headers
        if response.status == NOT_READY:
            headers.insert(0, retry_after(self._api.retry_delay))
        if self._laps is not None and len(self._laps) > TIMED and config.server_timing_enabled:
            headers.append(server_timing(self._laps).header)
        if config.server_trace_header is not None:
            headers.insert(0, trace_header(self._request, config.server_trace_header))
        headers.extend(cors_headers(self._request, config.server_cors_allowed_origins))
        if config.log_query and self._statements:
            statements = tuple(statement.sql for statement in self._statements)
            self._api.emit(events.QueryRun(statements, response.status))
        self._reply(response, self._caller.role if self._caller is not None else None)

    def _lap(self) -> None:
        if self._laps is not None:
            self._laps.append(time.perf_counter())


TIMED = 5
"""Laps of a request that was answered by the database: the ends of its stages, and the start."""


def legacy_name_event(replacements: str, request: HttpRequest) -> events.LegacyTargetName:
    target = request.path + b"?" + request.query if request.query else request.path
    return events.LegacyTargetName(replacements, request.method, target)


def first_statements(prepared: Prepared) -> tuple[Statement, ...]:
    """The main statements of the request that was prepared."""
    main, explain = prepared.rendered.main, prepared.rendered.explain_count
    if prepared.stream is not None:
        return (prepared.stream.statement(),)
    return (main.statement(),) if explain is None else (main.statement(), explain.statement())


def fill_statements(prepared: Prepared, values: RequestValues) -> tuple[Statement, ...]:
    """The main statements of a request of a prepared shape. Errors: UnfitValue."""
    rendered = prepared.rendered
    if prepared.stream is not None and not prepared.is_small:
        return (prepared.stream.fill(values),)
    main = rendered.main.fill(values)
    return (main,) if rendered.explain_count is None else (main, rendered.explain_count.fill(values))


PLAIN_PARAMETER = re.compile(rb"[A-Za-z0-9_.~-]+=[A-Za-z0-9_.~-]*")


def canonical_of(query: bytes) -> str:
    """The canonical form of a query string; one plain parameter is its own."""
    if not query or PLAIN_PARAMETER.fullmatch(query) is not None:
        return query.decode("ascii")
    return canonical_query(split_query(query))


def server_timing(laps: list[float]) -> ServerTiming:
    spans = [1000 * (end - start) for start, end in pairwise(laps)]
    return ServerTiming(*spans[:TIMED])


def describe_fault(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)).rstrip()
