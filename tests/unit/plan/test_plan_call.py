"""Which function a call means, its arguments, and what it returns to the read above it."""

from typing import Any

import pytest

from tailrace.engine.errors import (
    AmbiguousFunction,
    InvalidPreferences,
    MaxAffectedNeedsRows,
    MediaTypeUnavailable,
    NoFunction,
    NotEmbedded,
)
from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.media_type import JSON, OCTET_STREAM, PLAIN, URL_ENCODED, XML
from tailrace.engine.plan.action_plan import RoutineCall, RoutineInfo
from tailrace.engine.plan.call_plan import (
    DirectArguments,
    JsonArguments,
    NamedParameters,
    OnePositionalParameter,
)
from tailrace.engine.request.api_request import DescribeRoutine, Invocation
from tailrace.engine.request.filter import Operand
from tailrace.engine.request.payload import FormPayload
from tailrace.engine.request.preferences import Handling, Preferences
from tailrace.engine.request.select import SelectItem
from tailrace.engine.schema_cache.media_handler import Builtin
from tests.unit.plan.requests import calling, embed, equals, is_null, plan, request
from tests.unit.plan.schema import name

POST, HEAD = Invocation.POST, Invocation.HEAD


def get(function: str, *select: SelectItem | str, arguments: dict[str, str] | None = None, **asked: Any) -> RoutineCall:
    parameters = tuple((key, Operand(value)) for key, value in (arguments or {}).items())
    planned = plan(request(calling(function), *select, **{"parameters": parameters, **asked}))
    assert isinstance(planned, RoutineCall)
    return planned


def post(function: str, *keys: str, **asked: Any) -> RoutineCall:
    planned = plan(request(calling(function, POST), columns=keys, **asked))
    assert isinstance(planned, RoutineCall)
    return planned


def test_arguments_of_a_get_go_by_name() -> None:
    planned = get("search", arguments={"top": "3", "term": "x"})

    assert planned.call.function == name("search")
    assert planned.call.arguments == DirectArguments((("top", Operand("3")), ("term", Operand("x"))))
    assert isinstance(planned.call.parameters, NamedParameters)
    assert [parameter.name for parameter in planned.call.parameters.parameters] == ["term", "top"]


def test_an_optional_parameter_may_be_left_out() -> None:
    planned = get("search", arguments={"term": "x"})

    assert isinstance(planned.call.parameters, NamedParameters)
    assert [parameter.name for parameter in planned.call.parameters.parameters] == ["term"]


def test_of_a_repeated_argument_the_last_counts_and_a_variadic_one_takes_all() -> None:
    repeated = (("unit", "a"), ("numbers", "1"), ("unit", "b"), ("numbers", "2"))

    planned = get("total", parameters=tuple((key, Operand(value)) for key, value in repeated))

    assert planned.call.arguments == DirectArguments(
        (("unit", Operand("b")), ("numbers", (Operand("1"), Operand("2"))))
    )


def test_a_form_gives_arguments_by_name_too() -> None:
    form = FormPayload((("a", "1"), ("b", "2")))

    planned = post("add", "a", "b", "c", content_type=URL_ENCODED, payload=form)

    assert planned.call.arguments == DirectArguments((("a", Operand("1")), ("b", Operand("2"))))


def test_a_json_body_is_left_to_postgres() -> None:
    planned = post("book", "artist")

    assert isinstance(planned.call.arguments, JsonArguments)
    assert len(planned.routine.parameters) == 1


def test_the_names_of_the_arguments_choose_the_overload() -> None:
    assert len(post("book", "artist", "stage").routine.parameters) == 2
    assert len(get("add", arguments={"a": "1", "b": "2", "c": "3"}).routine.parameters) == 3


def test_overloads_that_all_fit_are_ambiguous() -> None:
    with pytest.raises(AmbiguousFunction) as error:
        get("add", arguments={"a": "1", "b": "2"})

    assert error.value.status == 300
    assert error.value.message == (
        "Could not choose the best candidate function between:"
        " api.add(a => integer, b => integer), api.add(a => integer, b => integer, c => integer)"
    )


@pytest.mark.parametrize(("function", "type"), [("ingest", JSON), ("shout", PLAIN), ("poster", OCTET_STREAM)])
def test_a_single_unnamed_parameter_takes_a_body_of_its_type(function: str, type: Any) -> None:
    planned = post(function, content_type=type)

    assert isinstance(planned.call.parameters, OnePositionalParameter)


def test_an_unnamed_parameter_takes_no_body_of_another_type_and_nothing_by_get() -> None:
    with pytest.raises(NoFunction):
        post("shout", content_type=XML)
    with pytest.raises(NoFunction):
        get("ingest")


def test_a_body_that_cannot_be_named_arguments_does_not_call_a_function_without_parameters() -> None:
    with pytest.raises(NoFunction):
        post("loudest", content_type=PLAIN)

    assert post("loudest").routine.name == "loudest"


def test_a_missing_function_is_described_by_its_arguments() -> None:
    with pytest.raises(NoFunction) as error:
        get("nowhere_near", arguments={"b": "1", "a": "2"})

    assert error.value.status == 404
    assert error.value.message == "Could not find the function api.nowhere_near(a, b) in the schema cache"
    assert error.value.details == (
        "Searched for the function api.nowhere_near with parameters a, b,"
        " but no matches were found in the schema cache."
    )
    assert error.value.hint is None


def test_a_missing_function_without_arguments_says_so() -> None:
    with pytest.raises(NoFunction) as error:
        get("loudes")

    assert error.value.message == "Could not find the function api.loudes without parameters in the schema cache"
    assert error.value.details == (
        "Searched for the function api.loudes without parameters, but no matches were found in the schema cache."
    )
    assert error.value.hint == "Perhaps you meant to call the function api.loudest"


def test_wrong_arguments_are_corrected_to_those_of_the_closest_overload() -> None:
    with pytest.raises(NoFunction) as error:
        post("book", "artist", "stagee")

    assert error.value.details == (
        "Searched for the function api.book with parameters artist, stagee or with a single unnamed json/jsonb"
        " parameter, but no matches were found in the schema cache."
    )
    assert error.value.hint == "Perhaps you meant to call the function api.book(artist, stage)"


@pytest.mark.parametrize(("type", "parameter"), [(PLAIN, "text"), (XML, "xml"), (OCTET_STREAM, "bytea")])
def test_a_raw_body_can_only_be_meant_for_an_unnamed_parameter(type: Any, parameter: str) -> None:
    with pytest.raises(NoFunction) as error:
        post("search", content_type=type)

    assert error.value.message == "Could not find the function api.search in the schema cache"
    assert error.value.details == (
        f"Searched for the function api.search with a single unnamed {parameter} parameter,"
        " but no matches were found in the schema cache."
    )
    assert error.value.hint is None


def test_a_function_that_returns_rows_of_a_relation_embeds_what_the_relation_can() -> None:
    planned = get("loudest", "name", embed("festivals", "title"))

    assert planned.read.source == QualifiedName("", "pgrst_source")
    assert planned.read.source_alias == "stages"
    assert planned.read.embeddings[0].source == name("festivals")
    assert planned.call.returning == frozenset(("name", "festival_id"))
    assert not planned.call.is_scalar


def test_filters_of_a_call_are_the_reads_and_their_columns_are_returned() -> None:
    planned = get("search", "name", arguments={"term": "x"}, filters=(((), equals("bio")), ((), is_null("mentor_id"))))

    assert len(planned.read.where) == 2
    assert planned.call.filter_fields == frozenset(("bio", "mentor_id"))
    assert planned.call.returning == frozenset(("name",))


def test_scalars_and_sets_of_them_are_told_apart() -> None:
    scalar, scalars = post("ingest").call, get("names").call

    assert (scalar.is_scalar, scalar.is_set_of_scalar) == (True, False)
    assert (scalars.is_scalar, scalars.is_set_of_scalar) == (False, True)


def test_only_a_volatile_function_called_by_post_may_write() -> None:
    assert get("book", arguments={"artist": "1"}).read_only
    assert not post("book", "artist").read_only
    assert post("loudest").read_only


def test_max_affected_needs_a_function_that_returns_a_set() -> None:
    strict = Preferences(max_affected=1, handling=Handling.STRICT)

    with pytest.raises(MaxAffectedNeedsRows):
        post("book", "artist", preferences=strict)

    assert get("names", preferences=strict)
    assert post("book", "artist", preferences=Preferences(max_affected=1))


def test_a_call_reports_the_function_then_the_read_then_the_media_type_then_preferences() -> None:
    wrong = Preferences(invalid=("nope",), handling=Handling.STRICT, max_affected=1)
    nowhere = ((("nowhere",), equals("id")),)

    with pytest.raises(NoFunction):
        get("nope", filters=nowhere, accept=(XML,), preferences=wrong)
    with pytest.raises(NotEmbedded):
        get("loudest", filters=nowhere, accept=(XML,), preferences=wrong)
    with pytest.raises(MediaTypeUnavailable):
        get("loudest", accept=(XML,), preferences=wrong)
    with pytest.raises(InvalidPreferences):
        get("loudest", preferences=wrong)


def test_head_has_no_body() -> None:
    planned = plan(request(calling("loudest", HEAD)))

    assert isinstance(planned, RoutineCall)
    assert planned.handler is Builtin.NONE


def test_options_finds_the_function_as_a_get_without_arguments_would() -> None:
    planned = plan(request(DescribeRoutine(name("loudest"))))

    assert isinstance(planned, RoutineInfo)
    assert planned.routine.name == "loudest"
    with pytest.raises(NoFunction):
        plan(request(DescribeRoutine(name("search"))))
