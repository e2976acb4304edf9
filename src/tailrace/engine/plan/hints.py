"""What an error suggests: the name that was probably meant, or a way to tell candidates apart."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from tailrace.engine.errors import JsonValue
from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.schema_cache import fuzzy
from tailrace.engine.schema_cache.relationship import (
    Cardinality,
    ComputedRelationship,
    ManyToMany,
    ManyToOne,
    OneToOne,
    Relationship,
)
from tailrace.engine.schema_cache.routine import Routine

MINIMUM_OF_NAMES = 0.75
"""How alike a table's or function's name must be: names of others are not for guessing."""
MINIMUM_OF_PARAMETERS = 0.33
TOO_MANY_TABLES = 500
"""In a schema of so many tables, none is suggested: the search would cost too much."""
TOO_MANY_NAMES = 2000
"""The same for functions and origins of embeddings, where PostgREST knows no bound: 2000 take 40 ms."""


def suggest_table(
    table: QualifiedName, tables: Iterable[QualifiedName], *, memo: fuzzy.FuzzyMemo | None = None
) -> str | None:
    """The table of the same schema whose name is closest; `memo` is that of these tables."""

    def names() -> list[str]:
        return _take((known.name for known in tables if known.schema == table.schema), TOO_MANY_TABLES)

    closest = (memo or fuzzy.FuzzyMemo()).find(table.schema, names).closest(table.name, MINIMUM_OF_NAMES)
    return None if closest is None else f"Perhaps you meant the table '{table.schema}.{closest}'"


def _take(names: Iterable[str], too_many: int) -> list[str]:
    """All of the names, or none if there are too many to search."""
    taken = list(islice(names, too_many))
    return taken if len(taken) < too_many else []


def suggest_relationship(
    origin: str,
    target: str,
    *,
    schema: str,
    relationships: Mapping[tuple[QualifiedName, str], Sequence[Relationship]],
) -> str | None:
    """Another origin if this one has no relationships, else another target of this one."""
    known = relationships.get((QualifiedName(schema, origin), schema))
    if known is None:
        origins = _take((relation.name for relation, foreign in relationships if foreign == schema), TOO_MANY_NAMES)
        closest = fuzzy.closest(origins, origin, MINIMUM_OF_PARAMETERS)
        return None if closest is None else f"Perhaps you meant '{closest}' instead of '{origin}'."
    # The very name that was given is no suggestion: then the hint in the request is what is wrong.
    alike = fuzzy.matches([relationship.foreign_table.name for relationship in known], target)
    closest = next((name for score, name in alike if score < 1.0), None)
    return None if closest is None else f"Perhaps you meant '{closest}' instead of '{target}'."


def suggest_disambiguation(relationships: Iterable[Relationship]) -> str:
    """What to write in `select` to mean one of them."""
    return ", ".join(_disambiguated(relationship) for relationship in relationships)


def _disambiguated(relationship: Relationship) -> str:
    if isinstance(relationship, ComputedRelationship):
        return ""
    cardinality = relationship.cardinality
    hint = cardinality.junction.name if isinstance(cardinality, ManyToMany) else cardinality.constraint
    return f"'{relationship.foreign_table.name}!{hint}'"


def describe_relationship(relationship: Relationship) -> JsonValue:
    """One candidate in the details of AmbiguousRelationship."""
    if isinstance(relationship, ComputedRelationship):
        return {}
    table, foreign = relationship.table.name, relationship.foreign_table.name
    cardinality = relationship.cardinality
    if isinstance(cardinality, ManyToMany):
        source = _listed(column for _, column in cardinality.source_columns)
        target = _listed(column for _, column in cardinality.target_columns)
        keys = f"{cardinality.constraint1}{source} and {cardinality.constraint2}{target}"
        described = f"{cardinality.junction.name} using {keys}"
    else:
        own = _listed(column for column, _ in cardinality.columns)
        referenced = _listed(column for _, column in cardinality.columns)
        described = f"{cardinality.constraint} using {table}{own} and {foreign}{referenced}"
    return {
        "embedding": f"{table} with {foreign}",
        "cardinality": _cardinality_name(cardinality),
        "relationship": described,
    }


def _cardinality_name(cardinality: Cardinality) -> str:
    if isinstance(cardinality, ManyToMany):
        return "many-to-many"
    if isinstance(cardinality, ManyToOne):
        return "many-to-one"
    return "one-to-one" if isinstance(cardinality, OneToOne) else "one-to-many"


def _listed(names: Iterable[str]) -> str:
    return f"({', '.join(names)})"


def suggest_function(
    function: QualifiedName, arguments: Iterable[str], routines: Mapping[QualifiedName, Sequence[Routine]]
) -> str | None:
    """The function of the closest name; for a name that exists, the overload of the closest parameters."""
    overloads = routines.get(function, ())
    if overloads:
        candidates = [_sorted_list(parameter.name for parameter in routine.parameters) for routine in overloads]
        closest = fuzzy.closest(candidates, _sorted_list(arguments), MINIMUM_OF_PARAMETERS)
        meant = None if closest is None else f"{function.name}{closest}"
    else:
        names = _take((known.name for known in routines if known.schema == function.schema), TOO_MANY_NAMES)
        meant = fuzzy.closest(names, function.name, MINIMUM_OF_NAMES)
    return None if meant is None else f"Perhaps you meant to call the function {function.schema}.{meant}"


def _sorted_list(names: Iterable[str]) -> str:
    return _listed(sorted(names))
