"""What a role may see of a schema, as the database answered."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tailrace.engine.response.openapi.fragment import OpenApiFragments, RoutineFragment, TableFragment
from tailrace.engine.schema_cache.inventory import Inventory
from tailrace.engine.statement import Rows

GRANTED = ord("1")


class Rights(NamedTuple):
    """Digits for the relations and functions of an inventory, 1 where there is a right; the schema's comment."""

    tables: bytes
    routines: bytes
    description: bytes | None


def decode_rights(rows: Rows) -> Rights:
    """From the row of `sql.openapi.rights_statement` or `schema_description_statement`."""
    return Rights(rows.get_value(0, 0) or b"", rows.get_value(0, 1) or b"", rows.get_value(0, 2))


def visible_tables(rights: Rights, inventory: Inventory, fragments: OpenApiFragments) -> list[TableFragment]:
    granted = zip(inventory.tables, rights.tables, strict=True)
    return fragments.tables(name for name, right in granted if right == GRANTED)


def visible_routines(
    rights: Rights, inventory: Inventory, described: Mapping[int, RoutineFragment]
) -> list[RoutineFragment]:
    """A function that is gone has no description."""
    granted = zip(inventory.routines, rights.routines, strict=True)
    return [described[oid] for oid, right in granted if right == GRANTED and oid in described]


def documents_of(rows: Rows) -> Iterable[bytes]:
    """The JSON of the functions, from the rows of `sql.openapi.routines_statement`."""
    return (value for row in range(rows.ntuples) if (value := rows.get_value(row, 0)) is not None)
