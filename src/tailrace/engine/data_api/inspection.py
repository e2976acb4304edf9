"""The root document: what the caller's role may see, joined from parts that are kept with the schema."""

from collections.abc import Sequence

from tailrace.engine.config.config import OpenApiMode
from tailrace.engine.data_api.snapshot import Snapshot
from tailrace.engine.message import Response
from tailrace.engine.plan.action_plan import SchemaInspection
from tailrace.engine.request.api_request import ApiRequest
from tailrace.engine.response.headers import VARY, content_headers
from tailrace.engine.response.openapi.document import OpenApiInputs, Versions, openapi_document
from tailrace.engine.response.openapi.rights import (
    Rights,
    decode_rights,
    documents_of,
    visible_routines,
    visible_tables,
)
from tailrace.engine.sql.openapi import rights_statement, routines_statement, schema_description_statement
from tailrace.engine.statement import Rows, Statement

VERSIONS = Versions(shown="16.2", documented="v16")
"""Of the API that is promised, PostgREST's; documents are compared and cached by clients."""


class Inspection:
    """One request for the root document."""

    def __init__(self, plan: SchemaInspection, request: ApiRequest, snapshot: Snapshot, *, role: str) -> None:
        assert snapshot.schema_cache is not None
        self._plan = plan
        self._request = request
        self._snapshot = snapshot
        self._role = role
        self._inventory = snapshot.documents.inventory(snapshot.schema_cache, plan.schema)
        self._follows = snapshot.config.openapi_mode is OpenApiMode.FOLLOW_PRIVILEGES
        self._described = snapshot.documents.described(plan.schema, role)

    def statements(self) -> tuple[Statement, ...]:
        """The role's rights are asked each time, the functions once for each role."""
        schema, inventory = self._plan.schema, self._inventory
        if not self._follows:
            return (schema_description_statement(schema),)
        rights = rights_statement(schema, inventory)
        if self._described is not None or not inventory.routines:
            return (rights,)
        return rights, routines_statement(inventory, self._snapshot.pg_version)

    def respond(self, results: Sequence[Rows]) -> Response:
        """From the results of the statements."""
        rights, documents = decode_rights(results[0]), self._snapshot.documents
        if len(results) > 1:
            found = documents_of(results[1])
            self._described = documents.describe(self._plan.schema, self._role, found, self._snapshot.openapi)
        head = list(content_headers(self._plan.media_type.content_type, self._request))
        if self._plan.headers_only:
            return Response(200, [*head, VARY])
        key = (self._plan.schema, rights, self._described)
        body = documents.find(key) or documents.keep(key, self._write(rights))
        return Response(200, [head[0], (b"Content-Length", b"%d" % len(body)), *head[1:], VARY], body)

    def _write(self, rights: Rights) -> bytes:
        fragments, schema = self._snapshot.openapi, self._plan.schema
        if self._follows:
            tables = visible_tables(rights, self._inventory, fragments)
            described = {} if self._described is None else self._described.fragments
            routines = visible_routines(rights, self._inventory, described)
        else:
            tables, routines = fragments.tables_of(schema), fragments.routines_of(schema)
        inputs = OpenApiInputs(
            tables=tables,
            routines=routines,
            schema_description=None if rights.description is None else rights.description.decode(),
            config=self._snapshot.config,
            versions=VERSIONS,
        )
        return openapi_document(inputs)
