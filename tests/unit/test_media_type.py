"""Media types, and the order in which a client prefers them."""

import pytest

from tailrace.engine.media_type import (
    ANY,
    ARRAY_STRIPPED,
    CSV,
    JSON,
    KNOWN,
    OBJECT,
    OBJECT_STRIPPED,
    OPENAPI,
    PLAIN,
    XML,
    MediaType,
    PlanFormat,
    parse_accept,
    parse_media_type,
    plan_media_type,
)


@pytest.mark.parametrize("media_type", KNOWN, ids=lambda media_type: media_type.name)
def test_a_known_name_is_that_media_type(media_type: MediaType) -> None:
    assert parse_media_type(media_type.name) == media_type
    assert parse_media_type(media_type.name.split(";")[0].upper()) in KNOWN


@pytest.mark.parametrize(
    ("text", "media_type"),
    [
        ("application/json; charset=utf-8", JSON),
        ("Text/CSV;header=present", CSV),
        ("text/xml;", XML),
        ("application/vnd.pgrst.object", OBJECT),
        ("application/vnd.pgrst.object+json; nulls=stripped", OBJECT_STRIPPED),
        ("application/vnd.pgrst.object ; NULLS = stripped", OBJECT_STRIPPED),
        ("application/vnd.pgrst.object;nulls=Stripped", OBJECT),
        ("application/vnd.pgrst.array;nulls=stripped", ARRAY_STRIPPED),
        ("application/vnd.pgrst.array+json", JSON),
    ],
)
def test_case_and_parameters_do_not_matter_unless_they_have_a_meaning(text: str, media_type: MediaType) -> None:
    assert parse_media_type(text) == media_type


@pytest.mark.parametrize("text", ["image/png", "Image/PNG; q=1", "garbage", "", "/", "text/*", "application/"])
def test_an_unknown_media_type_keeps_its_text(text: str) -> None:
    assert parse_media_type(text) == MediaType(text)
    assert parse_media_type(text).content_type == text


@pytest.mark.parametrize(
    ("text", "target", "format", "options"),
    [
        ("application/vnd.pgrst.plan", JSON, PlanFormat.TEXT, ()),
        ("application/vnd.pgrst.plan+text", JSON, PlanFormat.TEXT, ()),
        ("application/vnd.pgrst.plan+json", JSON, PlanFormat.JSON, ()),
        ('application/vnd.pgrst.plan; for="text/csv"', CSV, PlanFormat.TEXT, ()),
        (
            'application/vnd.pgrst.plan+json; for="application/vnd.pgrst.object"; options=wal|analyze|guess',
            OBJECT,
            PlanFormat.JSON,
            ("analyze", "wal"),
        ),
        ('application/vnd.pgrst.plan;for="image/png"', MediaType("image/png"), PlanFormat.TEXT, ()),
    ],
)
def test_a_plan_has_a_target_a_format_and_options(
    text: str, target: MediaType, format: PlanFormat, options: tuple[str, ...]
) -> None:
    assert parse_media_type(text) == plan_media_type(target, format, options)


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        (b"application/json", (JSON,)),
        (b"*/*", (ANY,)),
        (b"", ()),
        (b"text/csv,application/json", (CSV, JSON)),
        (b"text/csv;q=0.5, application/json;q=0.9", (JSON, CSV)),
        (b"text/csv;q=0.5, application/json", (JSON, CSV)),
        (b"*/*, text/plain", (PLAIN, ANY)),
        (b"text/csv;q=much, text/plain", (CSV, PLAIN)),
        (b"text/csv;q=0, text/plain;q=0.1", (PLAIN, CSV)),
        (b"text/csv ; q=0.1 , text/plain;q=0.2", (PLAIN, CSV)),
        (b"text/plain, application/vnd.pgrst.object+json;nulls=stripped", (OBJECT_STRIPPED, PLAIN)),
        (b"application/vnd.pgrst.object+json;q=1;nulls=stripped", (OBJECT,)),
        (b"APPLICATION/OPENAPI+JSON", (OPENAPI,)),
        (b"text/csv,", (CSV, MediaType(""))),
    ],
)
def test_what_is_accepted_is_ordered_by_quality_then_by_precision(
    header: bytes, accepted: tuple[MediaType, ...]
) -> None:
    assert parse_accept(header) == accepted
