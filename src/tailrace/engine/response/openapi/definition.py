"""The `definitions` of a document: what a row of each relation looks like."""

from collections.abc import Iterable, Mapping

from tailrace.engine.response.openapi.swagger_type import Object, default_value, typed
from tailrace.engine.schema_cache.relationship import ForeignKeyRelationship, ManyToOne, OneToOne, Relationship
from tailrace.engine.schema_cache.table import Column, Table


def table_definition(table: Table, relationships: Iterable[Relationship]) -> Object:
    """The JSON schema of a relation's rows; `relationships` are those with relations of its own schema."""
    references = foreign_key_targets(relationships)
    definition: Object = {"type": "object"}
    if table.description is not None:
        definition["description"] = table.description
    if table.columns:
        definition["properties"] = {
            name: _property(column, table, references) for name, column in table.columns.items()
        }
    if required := [name for name, column in table.columns.items() if not column.nullable]:
        definition["required"] = required
    return definition


def foreign_key_targets(relationships: Iterable[Relationship]) -> dict[str, tuple[str, str]]:
    """Column to (relation, column) that it refers to alone; a table is preferred to a view of it."""
    targets: dict[str, tuple[str, str]] = {}
    detected = [relationship for relationship in relationships if isinstance(relationship, ForeignKeyRelationship)]
    for relationship in sorted(detected, key=lambda relationship: relationship.foreign_table_is_view):
        match relationship.cardinality:
            case ManyToOne(_, ((own, foreign),)) | OneToOne(_, ((own, foreign),), False):
                targets.setdefault(own, (relationship.foreign_table.name, foreign))
    return targets


def _property(column: Column, table: Table, references: Mapping[str, tuple[str, str]]) -> Object:
    described = typed(column.type)
    default = default_value(column.type, column.default)
    if default is not None:
        described["default"] = default
    description = _description(column, column.name in table.primary_key, references.get(column.name))
    if description is not None:
        described["description"] = description
    if column.enum:
        described["enum"] = column.enum
    if column.max_length is not None:
        described["maxLength"] = column.max_length
    return described


def _description(column: Column, is_key: bool, reference: tuple[str, str] | None) -> str | None:
    notes = []
    if is_key:
        notes.append("This is a Primary Key.<pk/>")
    if reference:
        relation, foreign = reference
        notes.append(f"This is a Foreign Key to `{relation}.{foreign}`.<fk table='{relation}' column='{foreign}'/>")
    if not notes:
        return column.description
    before = "" if column.description is None else f"{column.description}\n\n"
    return before + "\n".join(["Note:", *notes])
