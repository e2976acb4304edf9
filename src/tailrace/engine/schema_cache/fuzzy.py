"""The closest of some names to a mistyped one, for hints ("Perhaps you meant ...").

Which name is suggested has to be PostgREST's choice, so this follows the method
of the fuzzyset library (0.2) that it uses: candidates are found by the cosine
similarity of their trigrams (of their bigrams, if that finds nothing), and the
best of them are ranked by their normalised edit distance.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

MINIMUM = 0.33
"""How similar a candidate must be where nothing else is asked: 1 is the same, 0 has nothing in common."""

GRAM_SIZES = (3, 2)
RANKED = 50
"""So many of the most similar candidates have their edit distance taken."""
BUCKET = 32


@dataclass(frozen=True, slots=True)
class FuzzyEntry:
    """A candidate in lower case, and how often each gram of a size occurs in it."""

    key: str
    grams: tuple[Counter[str], ...]
    norms: tuple[float, ...]


class FuzzySet:
    """Candidates, prepared for several searches."""

    def __init__(self, candidates: Iterable[str]) -> None:
        self._originals: dict[str, str] = {}
        entries: list[FuzzyEntry] = []
        for candidate in reversed(tuple(candidates)):
            key = candidate.lower()
            if self._originals.get(key) != key:
                grams = tuple(_grams(key, size) for size in GRAM_SIZES)
                entries.append(FuzzyEntry(key, grams, tuple(_norm(gram) for gram in grams)))
                self._originals[key] = candidate
        # Candidates of equal score are told in the order in which a hash map of the library holds their numbers.
        self._entries = tuple(entries[number] for number in sorted(range(len(entries)), key=_bucket))

    def matches(self, wanted: str, minimum: float = MINIMUM) -> list[tuple[float, str]]:
        """Candidates and their scores, the best first; a candidate that differs in case only is the one match."""
        key = wanted.lower()
        if key in self._originals:
            return [(1.0, self._originals[key])]
        for place, size in enumerate(GRAM_SIZES):
            if found := self._ranked(key, _grams(key, size), place, minimum):
                return found
        return []

    def closest(self, wanted: str, minimum: float = MINIMUM) -> str | None:
        found = self.matches(wanted, minimum)
        return found[0][1] if found else None

    def _ranked(self, key: str, grams: Counter[str], place: int, minimum: float) -> list[tuple[float, str]]:
        norm = _norm(grams)
        similar = []
        for entry in self._entries:
            own = entry.grams[place]
            product = sum(count * own[gram] for gram, count in grams.items() if gram in own)
            if product:
                similar.append((product / (norm * entry.norms[place]), entry.key))
        similar.sort(key=_score, reverse=True)
        ranked = [(_likeness(key, entry), entry) for _, entry in similar[:RANKED]]
        ranked.sort(key=_score, reverse=True)
        return [(score, self._originals[entry]) for score, entry in ranked if score >= minimum]


def matches(candidates: Iterable[str], wanted: str, minimum: float = MINIMUM) -> list[tuple[float, str]]:
    """Scores and candidates, the best first."""
    return FuzzySet(candidates).matches(wanted, minimum)


def closest(candidates: Iterable[str], wanted: str, minimum: float = MINIMUM) -> str | None:
    """The candidate most like `wanted`, None when none scores at least `minimum`."""
    return FuzzySet(candidates).closest(wanted, minimum)


def _bucket(number: int) -> tuple[int, ...]:
    """The digits of a number in base 32, the lowest first: its path in a hash map whose nodes hold 32."""
    digits = []
    while number:
        number, digit = divmod(number, BUCKET)
        digits.append(digit)
    return tuple(digits)


def _score(scored: tuple[float, str]) -> float:
    return scored[0]


def _grams(key: str, size: int) -> Counter[str]:
    """The substrings of this size, of the letters, digits, spaces and commas between two hyphens."""
    word = "-" + "".join(c for c in key if c.isalnum() or c.isspace() or c == ",") + "-"
    return Counter(word[start : start + size] for start in range(len(word) - size + 1))


def _norm(grams: Counter[str]) -> float:
    return sqrt(sum(count * count for count in grams.values()))


def _likeness(one: str, other: str) -> float:
    longest = max(len(one), len(other))
    return 1.0 if longest == 0 else (longest - edit_distance(one, other)) / longest


def edit_distance(one: str, other: str) -> int:
    """Levenshtein's: the least number of letters to insert, delete or replace."""
    above = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        current = [row]
        for column, facing in enumerate(other, 1):
            current.append(min(above[column] + 1, current[-1] + 1, above[column - 1] + (letter != facing)))
        above = current
    return above[-1]
