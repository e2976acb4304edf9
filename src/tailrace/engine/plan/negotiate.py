"""Chooses the media type of an answer and the handler that makes it.

Source: PostgREST docs, references/api/resource_representation and
references/api/media_type_handlers; RFC 9110, section 12.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tailrace.engine.errors import MediaTypeUnavailable
from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.media_type import ANY, ARRAY_STRIPPED, OBJECT, OBJECT_STRIPPED, MediaType, PlanMediaType
from tailrace.engine.request.api_request import ApiRequest, CallRoutine, Invocation, MutateRelation, ReadRelation
from tailrace.engine.request.preferences import Representation
from tailrace.engine.schema_cache.media_handler import Builtin, ResolvedHandler

Handlers = Mapping[tuple[QualifiedName | None, MediaType], ResolvedHandler]


@dataclass(frozen=True, slots=True)
class Offer:
    """The media types that the rows of one relation can be had in."""

    relation: QualifiedName
    handlers: Handlers
    selects_all: bool
    """Handlers of the relation itself take whole rows: only a plain `select=*` will do."""
    explains: bool
    """db-plan-enabled"""

    def find(self, wanted: MediaType) -> ResolvedHandler | None:
        if isinstance(wanted, PlanMediaType):
            target = self._find_answer(wanted.target) if self.explains else None
            return None if target is None else ResolvedHandler(target.handler, wanted)
        return self._find_answer(wanted)

    def _find_answer(self, wanted: MediaType) -> ResolvedHandler | None:
        # These come first: their parameters leave nothing for a custom handler to decide.
        if wanted == OBJECT:
            return ResolvedHandler(Builtin.OBJECT, wanted)
        if wanted == OBJECT_STRIPPED:
            return ResolvedHandler(Builtin.OBJECT_STRIPPED, wanted)
        if wanted == ARRAY_STRIPPED:
            return ResolvedHandler(Builtin.JSON_STRIPPED, wanted)
        if self.selects_all:
            handlers, relation = self.handlers, self.relation
            own = handlers.get((relation, ANY)) or handlers.get((relation, wanted))
            if own is not None:
                return own
        return self.handlers.get((None, wanted))


def negotiate(request: ApiRequest, offer: Offer) -> ResolvedHandler:
    """The handler of the first accepted media type that there is one for.

    Answers that have no body have no handler either, but keep the media type.
    Errors: MediaTypeUnavailable (PGRST107).
    """
    for wanted in request.accept:
        found = offer.find(wanted)
        if found is not None:
            return found if _has_body(request) else ResolvedHandler(Builtin.NONE, found.media_type)
    raise MediaTypeUnavailable([wanted.name for wanted in request.accept])


def _has_body(request: ApiRequest) -> bool:
    action = request.action
    if isinstance(action, MutateRelation):
        return request.preferences.representation is Representation.FULL
    if isinstance(action, ReadRelation):
        return not action.headers_only
    return not (isinstance(action, CallRoutine) and action.invocation is Invocation.HEAD)
