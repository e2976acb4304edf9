"""How the caller of long work sees and ends it."""

from collections.abc import Callable
from dataclasses import dataclass


def _unseen(done: int, total: int) -> None:
    pass


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """`progress` is told bytes done and bytes in all; `cancelled` is asked between pieces of the work."""

    progress: Callable[[int, int], None] = _unseen
    cancelled: Callable[[], bool] = _never
