"""What a request does, by its method and path; not yet checked against the schema."""

from dataclasses import dataclass
from enum import Enum

from tailrace.engine.identifiers import QualifiedName


class Mutation(Enum):
    INSERT = "POST"
    UPDATE = "PATCH"
    UPSERT_SINGLE = "PUT"
    DELETE = "DELETE"


class Invocation(Enum):
    GET = "GET"
    HEAD = "HEAD"
    POST = "POST"


@dataclass(frozen=True, slots=True)
class ReadRelation:
    target: QualifiedName
    headers_only: bool


@dataclass(frozen=True, slots=True)
class MutateRelation:
    target: QualifiedName
    mutation: Mutation


@dataclass(frozen=True, slots=True)
class CallRoutine:
    target: QualifiedName
    invocation: Invocation


@dataclass(frozen=True, slots=True)
class InspectSchema:
    """The root document (OpenAPI)."""

    schema: str
    headers_only: bool


@dataclass(frozen=True, slots=True)
class DescribeRelation:
    """OPTIONS of a relation."""

    target: QualifiedName


@dataclass(frozen=True, slots=True)
class DescribeRoutine:
    """OPTIONS of a function."""

    target: QualifiedName


@dataclass(frozen=True, slots=True)
class DescribeSchema:
    """OPTIONS of the root."""


Action = (
    ReadRelation | MutateRelation | CallRoutine | InspectSchema | DescribeRelation | DescribeRoutine | DescribeSchema
)
