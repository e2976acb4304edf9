"""Medians and noise of a few rounds."""

import math
import statistics
from collections.abc import Sequence

NOISE_LIMIT = 0.25
"""A run that is noisier than this proves nothing, so that no more than this is forgiven."""


def median(values: Sequence[float]) -> float:
    """Errors: ValueError when there is nothing to rank."""
    if not values:
        raise ValueError("no values")
    return statistics.median(values)


def noise(values: Sequence[float]) -> float:
    """How far the rounds lie apart: the largest distance from the median, as a share of it; 0 for a single round."""
    middle = median(values)
    if middle == 0:
        return 0.0
    return max(abs(value - middle) for value in values) / abs(middle)


def pairwise(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, ...]:
    """The ratio of each round by itself: what disturbs both peers of a round disturbs the ratio little."""
    return tuple(our / their if their else math.inf for our, their in zip(ours, theirs, strict=True))


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile; NaN when there is nothing to rank."""
    if not ordered:
        return math.nan
    return ordered[max(1, math.ceil(len(ordered) * percent / 100)) - 1]
