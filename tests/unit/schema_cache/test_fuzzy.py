"""Which name is suggested for a mistyped one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.engine.schema_cache.fuzzy import FuzzySet, closest, edit_distance, matches

NAMES = st.text(alphabet="abcABC_1é ", max_size=12)


def test_the_name_with_the_fewest_edits_is_the_closest() -> None:
    assert closest(["directors", "actors", "roles"], "role") == "roles"


def test_a_name_with_nothing_in_common_has_no_suggestion() -> None:
    assert closest(["directors", "actors", "roles"], "xyzzy") is None


def test_no_candidates_have_no_suggestion() -> None:
    assert closest([], "role") is None


def test_the_score_is_the_share_of_letters_that_need_no_edit() -> None:
    assert matches(["roles"], "role") == [(0.8, "roles")]


def test_a_name_that_differs_in_case_only_is_the_one_match() -> None:
    assert matches(["Roles", "rolesx"], "rOLES") == [(1.0, "Roles")]


def test_candidates_below_the_minimum_do_not_count() -> None:
    assert closest(["roles"], "role", 0.8) == "roles"
    assert closest(["roles"], "role", 0.81) is None


def test_matches_come_best_first() -> None:
    assert [name for _, name in matches(["visited", "visits", "visitors"], "visit")] == [
        "visits",
        "visited",
        "visitors",
    ]


def test_of_equal_candidates_the_last_is_suggested() -> None:
    assert closest(["cart", "card"], "carx") == "card"


def test_two_letters_in_common_suffice_when_no_three_are() -> None:
    assert closest(["ab"], "xab") == "ab"
    assert closest(["oxab"], "ox") == "oxab"


def test_what_is_no_letter_or_digit_is_left_out_of_the_search_but_counts_as_an_edit() -> None:
    ((score, name),) = matches(["a_b"], "ab")

    assert name == "a_b"
    assert score == pytest.approx(2 / 3)


@given(names=st.lists(NAMES, max_size=40), wanted=NAMES)
def test_a_name_that_is_known_is_always_found(names: list[str], wanted: str) -> None:
    assert FuzzySet([*names, wanted]).matches(wanted)[0][0] == 1.0


@given(one=NAMES, other=NAMES)
def test_the_edit_distance_is_a_distance(one: str, other: str) -> None:
    assert edit_distance(one, other) == edit_distance(other, one)
    assert (edit_distance(one, other) == 0) == (one == other)
    assert abs(len(one) - len(other)) <= edit_distance(one, other) <= max(len(one), len(other))


@pytest.mark.parametrize(("one", "other", "distance"), [("", "abc", 3), ("kitten", "sitting", 3), ("ab", "ba", 2)])
def test_known_edit_distances(one: str, other: str, distance: int) -> None:
    assert edit_distance(one, other) == distance
