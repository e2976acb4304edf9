"""Which columns a mutation or call must return so that the read above it finds what it needs."""

from collections.abc import Iterable

from tailrace.engine.plan.read_plan import Condition, NullEmbedFilter, ReadPlan, ResolvedLogic
from tailrace.engine.schema_cache.relationship import ComputedRelationship, ManyToMany

EVERYTHING = frozenset(("*",))


def needed_columns(read: ReadPlan, primary_key: Iterable[str] = ()) -> frozenset[str]:
    """The selected columns, those that embeddings join on, and the primary key (for Location).

    A star stands alone, since nothing may be returned twice. A computed
    relationship takes the whole row.
    """
    names = {item.field.name for item in read.select}
    if "*" in names:
        return EVERYTHING
    for embedding in read.embeddings:
        relationship = embedding.relationship
        if isinstance(relationship, ComputedRelationship):
            return EVERYTHING
        if relationship is not None:
            cardinality = relationship.cardinality
            columns = cardinality.source_columns if isinstance(cardinality, ManyToMany) else cardinality.columns
            names.update([column for column, _ in columns])
    names.update(primary_key)
    return frozenset(names)


def filtered_columns(read: ReadPlan) -> frozenset[str]:
    """Names that the filters of all levels mention."""
    names: set[str] = set()
    _collect(read, names)
    return frozenset(names)


def _collect(read: ReadPlan, names: set[str]) -> None:
    for condition in read.where:
        _collect_names(condition, names)
    for embedding in read.embeddings:
        _collect(embedding, names)


def _collect_names(condition: Condition, names: set[str]) -> None:
    if isinstance(condition, ResolvedLogic):
        for child in condition.children:
            _collect_names(child, names)
    elif isinstance(condition, NullEmbedFilter):
        names.add(condition.alias)
    else:
        names.add(condition.field.name)
