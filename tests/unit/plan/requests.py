"""Requests written as values, the way the parser would hand them over."""

from collections.abc import Iterable
from typing import Any

from tailrace.engine.config.config import Config
from tailrace.engine.media_type import ANY, JSON, MediaType
from tailrace.engine.plan.action import plan_action
from tailrace.engine.plan.action_plan import ActionPlan, RelationMutation, RelationRead, RoutineCall
from tailrace.engine.plan.read_plan import ReadPlan
from tailrace.engine.request.api_request import (
    Action,
    ApiRequest,
    CallRoutine,
    Invocation,
    MutateRelation,
    Mutation,
    QueryString,
    ReadRelation,
)
from tailrace.engine.request.filter import Filter, Is, IsValue, Operand, Quantifiable, QuantifiableOperator
from tailrace.engine.request.order import OrderTerm
from tailrace.engine.request.payload import Payload
from tailrace.engine.request.preferences import Preferences
from tailrace.engine.request.range import ALL_ROWS
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
from tailrace.engine.schema_cache.cache import SchemaCache
from tests.unit.plan.schema import SCHEMA, name, schema_cache

CACHE = schema_cache()


def request(
    action: Action,
    *select: SelectItem | str,
    filter_fields: Iterable[str] = (),
    ranges: tuple[Any, ...] = (),
    preferences: Preferences | None = None,
    payload: Payload | None = None,
    columns: Iterable[str] = (),
    accept: tuple[MediaType, ...] = (ANY,),
    content_type: MediaType = JSON,
    **query: Any,
) -> ApiRequest:
    """A request for JSON; `query` are fields of QueryString, texts in `select` are columns."""
    items = tuple(column(item) if isinstance(item, str) else item for item in select or ("*",))
    return ApiRequest(
        action=action,
        method="",
        path="",
        schema=SCHEMA,
        negotiated_by_profile=False,
        query=QueryString(select=items, filter_fields=frozenset(filter_fields), **query),
        ranges=ranges,
        top_range=ALL_ROWS,
        preferences=preferences or Preferences(),
        payload=payload,
        columns=frozenset(columns),
        accept=accept,
        content_type=content_type,
        headers={},
        cookies={},
    )


def plan(asked: ApiRequest, cache: SchemaCache = CACHE, **settings: Any) -> ActionPlan:
    return plan_action(asked, Config(**settings), cache)


def read(relation: str, *select: SelectItem | str, cache: SchemaCache = CACHE, **query: Any) -> ReadPlan:
    """The plan of `GET /relation?select=...`, aggregates allowed."""
    return read_of(plan(request(reading(relation), *select, **query), cache, db_aggregates_enabled=True))


def read_of(planned: ActionPlan) -> ReadPlan:
    assert isinstance(planned, RelationRead | RelationMutation | RoutineCall)
    return planned.read


def reading(relation: str, *, headers_only: bool = False) -> ReadRelation:
    return ReadRelation(name(relation), headers_only)


def mutating(relation: str, mutation: Mutation) -> MutateRelation:
    return MutateRelation(name(relation), mutation)


def calling(function: str, invocation: Invocation = Invocation.GET) -> CallRoutine:
    return CallRoutine(name(function), invocation)


def column(
    text: str,
    *path: str,
    alias: str | None = None,
    aggregate: Aggregate | None = None,
    cast: str | None = None,
    aggregate_cast: str | None = None,
) -> SelectField:
    return SelectField(Field(text, json_path(*path)), alias, cast, aggregate, aggregate_cast)


def json_path(*steps: str) -> tuple[JsonStep, ...]:
    """Steps all taken with `->`; digits are indexes."""
    return tuple(JsonStep(step, step.isdigit(), False) for step in steps)


def embed(
    relation: str, *children: SelectItem | str, alias: str | None = None, hint: str | None = None, inner: bool = False
) -> SelectRelation:
    return SelectRelation(relation, _items(children), alias, hint, JoinType.INNER if inner else None)


def spread(relation: str, *children: SelectItem | str, hint: str | None = None) -> SelectSpread:
    return SelectSpread(relation, _items(children), hint)


def _items(children: tuple[SelectItem | str, ...]) -> tuple[SelectItem, ...]:
    return tuple(column(child) if isinstance(child, str) else child for child in children)


def equals(text: str, value: str = "1", *path: str, negated: bool = False) -> Filter:
    return Filter(
        Field(text, json_path(*path)), negated, Quantifiable(QuantifiableOperator.EQUAL, None, Operand(value))
    )


def is_null(text: str, *, negated: bool = False) -> Filter:
    return Filter(Field(text), negated, Is(IsValue.NULL))


def by(text: str, relation: str | None = None) -> OrderTerm:
    return OrderTerm(Field(text), relation=relation)
