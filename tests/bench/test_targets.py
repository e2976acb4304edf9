"""When a row meets its target, and what makes the command fail."""

import pytest

from bench.cli import status
from bench.recorded import recorded_ratio, wanted_multiple
from bench.result import Target, Verdict, plain
from bench.work import all_works
from tests.bench.reports import report_of, verdict_of


@pytest.mark.parametrize(
    ("figure", "noise", "expected"),
    [
        (3.0, 0.0, Verdict.MET),
        (2.9, 0.0, Verdict.MISSED),
        (2.9, 0.05, Verdict.WITHIN_NOISE),
        (2.0, 0.05, Verdict.MISSED),
    ],
)
def test_a_lower_bound_forgives_no_more_than_the_noise(figure: float, noise: float, expected: Verdict) -> None:
    assert Target(3).verdict(figure, noise) is expected


@pytest.mark.parametrize(
    ("figure", "noise", "expected"),
    [
        (20.0, 0.0, Verdict.MET),
        (21.0, 0.0, Verdict.MISSED),
        (21.0, 0.1, Verdict.WITHIN_NOISE),
        (23.0, 0.1, Verdict.MISSED),
    ],
)
def test_an_upper_bound_forgives_no_more_than_the_noise(figure: float, noise: float, expected: Verdict) -> None:
    assert Target(20, at_least=False).verdict(figure, noise) is expected


def test_a_run_that_is_all_noise_does_not_excuse_everything() -> None:
    assert Target(3).verdict(1.0, noise=5.0) is Verdict.MISSED


def test_a_ratio_beside_a_recorded_one_is_judged_as_its_multiple() -> None:
    row = report_of().chapters[0].found.rows[0]

    assert row.ratio == pytest.approx(0.5)
    assert row.judged == pytest.approx(2.0)
    assert row.noise == pytest.approx(0.1)


def test_a_value_without_a_ratio_is_judged_itself() -> None:
    row = plain("memory", "Tailrace", (40.0, 50.0, 60.0), "MiB")

    assert row.judged == 50.0
    assert row.verdict is Verdict.NO_TARGET


def test_a_miss_fails_only_a_run_that_checks() -> None:
    report = report_of(target=4)

    assert verdict_of(report) is Verdict.MISSED
    assert status(report, check=False) == 0
    assert status(report, check=True) == 1


def test_a_miss_within_the_noise_passes_the_check() -> None:
    report = report_of(target=2.1)

    assert verdict_of(report) is Verdict.WITHIN_NOISE
    assert status(report, check=True) == 0


def test_a_failed_request_fails_every_run() -> None:
    assert status(report_of(faults=("requests failed",)), check=False) == 1


@pytest.mark.parametrize("work", [work.name for work in all_works()])
@pytest.mark.parametrize("connections", [4, 16, 64])
def test_every_work_has_a_recorded_ratio_and_a_target(work: str, connections: int) -> None:
    assert 0 < recorded_ratio(work, connections) < 1
    assert wanted_multiple(work, connections).bound >= 1.3
