"""The Preference-Applied header: which preferences an answer has heeded (RFC 7240, 3).

Source: PostgREST docs, references/api/preferences.
"""

from collections.abc import Iterator

from tailrace.engine.plan.action_plan import DatabasePlan, RelationMutation, RoutineCall
from tailrace.engine.plan.mutate_plan import Insert
from tailrace.engine.request.api_request import ApiRequest, Mutation
from tailrace.engine.request.preferences import Handling
from tailrace.engine.response.headers import Header, header_text


def preference_applied(plan: DatabasePlan, request: ApiRequest) -> tuple[Header, ...]:
    """One header or none. The order is PostgREST's own, whatever the request's."""
    applied = ", ".join(_applied(plan, request))
    return ((b"Preference-Applied", header_text(applied)),) if applied else ()


def _applied(plan: DatabasePlan, request: ApiRequest) -> Iterator[str]:
    preferences = request.preferences
    mutation = plan.mutation if isinstance(plan, RelationMutation) else None
    if preferences.resolution is not None and _resolves(plan, request):
        yield preferences.resolution.value
    if preferences.missing is not None and mutation in (Mutation.INSERT, Mutation.UPDATE):
        yield preferences.missing.value
    if preferences.representation is not None and mutation is not None:
        yield preferences.representation.value
    if preferences.count is not None:
        yield preferences.count.value
    if preferences.transaction is not None:
        yield preferences.transaction.value
    if preferences.handling is not None:
        yield preferences.handling.value
    if preferences.timezone is not None:
        yield f"timezone={preferences.timezone}"
    limits = mutation in (Mutation.UPDATE, Mutation.DELETE) or isinstance(plan, RoutineCall)
    if preferences.max_affected is not None and preferences.handling is Handling.STRICT and limits:
        yield f"max-affected={preferences.max_affected}"


def _resolves(plan: DatabasePlan, request: ApiRequest) -> bool:
    """Whether there is a key that rows could conflict on."""
    match plan:
        case RelationMutation(mutation=Mutation.INSERT, mutate=Insert(primary_key=key)):
            return bool(key) or request.query.on_conflict is not None
        case _:
            return False
