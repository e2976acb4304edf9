"""From the rows of the catalog queries to the schema cache."""

from collections.abc import Sequence

from tailrace.engine.config.config import Config
from tailrace.engine.schema_cache.cache import SchemaCache
from tailrace.engine.schema_cache.catalog import first_result
from tailrace.engine.schema_cache.catalog_computed import read_computed_relationships
from tailrace.engine.schema_cache.catalog_key import Keys
from tailrace.engine.schema_cache.catalog_media_handler import read_media_handlers
from tailrace.engine.schema_cache.catalog_relation import Relations
from tailrace.engine.schema_cache.catalog_representation import read_representations
from tailrace.engine.schema_cache.catalog_routine import read_routines
from tailrace.engine.schema_cache.catalog_view import PackedViews
from tailrace.engine.schema_cache.derive import Derivation
from tailrace.engine.schema_cache.relationship_map import RelationshipMap
from tailrace.engine.schema_cache.tables import Tables
from tailrace.engine.schema_cache.view_key import ViewKeys
from tailrace.engine.statement import Rows


def build_schema_cache(rows: Sequence[Rows], config: Config) -> SchemaCache:
    """Build the cache from the results of `catalog_statements`, one for each statement."""
    first = first_result(config)
    relation_rows, key_rows, view_rows, computed, routines, representations, handlers = rows[first : first + 7]
    relations, keys = Relations(relation_rows), Keys(key_rows)
    view_keys = ViewKeys(PackedViews(view_rows), is_exposed=relations.is_inside)
    derivation = Derivation(relations, keys, view_keys)
    schemas = frozenset(config.db_schemas)
    return SchemaCache(
        tables=Tables(derivation),
        relationships=RelationshipMap(derivation, read_computed_relationships(computed), schemas),
        routines=read_routines(routines),
        representations=read_representations(representations),
        media_handlers=read_media_handlers(handlers),
    )
