"""From the rows of the catalog queries to the schema cache."""

from collections.abc import Sequence

from tailrace.engine.config.config import Config
from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.schema_cache.cache import SchemaCache
from tailrace.engine.schema_cache.catalog import first_result
from tailrace.engine.schema_cache.catalog_computed import read_computed_relationships
from tailrace.engine.schema_cache.catalog_key import read_keys, table_primary_keys
from tailrace.engine.schema_cache.catalog_media_handler import read_media_handlers
from tailrace.engine.schema_cache.catalog_relation import Tables
from tailrace.engine.schema_cache.catalog_representation import read_representations
from tailrace.engine.schema_cache.catalog_routine import read_routines
from tailrace.engine.schema_cache.catalog_view import read_views
from tailrace.engine.schema_cache.derive import derive_relationships
from tailrace.engine.schema_cache.relationship_map import map_relationships
from tailrace.engine.schema_cache.routine import Routine
from tailrace.engine.schema_cache.text_format import text
from tailrace.engine.schema_cache.view_key import find_view_keys, view_primary_keys
from tailrace.engine.statement import Rows


def build_schema_cache(rows: Sequence[Rows], config: Config) -> SchemaCache:
    """Build the cache from the results of `catalog_statements`, one for each statement."""
    first = first_result(config)
    relations, key_rows, view_rows, computed, routines, representations, handlers = rows[first : first + 7]
    schemas = frozenset(config.db_schemas)
    keys = read_keys(key_rows)
    view_keys = find_view_keys(read_views(view_rows), keys, config.db_schemas)
    primary_keys = table_primary_keys(keys) | view_primary_keys(view_keys)
    relationships = derive_relationships(keys, view_keys, primary_keys=primary_keys, schemas=schemas)
    return SchemaCache(
        tables=Tables(relations, primary_keys),
        relationships=map_relationships(relationships, read_computed_relationships(computed), schemas),
        routines=read_routines(routines),
        representations=read_representations(representations),
        media_handlers=read_media_handlers(handlers),
    )


def decode_accessible_tables(rows: Rows) -> frozenset[QualifiedName]:
    """The relations that the role may use, from the first of `sql.openapi.inspection_statements`."""
    return frozenset(QualifiedName(text(rows, row, 0), text(rows, row, 1)) for row in range(rows.ntuples))


def decode_routines(rows: Rows) -> dict[QualifiedName, tuple[Routine, ...]]:
    """The functions that the role may call, from the second of `sql.openapi.inspection_statements`."""
    return read_routines(rows)


def decode_schema_description(rows: Rows) -> str | None:
    """The schema's comment, from the last of `sql.openapi.inspection_statements`."""
    description = rows.get_value(0, 0) if rows.ntuples else None
    return None if description is None else description.decode()
