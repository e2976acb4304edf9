"""A request as far as it can be prepared without its values: what is kept for its shape."""

from dataclasses import dataclass, field

from tailrace.engine.config.config import Config
from tailrace.engine.media_type import PlanMediaType
from tailrace.engine.plan.action_plan import DatabasePlan, RelationMutation, RelationRead, RoutineCall
from tailrace.engine.request.api_request import ApiRequest
from tailrace.engine.request.preferences import TransactionEnd
from tailrace.engine.response.checks import Verdict, verdict_of
from tailrace.engine.response.recipe import ResponseRecipe
from tailrace.engine.response.render import recipe_of, response_settings
from tailrace.engine.response.warning import describe_renamings
from tailrace.engine.schema_cache.routine import Routine
from tailrace.engine.sql.fragment import Template
from tailrace.engine.sql.main import MainInputs, Rendered, render_main, render_stream
from tailrace.engine.statement import Cost, IsolationLevel


@dataclass(slots=True)
class Prepared:
    """A plan of rows, rendered: statements, checks, and the recipe of the answer."""

    plan: DatabasePlan
    rendered: Rendered
    recipe: ResponseRecipe
    schema: str
    routine: Routine | None
    read_only: bool
    rollback: bool
    verdict: Verdict | None
    timezone: bytes | None
    isolation: IsolationLevel | None
    """Of the function that is called; the role's own counts otherwise."""
    cost: Cost | None = field(default=None)
    """Of reads of relations: what may be queued behind."""
    stream: Template | None = None
    """The main statement for a result of any size, for reads that may have one."""
    is_small: bool = False
    """The last result was small, so the next one is expected to be, too."""
    legacy_names: str | None = None
    """What to write instead of relations' names that stand for an alias: "`films` to `all_films`"."""


FEW_ROWS = 1000
"""Rows up to which a result is small enough to be one value."""
SMALL_BODY = 256 * 1024


def prepare(plan: DatabasePlan, request: ApiRequest, config: Config) -> Prepared:
    """Render a plan for this request, and for all later ones of its shape."""
    preferences = request.preferences
    inputs = MainInputs(preferences, request.payload, request.top_range, config.db_max_rows)
    routine = plan.routine if isinstance(plan, RoutineCall) else None
    read_only = is_read_only(plan)
    rolls_back = preferences.transaction is TransactionEnd.ROLLBACK or (
        config.db_tx_rollback_all and preferences.transaction is not TransactionEnd.COMMIT
    )
    return Prepared(
        plan=plan,
        rendered=render_main(plan, inputs),
        recipe=recipe_of(plan, request, response_settings(config)),
        schema=request.schema,
        routine=routine,
        read_only=read_only,
        rollback=rolls_back and not read_only,
        verdict=verdict_of(plan, preferences),
        timezone=None if preferences.timezone is None else preferences.timezone.encode(),
        isolation=None if routine is None else routine.isolation,
        cost=Cost() if isinstance(plan, RelationRead) else None,
        stream=render_stream(plan, inputs) if may_be_large(plan, inputs) else None,
        legacy_names=describe_renamings(plan.read) if config.url_use_legacy_target_names else None,
    )


def may_be_large(plan: DatabasePlan, inputs: MainInputs) -> bool:
    """Whether nothing but the table's size bounds the result."""
    if inputs.preferences.counts_by_plan or isinstance(plan.media_type, PlanMediaType):
        return False
    limit = plan.read.range.limit
    return isinstance(plan, RelationRead) and (limit is None or limit > FEW_ROWS)


def is_read_only(plan: DatabasePlan) -> bool:
    match plan:
        case RelationRead():
            return True
        case RelationMutation():
            return False
        case RoutineCall(read_only=read_only):
            return read_only
