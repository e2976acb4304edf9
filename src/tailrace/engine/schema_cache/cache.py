"""The schema cache: one immutable snapshot of the catalog."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.media_type import MediaType
from tailrace.engine.schema_cache.fuzzy import FuzzyMemo
from tailrace.engine.schema_cache.media_handler import ResolvedHandler
from tailrace.engine.schema_cache.relationship import Relationship
from tailrace.engine.schema_cache.routine import Routine
from tailrace.engine.schema_cache.table import Table


@dataclass(frozen=True, slots=True)
class SchemaCache:
    """Everything the stages may know of the database; a reload swaps it whole."""

    tables: Mapping[QualifiedName, Table]
    relationships: Mapping[tuple[QualifiedName, str], tuple[Relationship, ...]]
    """By (relation, schema of the foreign relation)."""
    routines: Mapping[QualifiedName, tuple[Routine, ...]]
    """Overloads stand in the order in which they are tried."""
    representations: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Domain representations: (source type, target type) to the quoted name of the cast's function."""
    media_handlers: Mapping[tuple[QualifiedName | None, MediaType], ResolvedHandler] = field(default_factory=dict)
    """By (relation or None for any, media type asked for)."""
    table_names: FuzzyMemo = field(default_factory=FuzzyMemo, compare=False)
    """For suggestions."""
