"""From plan and rows to the answer: the entry of this stage."""

from dataclasses import dataclass
from typing import assert_never

from tailrace.engine.config.config import Config, Verbosity
from tailrace.engine.media_type import PlanMediaType
from tailrace.engine.message import Response
from tailrace.engine.plan.action_plan import DatabasePlan, RelationMutation, RelationRead, RoutineCall
from tailrace.engine.request.api_request import ApiRequest, Invocation, Mutation
from tailrace.engine.request.preferences import Representation, Resolution
from tailrace.engine.response.headers import VARY, Header, content_headers
from tailrace.engine.response.location import relation_path
from tailrace.engine.response.preference_applied import preference_applied
from tailrace.engine.response.recipe import (
    CallRecipe,
    ChangeRecipe,
    ExplainRecipe,
    InsertRecipe,
    ReadRecipe,
    ResponseRecipe,
    UpsertRecipe,
)
from tailrace.engine.response.warning import legacy_name_warning
from tailrace.engine.statement import Rows


@dataclass(frozen=True, slots=True)
class ResponseSettings:
    verbosity: Verbosity = Verbosity.VERBOSE
    max_rows: int | None = None
    warns_of_legacy_names: bool = True


def response_settings(config: Config) -> ResponseSettings:
    return ResponseSettings(config.client_error_verbosity, config.db_max_rows, config.url_use_legacy_target_names)


def respond(plan: DatabasePlan, request: ApiRequest, rows: Rows, settings: ResponseSettings) -> Response:
    """Answer one request whose recipe is not kept. Errors: those of `ResponseRecipe.render`."""
    recipe = recipe_of(plan, request, settings)
    return recipe.render(rows, top_range=request.top_range, canonical=request.query.canonical)


def recipe_of(plan: DatabasePlan, request: ApiRequest, settings: ResponseSettings) -> ResponseRecipe:
    """The recipe for all requests of this request's shape (action, preferences, media type, profile)."""
    content = content_headers(plan.media_type.content_type, request)
    if isinstance(plan.media_type, PlanMediaType):
        return ExplainRecipe((*content, *_closing(plan, settings)))
    tail = (*preference_applied(plan, request), *_closing(plan, settings))
    match plan:
        case RelationRead():
            return ReadRecipe(
                plan.headers_only,
                relation_path(plan.target),
                request.preferences.count,
                settings.max_rows,
                (*content, *tail),
                settings.verbosity,
            )
        case RoutineCall():
            is_void = plan.routine.returns_void
            headers_only = plan.invocation is Invocation.HEAD
            return CallRecipe(is_void, headers_only, tail if is_void else (*content, *tail), settings.verbosity)
        case RelationMutation():
            return _mutation_recipe(plan, request, content=content, tail=tail)
        case _:
            assert_never(plan)


def _mutation_recipe(
    plan: RelationMutation, request: ApiRequest, *, content: tuple[Header, ...], tail: tuple[Header, ...]
) -> ResponseRecipe:
    preferences = request.preferences
    represents = preferences.representation is Representation.FULL
    tail = (*content, *tail) if represents else tail
    counts = preferences.counts_exactly
    match plan.mutation:
        case Mutation.INSERT:
            merges = preferences.resolution is Resolution.MERGE_DUPLICATES
            return InsertRecipe(relation_path(plan.target), counts, merges, preferences.representation, tail)
        case Mutation.UPSERT_SINGLE:
            return UpsertRecipe(represents, tail)
        case Mutation.UPDATE | Mutation.DELETE:
            return ChangeRecipe(plan.mutation is Mutation.UPDATE, counts, represents, tail)
        case _:
            assert_never(plan.mutation)


def _closing(plan: DatabasePlan, settings: ResponseSettings) -> tuple[Header, ...]:
    warning = legacy_name_warning(plan.read) if settings.warns_of_legacy_names else ()
    return (*warning, VARY)
