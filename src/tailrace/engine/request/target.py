"""The path and the method: which resource, in which schema, and what to do with it.

Source: PostgREST docs, references/api/url_grammar, references/api/schemas.
"""

from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from tailrace.engine.config.config import Config, OpenApiMode
from tailrace.engine.errors import InvalidPath, InvalidRpcMethod, OpenApiDisabled, UnacceptableSchema, UnsupportedMethod
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

WRITING_METHODS = frozenset(("DELETE", "PATCH", "POST", "PUT"))


@dataclass(frozen=True, slots=True)
class RelationResource:
    name: str


@dataclass(frozen=True, slots=True)
class RoutineResource:
    name: str


@dataclass(frozen=True, slots=True)
class RootResource:
    """The root of the API."""


Resource = RelationResource | RoutineResource | RootResource


def find_resource(path: bytes, config: Config) -> Resource:
    """Tell what a path names: the root, `/relation` or `/rpc/function`.

    Errors: InvalidPath, OpenApiDisabled.
    """
    match _segments(path):
        case []:
            if config.openapi_mode is OpenApiMode.DISABLED:
                raise OpenApiDisabled
            return RootResource() if config.db_root_spec is None else RoutineResource(config.db_root_spec.name)
        case [name]:
            return RelationResource(name)
        case ["rpc", name]:
            return RoutineResource(name)
        case _:
            raise InvalidPath


def _segments(path: bytes) -> list[str]:
    if path in (b"", b"/"):
        return []
    return [unquote_to_bytes(segment).decode("utf-8", "replace") for segment in path.removeprefix(b"/").split(b"/")]


def negotiate_schema(request: HttpRequest, schemas: tuple[str, ...]) -> tuple[str, bool]:
    """Choose the schema by Accept-Profile or, for what writes, Content-Profile.

    Returns the schema and whether it is to be named in the answer: if it was
    asked for, or if there are several. Errors: UnacceptableSchema.
    """
    profile = request.header(b"content-profile" if request.method in WRITING_METHODS else b"accept-profile")
    if profile is None:
        return schemas[0], len(schemas) != 1
    schema = profile.decode("utf-8", "replace")
    if schema not in schemas:
        raise UnacceptableSchema(schema, schemas)
    return schema, True


def choose_action(resource: Resource, schema: str, method: str) -> Action:
    """Tell what a method does with a resource. Errors: InvalidRpcMethod, UnsupportedMethod."""
    match resource:
        case RoutineResource(name):
            return _routine_action(QualifiedName(schema, name), method)
        case RelationResource(name):
            return _relation_action(QualifiedName(schema, name), method)
        case RootResource():
            return _root_action(schema, method)


def _routine_action(target: QualifiedName, method: str) -> Action:
    match method:
        case "GET" | "HEAD" | "POST":
            return CallRoutine(target, Invocation(method))
        case "OPTIONS":
            return DescribeRoutine(target)
        case _:
            raise InvalidRpcMethod(method)


def _relation_action(target: QualifiedName, method: str) -> Action:
    match method:
        case "GET" | "HEAD":
            return ReadRelation(target, headers_only=method == "HEAD")
        case "POST" | "PUT" | "PATCH" | "DELETE":
            return MutateRelation(target, Mutation(method))
        case "OPTIONS":
            return DescribeRelation(target)
        case _:
            raise UnsupportedMethod(method)


def _root_action(schema: str, method: str) -> Action:
    match method:
        case "GET" | "HEAD":
            return InspectSchema(schema, headers_only=method == "HEAD")
        case "OPTIONS":
            return DescribeSchema()
        case _:
            raise UnsupportedMethod(method)
