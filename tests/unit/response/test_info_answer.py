"""OPTIONS tells what a relation, a function or the root is able to do."""

import pytest

from tailrace.engine.plan.action_plan import InfoPlan, RelationInfo, RoutineInfo, SchemaInfo
from tailrace.engine.response.info import respond_info
from tailrace.engine.schema_cache.routine import ReturnType, Routine, Volatility
from tailrace.engine.schema_cache.table import Table
from tests.unit.response.answers import INTEGER, header, names


def relation(abilities: str, *key: str) -> RelationInfo:
    insertable, updatable, deletable = (letter in abilities for letter in "iud")
    return RelationInfo(Table("api", "films", None, False, insertable, updatable, deletable, key, {}))


def routine(volatility: Volatility) -> RoutineInfo:
    return RoutineInfo(Routine("api", "f", None, (), ReturnType(INTEGER, False, False), volatility, False, None, ()))


@pytest.mark.parametrize(
    ("plan", "allowed"),
    [
        (relation("iud", "id"), "OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE"),
        (relation("iud"), "OPTIONS,GET,HEAD,POST,PATCH,DELETE"),
        (relation("ud", "id"), "OPTIONS,GET,HEAD,PATCH,DELETE"),
        (relation("i", "id"), "OPTIONS,GET,HEAD,POST"),
        (relation(""), "OPTIONS,GET,HEAD"),
        (routine(Volatility.VOLATILE), "OPTIONS,POST"),
        (routine(Volatility.STABLE), "OPTIONS,GET,HEAD,POST"),
        (SchemaInfo(), "OPTIONS,GET,HEAD"),
    ],
)
def test_the_methods_are_those_that_can_work(plan: InfoPlan, allowed: str) -> None:
    response = respond_info(plan)

    assert (response.status, header(response, "Allow")) == (200, allowed)
    assert names(response) == ["Access-Control-Allow-Origin", "Allow", "Content-Length", "Vary"]
