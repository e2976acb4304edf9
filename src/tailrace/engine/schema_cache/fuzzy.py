"""The closest of some names to a mistyped one, for hints ("Perhaps you meant ...").

Which name is suggested has to be PostgREST's choice, so this follows the method
of the fuzzyset library (0.2) that it uses: candidates are found by the cosine
similarity of their trigrams (of their bigrams, if that finds nothing), and the
best of them are ranked by their normalised edit distance.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import sqrt

MINIMUM = 0.33
"""How similar a candidate must be where nothing else is asked: 1 is the same, 0 has nothing in common."""

GRAM_SIZES = (3, 2)
RANKED = 50
"""So many of the most similar candidates have their edit distance taken."""
BUCKET = 32


@dataclass(slots=True)
class GramIndex:
    """Which candidates have a gram of one size, by number, and how often."""

    size: int
    norms: list[float] = field(default_factory=list)
    """Of each candidate."""
    occurrences: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    """By gram: (number of the candidate, count)."""

    def add(self, key: str) -> None:
        grams = _grams(key, self.size)
        for gram, count in grams.items():
            self.occurrences.setdefault(gram, []).append((len(self.norms), count))
        self.norms.append(_norm(grams))

    def similar(self, key: str) -> list[tuple[float, int]]:
        """(cosine similarity, number) of the candidates that have a gram in common."""
        grams = _grams(key, self.size)
        products: Counter[int] = Counter()
        for gram, count in grams.items():
            for number, own in self.occurrences.get(gram, ()):
                products[number] += count * own
        norm = _norm(grams)
        return [(product / (norm * self.norms[number]), number) for number, product in products.items()]


class FuzzySet:
    """Candidates, prepared for several searches."""

    def __init__(self, candidates: Iterable[str]) -> None:
        self._originals: dict[str, str] = {}
        self._keys: list[str] = []
        """Candidates in lower case, by their number."""
        self._indexes = tuple(GramIndex(size) for size in GRAM_SIZES)
        for candidate in reversed(tuple(candidates)):
            key = candidate.lower()
            if self._originals.get(key) != key:
                self._keys.append(key)
                for index in self._indexes:
                    index.add(key)
                self._originals[key] = candidate

    def matches(self, wanted: str, minimum: float = MINIMUM) -> list[tuple[float, str]]:
        """Candidates and their scores, the best first; a candidate that differs in case only is the one match."""
        key = wanted.lower()
        if key in self._originals:
            return [(1.0, self._originals[key])]
        for index in self._indexes:
            if found := self._ranked(key, index, minimum):
                return found
        return []

    def closest(self, wanted: str, minimum: float = MINIMUM) -> str | None:
        found = self.matches(wanted, minimum)
        return found[0][1] if found else None

    def _ranked(self, key: str, index: GramIndex, minimum: float) -> list[tuple[float, str]]:
        similar = index.similar(key)
        # Candidates of equal score are told in the order in which a hash map of the library holds their numbers.
        similar.sort(key=lambda one: (-one[0], _bucket(one[1])))
        found = (self._keys[number] for _, number in similar[:RANKED])
        # Too different a length alone puts the score below the minimum, at no cost
        near = (entry for entry in found if _length_ratio(key, entry) >= minimum)
        ranked = [(_likeness(key, entry), entry) for entry in near]
        ranked.sort(key=_score, reverse=True)
        return [(score, self._originals[entry]) for score, entry in ranked if score >= minimum]


class FuzzyMemo:
    """Fuzzy sets that were made once, for as long as the names stay what they are."""

    def __init__(self) -> None:
        self._sets: dict[str, FuzzySet] = {}

    def find(self, schema: str, names: Callable[[], Iterable[str]]) -> FuzzySet:
        """The set of a schema's names, which are asked for the first time only."""
        found = self._sets.get(schema)
        if found is None:
            found = self._sets[schema] = FuzzySet(names())
        return found


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


def _length_ratio(one: str, other: str) -> float:
    """What the likeness of two texts cannot exceed."""
    return min(len(one), len(other)) / max(len(one), len(other), 1)


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
