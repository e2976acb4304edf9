"""Which resource a path names, and what a method does with it."""

import pytest

from tailrace.engine.config.config import Config, OpenApiMode
from tailrace.engine.errors import (
    ApiError,
    InvalidPath,
    InvalidRpcMethod,
    OpenApiDisabled,
    UnacceptableSchema,
    UnsupportedMethod,
)
from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.message import HttpRequest
from tailrace.engine.request.action import (
    Action,
    CallRoutine,
    DescribeRelation,
    DescribeRoutine,
    DescribeSchema,
    InspectSchema,
    Invocation,
    MutateRelation,
    Mutation,
    ReadRelation,
)
from tailrace.engine.request.target import (
    RelationResource,
    Resource,
    RootResource,
    RoutineResource,
    choose_action,
    find_resource,
    negotiate_schema,
)

CONFIG = Config()
BOATS = QualifiedName("port", "boats")


@pytest.mark.parametrize(
    ("path", "resource"),
    [
        (b"/", RootResource()),
        (b"", RootResource()),
        (b"/boats", RelationResource("boats")),
        (b"/boats%20and%2Fships", RelationResource("boats and/ships")),
        (b"/b%C3%A5tar", RelationResource("båtar")),
        (b"/boats+ships", RelationResource("boats+ships")),
        (b"/100%", RelationResource("100%")),
        (b"/rpc", RelationResource("rpc")),
        (b"/rpc/dock", RoutineResource("dock")),
    ],
)
def test_a_path_names_the_root_a_relation_or_a_function(path: bytes, resource: Resource) -> None:
    assert find_resource(path, CONFIG) == resource


@pytest.mark.parametrize("path", [b"/boats/", b"/boats/1", b"/rpc/dock/1", b"//", b"/rpc/a/b"])
def test_a_deeper_path_names_nothing(path: bytes) -> None:
    with pytest.raises(InvalidPath):
        find_resource(path, CONFIG)


def test_bytes_that_are_no_text_become_replacement_characters() -> None:
    assert find_resource(b"/b%E5tar", CONFIG) == RelationResource("b\ufffdtar")


def test_the_root_may_be_a_function() -> None:
    config = Config(db_root_spec=QualifiedName("other", "welcome"))

    assert find_resource(b"/", config) == RoutineResource("welcome")


def test_the_root_may_be_switched_off() -> None:
    with pytest.raises(OpenApiDisabled):
        find_resource(b"/", Config(openapi_mode=OpenApiMode.DISABLED))


@pytest.mark.parametrize(
    ("resource", "method", "action"),
    [
        (RelationResource("boats"), "GET", ReadRelation(BOATS, headers_only=False)),
        (RelationResource("boats"), "HEAD", ReadRelation(BOATS, headers_only=True)),
        (RelationResource("boats"), "POST", MutateRelation(BOATS, Mutation.INSERT)),
        (RelationResource("boats"), "PATCH", MutateRelation(BOATS, Mutation.UPDATE)),
        (RelationResource("boats"), "PUT", MutateRelation(BOATS, Mutation.UPSERT_SINGLE)),
        (RelationResource("boats"), "DELETE", MutateRelation(BOATS, Mutation.DELETE)),
        (RelationResource("boats"), "OPTIONS", DescribeRelation(BOATS)),
        (RoutineResource("boats"), "GET", CallRoutine(BOATS, Invocation.GET)),
        (RoutineResource("boats"), "HEAD", CallRoutine(BOATS, Invocation.HEAD)),
        (RoutineResource("boats"), "POST", CallRoutine(BOATS, Invocation.POST)),
        (RoutineResource("boats"), "OPTIONS", DescribeRoutine(BOATS)),
        (RootResource(), "GET", InspectSchema("port", headers_only=False)),
        (RootResource(), "HEAD", InspectSchema("port", headers_only=True)),
        (RootResource(), "OPTIONS", DescribeSchema()),
    ],
)
def test_the_method_decides_what_is_done(resource: Resource, method: str, action: Action) -> None:
    assert choose_action(resource, "port", method) == action


@pytest.mark.parametrize(
    ("resource", "method", "error"),
    [
        (RelationResource("boats"), "TRACE", UnsupportedMethod("TRACE")),
        (RelationResource("boats"), "get", UnsupportedMethod("get")),
        (RootResource(), "POST", UnsupportedMethod("POST")),
        (RoutineResource("dock"), "PUT", InvalidRpcMethod("PUT")),
    ],
)
def test_other_methods_are_refused(resource: Resource, method: str, error: ApiError) -> None:
    with pytest.raises(type(error)) as raised:
        choose_action(resource, "port", method)

    assert raised.value.message == error.message
    assert raised.value.status == 405


def profile(method: str, name: bytes, value: bytes) -> HttpRequest:
    return HttpRequest(method, b"/boats", b"", [(name, value)])


@pytest.mark.parametrize(
    ("method", "header"),
    [
        ("GET", b"accept-profile"),
        ("HEAD", b"accept-profile"),
        ("OPTIONS", b"accept-profile"),
        ("POST", b"content-profile"),
        ("PATCH", b"content-profile"),
        ("PUT", b"content-profile"),
        ("DELETE", b"content-profile"),
    ],
)
def test_the_profile_header_chooses_the_schema(method: str, header: bytes) -> None:
    other = b"content-profile" if header == b"accept-profile" else b"accept-profile"

    assert negotiate_schema(profile(method, header, b"yard"), ("port", "yard")) == ("yard", True)
    assert negotiate_schema(profile(method, other, b"yard"), ("port", "yard")) == ("port", True)


def test_the_only_schema_is_not_negotiated_unless_asked_for() -> None:
    assert negotiate_schema(HttpRequest("GET", b"/boats", b"", []), ("port",)) == ("port", False)
    assert negotiate_schema(profile("GET", b"accept-profile", b"port"), ("port",)) == ("port", True)


def test_a_schema_that_is_not_exposed_is_refused() -> None:
    with pytest.raises(UnacceptableSchema) as raised:
        negotiate_schema(profile("GET", b"accept-profile", b"vault"), ("port", "yard"))

    assert raised.value.message == "Invalid schema: vault"
    assert raised.value.hint == "Only the following schemas are exposed: port, yard"
