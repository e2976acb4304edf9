"""What is to be done for a request: the whole plan, as SQL and response need it."""

from dataclasses import dataclass

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.media_type import MediaType
from tailrace.engine.plan.call_plan import CallPlan
from tailrace.engine.plan.mutate_plan import MutatePlan
from tailrace.engine.plan.read_plan import ReadPlan
from tailrace.engine.request.api_request import Invocation, Mutation
from tailrace.engine.schema_cache.media_handler import MediaHandler
from tailrace.engine.schema_cache.routine import Routine
from tailrace.engine.schema_cache.table import Table


@dataclass(frozen=True, slots=True)
class RelationRead:
    target: QualifiedName
    read: ReadPlan
    handler: MediaHandler
    media_type: MediaType
    headers_only: bool


@dataclass(frozen=True, slots=True)
class RelationMutation:
    target: QualifiedName
    read: ReadPlan
    mutate: MutatePlan
    handler: MediaHandler
    media_type: MediaType
    mutation: Mutation


@dataclass(frozen=True, slots=True)
class RoutineCall:
    target: QualifiedName
    read: ReadPlan
    call: CallPlan
    routine: Routine
    handler: MediaHandler
    media_type: MediaType
    invocation: Invocation
    read_only: bool


@dataclass(frozen=True, slots=True)
class SchemaInspection:
    """The root document."""

    schema: str
    media_type: MediaType
    headers_only: bool


@dataclass(frozen=True, slots=True)
class RelationInfo:
    table: Table


@dataclass(frozen=True, slots=True)
class RoutineInfo:
    routine: Routine


@dataclass(frozen=True, slots=True)
class SchemaInfo:
    pass


DatabasePlan = RelationRead | RelationMutation | RoutineCall
"""Plans that read rows; with a plan media type, the answer is their EXPLAIN."""
InfoPlan = RelationInfo | RoutineInfo | SchemaInfo
"""Plans that need no database."""
ActionPlan = DatabasePlan | SchemaInspection | InfoPlan
