"""Medians and noise of rounds."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.statistics import median, noise, pairwise, percentile

RATES = st.lists(st.floats(min_value=1, max_value=1e6), min_size=1, max_size=9)


def test_noise_is_the_furthest_round_as_a_share_of_the_median() -> None:
    assert noise((80.0, 100.0, 110.0)) == pytest.approx(0.2)


def test_a_single_round_shows_no_noise() -> None:
    assert noise((42.0,)) == 0.0


@given(RATES, st.floats(min_value=0.01, max_value=100))
def test_noise_does_not_depend_on_the_unit(rates: list[float], factor: float) -> None:
    assert noise([rate * factor for rate in rates]) == pytest.approx(noise(rates), abs=1e-9)


def test_what_slows_both_peers_of_a_round_does_not_move_their_ratio() -> None:
    ours, theirs = (100.0, 50.0, 200.0), (50.0, 25.0, 100.0)

    ratios = pairwise(ours, theirs)

    assert median(ratios) == 2.0
    assert noise(ratios) == 0.0


def test_the_median_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="no values"):
        median(())


@pytest.mark.parametrize(("percent", "expected"), [(50, 2.0), (99, 4.0), (100, 4.0), (1, 1.0)])
def test_a_percentile_is_one_of_the_values(percent: float, expected: float) -> None:
    assert percentile((1.0, 2.0, 3.0, 4.0), percent) == expected


def test_the_percentile_of_nothing_is_not_a_number() -> None:
    assert math.isnan(percentile((), 99))
