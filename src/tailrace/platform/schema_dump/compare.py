"""The difference of two schemas as a unified diff."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

CONTEXT = 3
_LARGEST_GAP = 250_000
"""Pairs of lines. In a larger gap without a line that anchors it, everything counts as changed."""


@dataclass(frozen=True, slots=True)
class Change:
    """Lines `old_start` to `old_end` of the old text gave way to `new_start` to `new_end` of the new; from 0."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


def compare(base: str, target: str, *, database: str) -> str | None:
    """The unified diff that leads from `base` to `target`, of which each is a schema's text; None when equal.

    Lines that are unique, as pg_dump's headings are, lead the search, so its time grows
    little faster than the texts. It is done at once: call it in a thread where others wait.
    """
    if base == target:
        return None
    old, new = _lines(base), _lines(target)
    hunks = _hunks(merge(find_changes(old, new)))
    return f"--- a/{database}\n+++ b/{database}\n" + "".join(_render(hunk, old, new) for hunk in hunks)


def find_changes(old: Sequence[str], new: Sequence[str]) -> Iterator[Change]:
    """What changed, in order: lines that occur once in both are anchors, and between them the search goes on."""
    gaps = [Change(0, len(old), 0, len(new))]
    while gaps:
        gap = _trim(gaps.pop(), old, new)
        if gap.old_start == gap.old_end or gap.new_start == gap.new_end:
            if gap.old_start != gap.old_end or gap.new_start != gap.new_end:
                yield gap
            continue
        anchors = _anchors(gap, old, new)
        if anchors:
            gaps.extend(reversed(_between(gap, anchors)))
        else:
            yield from _match_small(gap, old, new)


def merge(changes: Iterator[Change]) -> Iterator[Change]:
    """Join changes that touch each other."""
    last: Change | None = None
    for change in changes:
        if last is not None and last.old_end == change.old_start and last.new_end == change.new_start:
            last = Change(last.old_start, change.old_end, last.new_start, change.new_end)
            continue
        if last is not None:
            yield last
        last = change
    if last is not None:
        yield last


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    if lines[-1] == "":
        return lines[:-1]
    # As diff and patch write it.
    return [*lines[:-1], lines[-1] + "\n\\ No newline at end of file"]


def _trim(gap: Change, old: Sequence[str], new: Sequence[str]) -> Change:
    start, new_start, end, new_end = gap.old_start, gap.new_start, gap.old_end, gap.new_end
    while start < end and new_start < new_end and old[start] == new[new_start]:
        start, new_start = start + 1, new_start + 1
    while start < end and new_start < new_end and old[end - 1] == new[new_end - 1]:
        end, new_end = end - 1, new_end - 1
    return Change(start, end, new_start, new_end)


def _anchors(gap: Change, old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """The longest run, ascending in both, of places whose line occurs once in either part."""
    of_old = Counter(old[gap.old_start : gap.old_end])
    of_new = Counter(new[gap.new_start : gap.new_end])
    places = {new[place]: place for place in range(gap.new_start, gap.new_end) if of_new[new[place]] == 1}
    pairs = [
        (place, places[old[place]])
        for place in range(gap.old_start, gap.old_end)
        if of_old[old[place]] == 1 and old[place] in places
    ]
    return _longest_ascending(pairs)


def _longest_ascending(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    ends: list[int] = []  # the smallest new place that a run of this length ends with
    holders: list[int] = []
    before: list[int] = []
    for number, (_, place) in enumerate(pairs):
        length = bisect_left(ends, place)
        before.append(holders[length - 1] if length else -1)
        if length == len(ends):
            ends.append(place)
            holders.append(number)
        else:
            ends[length], holders[length] = place, number
    run: list[tuple[int, int]] = []
    number = holders[-1] if holders else -1
    while number >= 0:
        run.append(pairs[number])
        number = before[number]
    return run[::-1]


def _between(gap: Change, anchors: Sequence[tuple[int, int]]) -> list[Change]:
    starts = [(gap.old_start, gap.new_start), *((old + 1, new + 1) for old, new in anchors)]
    ends = [*anchors, (gap.old_end, gap.new_end)]
    return [Change(start[0], end[0], start[1], end[1]) for start, end in zip(starts, ends, strict=True)]


def _match_small(gap: Change, old: Sequence[str], new: Sequence[str]) -> Iterator[Change]:
    if (gap.old_end - gap.old_start) * (gap.new_end - gap.new_start) > _LARGEST_GAP:
        yield gap
        return
    parts = old[gap.old_start : gap.old_end], new[gap.new_start : gap.new_end]
    for kind, start, end, new_start, new_end in SequenceMatcher(None, *parts, autojunk=False).get_opcodes():
        if kind != "equal":
            yield Change(gap.old_start + start, gap.old_start + end, gap.new_start + new_start, gap.new_start + new_end)


def _hunks(changes: Iterator[Change]) -> Iterator[list[Change]]:
    """Changes whose contexts touch, together."""
    hunk: list[Change] = []
    for change in changes:
        if hunk and change.old_start - hunk[-1].old_end > 2 * CONTEXT:
            yield hunk
            hunk = []
        hunk.append(change)
    if hunk:
        yield hunk


def _render(hunk: Sequence[Change], old: Sequence[str], new: Sequence[str]) -> str:
    before = min(CONTEXT, hunk[0].old_start)
    after = min(CONTEXT, len(old) - hunk[-1].old_end)
    start, end = hunk[0].old_start - before, hunk[-1].old_end + after
    new_start, new_end = hunk[0].new_start - before, hunk[-1].new_end + after
    lines = [f"@@ -{_range(start, end)} +{_range(new_start, new_end)} @@"]
    place = start
    for change in hunk:
        lines += [f" {line}" for line in old[place : change.old_start]]
        lines += [f"-{line}" for line in old[change.old_start : change.old_end]]
        lines += [f"+{line}" for line in new[change.new_start : change.new_end]]
        place = change.old_end
    lines += [f" {line}" for line in old[place:end]]
    return "\n".join(lines) + "\n"


def _range(start: int, end: int) -> str:
    """Lines as a hunk's head counts them: from 1, and an empty range stands behind the line it follows."""
    length = end - start
    if length == 1:
        return f"{start + 1}"
    return f"{start + 1 if length else start},{length}"
