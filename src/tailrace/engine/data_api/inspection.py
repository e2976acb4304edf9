"""The root document: what the caller's role may see, joined from parts that are kept with the schema."""

from collections.abc import Sequence

from tailrace.engine.config.config import Config, OpenApiMode
from tailrace.engine.message import Response
from tailrace.engine.plan.action_plan import SchemaInspection
from tailrace.engine.request.api_request import ApiRequest
from tailrace.engine.response.headers import VARY, content_headers
from tailrace.engine.response.openapi.document import Versions, openapi_document, read_inspection
from tailrace.engine.response.openapi.fragment import OpenApiFragments
from tailrace.engine.sql.openapi import inspection_statements
from tailrace.engine.statement import Rows, Statement

VERSIONS = Versions(shown="16.2", documented="v16")
"""Of the API that is promised, PostgREST's; documents are compared and cached by clients."""


def statements_of(plan: SchemaInspection, config: Config, pg_version: int) -> tuple[Statement, ...]:
    follows = config.openapi_mode is OpenApiMode.FOLLOW_PRIVILEGES
    return inspection_statements(plan.schema, pg_version, follow_privileges=follows)


def document_response(
    plan: SchemaInspection, request: ApiRequest, results: Sequence[Rows], *, fragments: OpenApiFragments, config: Config
) -> Response:
    inputs = read_inspection(results, fragments, schema=plan.schema, config=config, versions=VERSIONS)
    head = list(content_headers(plan.media_type.content_type, request))
    if plan.headers_only:
        return Response(200, [*head, VARY])
    body = openapi_document(inputs)
    return Response(200, [head[0], (b"Content-Length", b"%d" % len(body)), *head[1:], VARY], body)
