"""What is judged after the main statement and before COMMIT.

Source: PostgREST docs, references/api/resource_representation (singular),
references/api/preferences (max-affected), references/api/tables_views (PUT).
"""

from collections.abc import Callable

from tailrace.engine.errors import MaxAffectedExceeded, NotSingular, PutKeyMismatch
from tailrace.engine.media_type import SINGULAR, PlanMediaType
from tailrace.engine.plan.action_plan import DatabasePlan, RelationMutation, RoutineCall
from tailrace.engine.request.api_request import Mutation
from tailrace.engine.request.preferences import Handling, Preferences

Verdict = Callable[[int], None]
"""Of the number of rows that the main statement returned."""


def verdict_of(plan: DatabasePlan, preferences: Preferences) -> Verdict | None:
    """The checks that a plan asks for; None if there are none, so that no transaction has to wait for them.

    The verdict raises NotSingular (PGRST116, 406), MaxAffectedExceeded (PGRST124, 400)
    or PutKeyMismatch (PGRST115, 400), and all changes are to be undone.
    """
    if isinstance(plan.media_type, PlanMediaType):
        return None
    if isinstance(plan, RelationMutation) and plan.mutation is Mutation.UPSERT_SINGLE:
        return _require_key_match
    singular = plan.media_type in SINGULAR
    limit = preferences.max_affected if _is_limited(plan, preferences) else None
    if not singular and limit is None:
        return None

    def verdict(rows: int) -> None:
        if singular and rows != 1:
            raise NotSingular(rows)
        if limit is not None and rows > limit:
            raise MaxAffectedExceeded(rows)

    return verdict


def _is_limited(plan: DatabasePlan, preferences: Preferences) -> bool:
    """max-affected counts only with handling=strict, and not on inserts."""
    if preferences.handling is not Handling.STRICT:
        return False
    match plan:
        case RelationMutation(mutation=mutation):
            return mutation in (Mutation.UPDATE, Mutation.DELETE)
        case _:
            return isinstance(plan, RoutineCall)


def _require_key_match(rows: int) -> None:
    if rows != 1:
        raise PutKeyMismatch
