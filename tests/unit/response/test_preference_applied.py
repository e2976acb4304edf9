"""Preference-Applied lists what was heeded, in an order of its own."""

import pytest

from tailrace.engine.plan.action_plan import DatabasePlan
from tailrace.engine.request.api_request import Mutation, QueryString
from tailrace.engine.request.preferences import (
    Count,
    Handling,
    Missing,
    Preferences,
    Representation,
    Resolution,
    TransactionEnd,
)
from tests.unit.response.answers import answer, calling, header, reading, request, result, writing

ALL = Preferences(
    resolution=Resolution.MERGE_DUPLICATES,
    representation=Representation.NONE,
    count=Count.EXACT,
    transaction=TransactionEnd.COMMIT,
    missing=Missing.DEFAULT,
    handling=Handling.STRICT,
    timezone="Asia/Tokyo",
    max_affected=10,
)
COMMON = "count=exact, tx=commit, handling=strict, timezone=Asia/Tokyo"
MINIMAL = f"return=minimal, {COMMON}"


@pytest.mark.parametrize(
    ("plan", "applied"),
    [
        (reading(), COMMON),
        (calling(), f"{COMMON}, max-affected=10"),
        (writing(Mutation.INSERT), f"resolution=merge-duplicates, missing=default, {MINIMAL}"),
        (writing(Mutation.INSERT, key=()), f"missing=default, {MINIMAL}"),
        (writing(Mutation.UPDATE), f"missing=default, {MINIMAL}, max-affected=10"),
        (writing(Mutation.UPSERT_SINGLE), MINIMAL),
        (writing(Mutation.DELETE), f"{MINIMAL}, max-affected=10"),
    ],
)
def test_each_action_applies_what_it_can_use(plan: DatabasePlan, applied: str) -> None:
    assert header(answer(plan, result(), request(ALL)), "Preference-Applied") == applied


def test_a_conflict_target_makes_up_for_a_missing_key() -> None:
    asked = request(Preferences(resolution=Resolution.IGNORE_DUPLICATES), query=QueryString(on_conflict=("name",)))

    response = answer(writing(Mutation.INSERT, key=()), result(), asked)

    assert header(response, "Preference-Applied") == "resolution=ignore-duplicates"


def test_max_affected_counts_only_when_handling_is_strict() -> None:
    response = answer(writing(Mutation.DELETE), result(), request(Preferences(max_affected=1)))

    assert header(response, "Preference-Applied") is None
