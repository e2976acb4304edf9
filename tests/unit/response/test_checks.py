"""What undoes a transaction after its statement has run."""

import pytest

from tailrace.engine.errors import MaxAffectedExceeded, NotSingular, PutKeyMismatch
from tailrace.engine.media_type import JSON, OBJECT, OBJECT_STRIPPED, MediaType, PlanFormat, plan_media_type
from tailrace.engine.plan.action_plan import DatabasePlan
from tailrace.engine.request.api_request import Mutation
from tailrace.engine.request.preferences import Handling, Preferences
from tailrace.engine.response.checks import verdict_of
from tests.unit.response.answers import calling, reading, writing

STRICT_TWO = Preferences(handling=Handling.STRICT, max_affected=2)


@pytest.mark.parametrize("plan", [reading(), calling(), writing(Mutation.INSERT), writing(Mutation.UPDATE)])
def test_most_requests_are_not_judged(plan: DatabasePlan) -> None:
    assert verdict_of(plan, Preferences()) is None


@pytest.mark.parametrize("media_type", [OBJECT, OBJECT_STRIPPED])
@pytest.mark.parametrize("rows", [0, 2])
def test_one_object_needs_one_row(media_type: MediaType, rows: int) -> None:
    verdict = verdict_of(reading(media_type=media_type), Preferences())

    assert verdict is not None
    verdict(1)
    with pytest.raises(NotSingular) as caught:
        verdict(rows)
    assert (caught.value.status, caught.value.details) == (406, f"The result contains {rows} rows")


@pytest.mark.parametrize("plan", [writing(Mutation.UPDATE), writing(Mutation.DELETE), calling()])
def test_a_strict_maximum_may_not_be_exceeded(plan: DatabasePlan) -> None:
    verdict = verdict_of(plan, STRICT_TWO)

    assert verdict is not None
    verdict(2)
    with pytest.raises(MaxAffectedExceeded, match="Query result exceeds max-affected preference constraint"):
        verdict(3)


@pytest.mark.parametrize("plan", [writing(Mutation.INSERT), reading()])
def test_a_maximum_means_nothing_to_inserts_and_reads(plan: DatabasePlan) -> None:
    assert verdict_of(plan, STRICT_TWO) is None


def test_a_lenient_maximum_is_ignored() -> None:
    assert verdict_of(writing(Mutation.DELETE), Preferences(max_affected=0)) is None


@pytest.mark.parametrize("rows", [0, 2])
def test_a_put_must_write_the_one_row_that_its_url_names(rows: int) -> None:
    verdict = verdict_of(writing(Mutation.UPSERT_SINGLE), Preferences())

    assert verdict is not None
    verdict(1)
    with pytest.raises(PutKeyMismatch):
        verdict(rows)


def test_an_execution_plan_is_never_judged() -> None:
    media_type = plan_media_type(JSON, PlanFormat.JSON, ())

    assert verdict_of(writing(Mutation.DELETE, media_type=media_type), STRICT_TWO) is None
