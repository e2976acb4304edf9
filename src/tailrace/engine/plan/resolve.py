"""Resolves fields: what the schema cache knows of a column, and which representation it goes through.

Source: PostgREST docs, references/api/domain_representations.
"""

from collections.abc import Mapping

from tailrace.engine.plan.read_plan import FullTextVector, ResolvedField
from tailrace.engine.request.filter import FullText, Operation
from tailrace.engine.request.select import Field
from tailrace.engine.schema_cache.table import Column, Table

Representations = Mapping[tuple[str, str], str]
JSON_TYPES = frozenset(("json", "jsonb"))


def resolve_field(field: Field, table: Table | None) -> ResolvedField:
    """A field as it is, for an order."""
    column = _column(field, table)
    if column is None:
        return _unknown(field)
    return ResolvedField(
        name=column.name,
        json_path=field.json_path,
        to_jsonb=column.nominal_type not in JSON_TYPES,
        type=column.nominal_type,
        base_type=column.type,
        default=column.default,
    )


def resolve_output(field: Field, table: Table | None, representations: Representations) -> ResolvedField:
    """A field that is selected: its domain's cast to json applies."""
    column = _column(field, table)
    if column is None:
        return _unknown(field)
    return ResolvedField(
        name=column.name,
        json_path=field.json_path,
        to_jsonb=column.nominal_type not in JSON_TYPES,
        type=column.nominal_type,
        base_type=column.type,
        transform=representations.get((column.nominal_type, "json")),
        default=column.default,
    )


def resolve_operand_field(
    field: Field, table: Table | None, *, operation: Operation, representations: Representations
) -> ResolvedField:
    """A field that is filtered: the value goes through the cast from text to its domain.

    A column that is a tsvector already is not wrapped in to_tsvector again.
    """
    column = _column(field, table)
    if column is None:
        return _unknown(field)
    vector = None
    if isinstance(operation, FullText) and column.type != "tsvector":
        vector = FullTextVector(operation.language)
    transform = representations.get(("text", column.nominal_type))
    return ResolvedField(
        name=column.name,
        json_path=field.json_path,
        to_jsonb=column.nominal_type not in JSON_TYPES,
        vector=vector,
        type="text" if transform else column.nominal_type,
        base_type=column.type,
        transform=transform,
        default=column.default,
    )


def resolve_column_output(column: Column, representations: Representations) -> ResolvedField:
    """A column that a star stands for."""
    return ResolvedField(
        name=column.name,
        type=column.nominal_type,
        base_type=column.type,
        transform=representations.get((column.nominal_type, "json")),
        default=column.default,
    )


def resolve_column_input(column: Column, representations: Representations) -> ResolvedField:
    """A column that a JSON body writes: its domain's cast from json applies."""
    transform = representations.get(("json", column.nominal_type))
    return ResolvedField(
        name=column.name,
        type="json" if transform else column.nominal_type,
        base_type=column.type,
        transform=transform,
        default=column.default,
    )


def _column(field: Field, table: Table | None) -> Column | None:
    return None if table is None else table.columns.get(field.name)


def _unknown(field: Field) -> ResolvedField:
    # Perhaps a computed field; and Postgres names a missing column better than we could.
    return ResolvedField(name=field.name, json_path=field.json_path, to_jsonb=True)
