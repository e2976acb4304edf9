"""Answers to OPTIONS: what something is able to do, whatever the privileges.

Source: PostgREST docs, references/api/options.
"""

from typing import assert_never

from tailrace.engine.message import Response
from tailrace.engine.plan.action_plan import InfoPlan, RelationInfo, RoutineInfo, SchemaInfo
from tailrace.engine.response.headers import NO_CONTENT, VARY
from tailrace.engine.schema_cache.routine import Volatility
from tailrace.engine.schema_cache.table import Table

ANY_ORIGIN = (b"Access-Control-Allow-Origin", b"*")


def respond_info(plan: InfoPlan) -> Response:
    return Response(200, [NO_CONTENT, ANY_ORIGIN, (b"Allow", _allowed(plan)), VARY])


def _allowed(plan: InfoPlan) -> bytes:
    match plan:
        case RelationInfo(table):
            return _relation_methods(table)
        case RoutineInfo(routine):
            return b"OPTIONS,POST" if routine.volatility is Volatility.VOLATILE else b"OPTIONS,GET,HEAD,POST"
        case SchemaInfo():
            return b"OPTIONS,GET,HEAD"
        case _:
            assert_never(plan)


def _relation_methods(table: Table) -> bytes:
    methods = [b"OPTIONS,GET,HEAD"]
    if table.insertable:
        methods.append(b"POST")
    if table.insertable and table.updatable and table.primary_key:
        methods.append(b"PUT")
    if table.updatable:
        methods.append(b"PATCH")
    if table.deletable:
        methods.append(b"DELETE")
    return b",".join(methods)
