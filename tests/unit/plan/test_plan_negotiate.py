"""Which media type answers, and by which handler."""

from typing import Any

import pytest

from tailrace.engine.errors import InvalidPreferences, MediaTypeUnavailable, NoTable
from tailrace.engine.media_type import (
    ANY,
    ARRAY_STRIPPED,
    CSV,
    JSON,
    OBJECT,
    OBJECT_STRIPPED,
    OCTET_STREAM,
    OPENAPI,
    XML,
    PlanFormat,
    plan_media_type,
)
from tailrace.engine.plan.action_plan import RelationInfo, RelationRead, SchemaInfo, SchemaInspection
from tailrace.engine.request.api_request import DescribeRelation, DescribeSchema, InspectSchema
from tailrace.engine.request.preferences import Handling, Preferences
from tailrace.engine.schema_cache.media_handler import Builtin, CustomHandler, ResolvedHandler
from tests.unit.plan.requests import embed, plan, reading, request
from tests.unit.plan.schema import POSTER, POSTER_HANDLER, PROGRAMME, PROGRAMME_HANDLER, SCHEMA, name, schema_cache

CACHE = schema_cache()


def answer(relation: str, *select: Any, accept: Any, headers_only: bool = False, **settings: Any) -> tuple[Any, Any]:
    asked = request(reading(relation, headers_only=headers_only), *select, accept=accept)
    planned = plan(asked, settings.pop("cache", CACHE), **settings)
    assert isinstance(planned, RelationRead)
    return planned.handler, planned.media_type


def test_anything_is_answered_with_json() -> None:
    assert answer("stages", accept=(ANY,)) == (Builtin.JSON, JSON)


def test_the_first_acceptable_media_type_is_taken() -> None:
    assert answer("stages", accept=(XML, CSV, JSON)) == (Builtin.CSV, CSV)


def test_nothing_acceptable_is_refused_with_what_was_asked_for() -> None:
    with pytest.raises(MediaTypeUnavailable) as error:
        answer("stages", accept=(XML, OCTET_STREAM))

    assert error.value.message == "None of these media types are available: text/xml, application/octet-stream"


@pytest.mark.parametrize(
    ("wanted", "handler"),
    [(OBJECT, Builtin.OBJECT), (OBJECT_STRIPPED, Builtin.OBJECT_STRIPPED), (ARRAY_STRIPPED, Builtin.JSON_STRIPPED)],
)
def test_vendored_media_types_are_always_available(wanted: Any, handler: Builtin) -> None:
    assert answer("stages", accept=(wanted,)) == (handler, wanted)


def test_a_handler_for_anyelement_works_for_every_relation() -> None:
    assert answer("artists", "name", accept=(PROGRAMME,)) == (PROGRAMME_HANDLER, PROGRAMME)


def test_a_handler_of_a_relation_needs_its_whole_rows() -> None:
    assert answer("stages", accept=(POSTER,)) == (POSTER_HANDLER, POSTER)
    for select in (("id",), ("*", "id"), ("*", embed("festivals", "id"))):
        with pytest.raises(MediaTypeUnavailable):
            answer("stages", *select, accept=(POSTER,))


def test_a_handler_of_a_relation_does_not_serve_another() -> None:
    with pytest.raises(MediaTypeUnavailable):
        answer("artists", accept=(POSTER,))


def test_a_handler_for_anything_of_a_relation_takes_precedence() -> None:
    handler = CustomHandler(name("dump"), name("stages"))
    cache = schema_cache(handlers=[("stages", ANY, ResolvedHandler(handler, OCTET_STREAM))])

    assert answer("stages", accept=(CSV,), cache=cache) == (handler, OCTET_STREAM)
    assert answer("stages", "id", accept=(CSV,), cache=cache) == (Builtin.CSV, CSV)


def test_head_keeps_the_media_type_but_has_no_handler() -> None:
    assert answer("stages", accept=(CSV,), headers_only=True) == (Builtin.NONE, CSV)


@pytest.mark.parametrize(("target", "handler"), [(JSON, Builtin.JSON), (OBJECT, Builtin.OBJECT), (CSV, Builtin.CSV)])
def test_an_execution_plan_is_available_if_enabled(target: Any, handler: Builtin) -> None:
    wanted = plan_media_type(target, PlanFormat.JSON, ())

    assert answer("stages", accept=(wanted,), db_plan_enabled=True) == (handler, wanted)
    with pytest.raises(MediaTypeUnavailable):
        answer("stages", accept=(wanted,))


def test_a_read_reports_the_media_type_before_preferences() -> None:
    wrong = Preferences(invalid=("a", "b"), handling=Handling.STRICT)

    with pytest.raises(MediaTypeUnavailable):
        plan(request(reading("stages"), preferences=wrong, accept=(XML,)))
    with pytest.raises(InvalidPreferences) as error:
        plan(request(reading("stages"), preferences=wrong))

    assert error.value.details == "Invalid preferences: a, b"


def test_invalid_preferences_do_not_matter_without_strict_handling() -> None:
    lenient = Preferences(invalid=("a",))

    assert plan(request(reading("stages"), preferences=lenient))


@pytest.mark.parametrize("wanted", [OPENAPI, JSON, ANY])
def test_the_root_answers_with_openapi(wanted: Any) -> None:
    planned = plan(request(InspectSchema(SCHEMA, False), accept=(XML, wanted)))

    assert planned == SchemaInspection(SCHEMA, OPENAPI, False)


def test_the_root_refuses_other_media_types() -> None:
    with pytest.raises(MediaTypeUnavailable, match="text/csv"):
        plan(request(InspectSchema(SCHEMA, False), accept=(CSV,)))


def test_options_describe_relations_and_the_schema() -> None:
    planned = plan(request(DescribeRelation(name("stages"))))

    assert isinstance(planned, RelationInfo)
    assert planned.table.name == "stages"
    assert plan(request(DescribeSchema())) == SchemaInfo()
    with pytest.raises(NoTable):
        plan(request(DescribeRelation(name("nope"))))
