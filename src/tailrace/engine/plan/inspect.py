"""Plans the root document.

Source: PostgREST docs, references/api/openapi.
"""

from tailrace.engine.errors import MediaTypeUnavailable
from tailrace.engine.media_type import ANY, JSON, OPENAPI
from tailrace.engine.plan.action_plan import SchemaInspection
from tailrace.engine.request.api_request import ApiRequest, InspectSchema

PRODUCED = frozenset((OPENAPI, JSON, ANY))


def plan_inspection(action: InspectSchema, request: ApiRequest) -> SchemaInspection:
    """Errors: MediaTypeUnavailable (PGRST107)."""
    if PRODUCED.isdisjoint(request.accept):
        raise MediaTypeUnavailable([wanted.name for wanted in request.accept])
    return SchemaInspection(action.schema, OPENAPI, action.headers_only)
