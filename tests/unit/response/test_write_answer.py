"""Answers to POST, PATCH, PUT and DELETE of a relation."""

import pytest

from tailrace.engine.request.api_request import Mutation
from tailrace.engine.request.preferences import Count, Preferences, Representation, Resolution
from tests.unit.response.answers import answer, header, names, request, result, writing

FULL = Preferences(representation=Representation.FULL)
HEADERS_ONLY = Preferences(representation=Representation.HEADERS_ONLY)
MERGE = Preferences(resolution=Resolution.MERGE_DUPLICATES)
COUNTED = Preferences(count=Count.EXACT)


def test_an_insert_is_created_and_silent_unless_asked() -> None:
    response = answer(writing(Mutation.INSERT), result(1, b"[1]"))

    assert (response.status, response.body) == (201, b"")
    assert (header(response, "Content-Length"), header(response, "Content-Range")) == ("0", "*/*")
    assert header(response, "Content-Type") is None


def test_an_insert_sends_its_rows_back_if_asked() -> None:
    response = answer(writing(Mutation.INSERT), result(1, b"[1]"), request(FULL))

    assert (response.status, response.body) == (201, b"[1]")
    assert header(response, "Content-Length") == "3"
    assert header(response, "Content-Type") == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        (b'["id=eq.7"]', "/films?id=eq.7"),
        (b'["id=eq.7", "disc=eq.a b&c=\\u00e9"]', "/films?id=eq.7&disc=eq.a%20b%26c%3D%C3%A9"),
        (b'["id=is.null"]', "/films?id=is.null"),
        (None, None),
        (b"[]", None),
    ],
)
def test_the_headers_of_an_insert_tell_where_its_one_row_is(location: bytes | None, expected: str | None) -> None:
    response = answer(writing(Mutation.INSERT), result(1, location=location), request(HEADERS_ONLY))

    assert header(response, "Location") == expected


@pytest.mark.parametrize(
    ("preferences", "inserted", "status"),
    [
        (MERGE, 1, 201),
        (MERGE, 0, 200),
        (MERGE, None, 200),
        (Preferences(resolution=Resolution.IGNORE_DUPLICATES), None, 201),
        (Preferences(), None, 201),
    ],
)
def test_only_an_upsert_that_merged_all_its_rows_created_nothing(
    preferences: Preferences, inserted: int | None, status: int
) -> None:
    assert answer(writing(Mutation.INSERT), result(inserted=inserted), request(preferences)).status == status


@pytest.mark.parametrize(
    ("mutation", "expected"),
    [(Mutation.INSERT, "*/2"), (Mutation.UPDATE, "0-1/2"), (Mutation.DELETE, "*/2")],
)
def test_an_exact_count_is_of_the_rows_written(mutation: Mutation, expected: str) -> None:
    assert header(answer(writing(mutation), result(2), request(COUNTED)), "Content-Range") == expected


@pytest.mark.parametrize(
    ("mutation", "count", "expected"),
    [(Mutation.UPDATE, 2, "0-1/*"), (Mutation.UPDATE, 0, "*/*"), (Mutation.DELETE, 2, "*/*")],
)
def test_an_update_or_delete_has_no_content_unless_asked(mutation: Mutation, count: int, expected: str) -> None:
    response = answer(writing(mutation), result(count, b"[1,2]"))

    assert (response.status, response.body) == (204, b"")
    assert names(response) == ["Content-Range", "Vary"]
    assert header(response, "Content-Range") == expected


@pytest.mark.parametrize("mutation", [Mutation.UPDATE, Mutation.DELETE])
def test_an_update_or_delete_sends_its_rows_back_if_asked(mutation: Mutation) -> None:
    response = answer(writing(mutation), result(2, b"[1,2]"), request(FULL))

    assert (response.status, response.body) == (200, b"[1,2]")
    assert header(response, "Content-Length") == "5"


@pytest.mark.parametrize(("inserted", "status"), [(1, 201), (0, 200), (None, 200)])
def test_a_put_with_representation_tells_creation_from_replacement(inserted: int | None, status: int) -> None:
    response = answer(writing(Mutation.UPSERT_SINGLE), result(1, b"[1]", inserted=inserted), request(FULL))

    assert (response.status, response.body) == (status, b"[1]")
    assert header(response, "Content-Range") is None


def test_a_put_without_representation_never_tells() -> None:
    response = answer(writing(Mutation.UPSERT_SINGLE), result(1, inserted=1))

    assert (response.status, names(response)) == (204, ["Vary"])
