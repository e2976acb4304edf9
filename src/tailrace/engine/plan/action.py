"""Plans a request: every name in it is resolved, every rule that needs no database is checked."""

from typing import assert_never

from tailrace.engine.config.config import Config
from tailrace.engine.errors import InvalidPreferences, MaxAffectedNeedsRows, NoTable
from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.plan.action_plan import (
    ActionPlan,
    RelationInfo,
    RelationMutation,
    RelationRead,
    RoutineCall,
    RoutineInfo,
    SchemaInfo,
)
from tailrace.engine.plan.call import arguments_of, invocation_of, is_read_only, plan_call
from tailrace.engine.plan.hints import suggest_table
from tailrace.engine.plan.inspect import plan_inspection
from tailrace.engine.plan.mutate import plan_mutation
from tailrace.engine.plan.negotiate import Offer, negotiate
from tailrace.engine.plan.read import plan_read
from tailrace.engine.plan.read_plan import ReadPlan
from tailrace.engine.plan.routine_search import find_routine
from tailrace.engine.request.api_request import (
    ApiRequest,
    CallRoutine,
    DescribeRelation,
    DescribeRoutine,
    DescribeSchema,
    InspectSchema,
    MutateRelation,
    ReadRelation,
)
from tailrace.engine.request.preferences import Handling, Preferences
from tailrace.engine.schema_cache.cache import SchemaCache
from tailrace.engine.schema_cache.routine import Routine
from tailrace.engine.schema_cache.table import Table


def plan_action(request: ApiRequest, config: Config, cache: SchemaCache) -> ActionPlan:
    """What is to be done for the request.

    Errors: those of PGRST1xx and PGRST2xx that take the schema cache to find
    out. Of several, the one that PostgREST would report: the order of the checks
    is not the same for reads, mutations and calls.
    """
    action = request.action
    match action:
        case ReadRelation():
            return _plan_relation_read(action, request, config=config, cache=cache)
        case MutateRelation():
            return _plan_relation_mutation(action, request, config=config, cache=cache)
        case CallRoutine():
            return _plan_routine_call(action.target, request, config=config, cache=cache)
        case InspectSchema():
            return plan_inspection(action, request)
        case DescribeRelation():
            return RelationInfo(_find_table(action.target, cache))
        case DescribeRoutine():
            return RoutineInfo(_plan_routine_call(action.target, request, config=config, cache=cache).routine)
        case DescribeSchema():
            return SchemaInfo()
        case _:
            assert_never(action)


def _plan_relation_read(
    action: ReadRelation, request: ApiRequest, *, config: Config, cache: SchemaCache
) -> RelationRead:
    _find_table(action.target, cache)
    read = plan_read(action.target, request, config=config, cache=cache)
    chosen = negotiate(request, _offer(action.target, read, config=config, cache=cache))
    _check_preferences(request.preferences)
    return RelationRead(action.target, read, chosen.handler, chosen.media_type, action.headers_only)


def _plan_relation_mutation(
    action: MutateRelation, request: ApiRequest, *, config: Config, cache: SchemaCache
) -> RelationMutation:
    _find_table(action.target, cache)
    read = plan_read(action.target, request, config=config, cache=cache)
    mutate = plan_mutation(action, request, cache=cache, read=read)
    _check_preferences(request.preferences)
    chosen = negotiate(request, _offer(action.target, read, config=config, cache=cache))
    return RelationMutation(action.target, read, mutate, chosen.handler, chosen.media_type, action.mutation)


def _plan_routine_call(
    target: QualifiedName, request: ApiRequest, *, config: Config, cache: SchemaCache
) -> RoutineCall:
    arguments = arguments_of(request)
    routine = find_routine(target, arguments, cache.routines)
    # A function that returns a relation's rows can embed what the relation can.
    relation = QualifiedName(routine.schema, routine.name if routine.table_name is None else routine.table_name)
    read = plan_read(relation, request, config=config, cache=cache)
    call = plan_call(routine, request, given=arguments.names, read=read)
    chosen = negotiate(request, _offer(relation, read, config=config, cache=cache))
    _check_preferences(request.preferences)
    _check_max_affected(request.preferences, routine)
    invocation = invocation_of(request)
    return RoutineCall(
        target=target,
        read=read,
        call=call,
        routine=routine,
        handler=chosen.handler,
        media_type=chosen.media_type,
        invocation=invocation,
        read_only=is_read_only(routine, invocation),
    )


def _find_table(target: QualifiedName, cache: SchemaCache) -> Table:
    table = cache.tables.get(target)
    if table is None:
        raise NoTable(
            target.schema, target.name, suggestion=suggest_table(target, cache.tables, memo=cache.table_names)
        )
    return table


def _offer(relation: QualifiedName, read: ReadPlan, *, config: Config, cache: SchemaCache) -> Offer:
    selects_all = len(read.select) == 1 and read.select[0].field.name == "*" and not read.embeddings
    return Offer(relation, cache.media_handlers, selects_all, config.db_plan_enabled)


def _check_preferences(preferences: Preferences) -> None:
    """Errors: InvalidPreferences (PGRST122) with handling=strict."""
    if preferences.invalid and preferences.handling is Handling.STRICT:
        raise InvalidPreferences(preferences.invalid)


def _check_max_affected(preferences: Preferences, routine: Routine) -> None:
    """Errors: MaxAffectedNeedsRows (PGRST128) with handling=strict: a single value has no rows to count."""
    is_strict = preferences.handling is Handling.STRICT
    if preferences.max_affected is not None and is_strict and routine.returns_single:
        raise MaxAffectedNeedsRows
