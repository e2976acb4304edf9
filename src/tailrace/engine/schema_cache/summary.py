"""How many things of each kind a schema cache knows, as the log tells it."""

from tailrace.engine.schema_cache.cache import SchemaCache


def summarize(cache: SchemaCache) -> str:
    """The line that follows a load; functions of one name count once, relationships once for each pair of keys."""
    return ", ".join(
        (
            f"{len(cache.tables)} Relations",
            f"{len(cache.relationships)} Relationships",
            f"{len(cache.routines)} RPCs",
            f"{len(cache.representations)} Domain Representations",
            f"{len(cache.media_handlers)} Media Type Handlers",
        )
    )
