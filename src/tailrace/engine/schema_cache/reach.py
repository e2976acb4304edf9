"""Which relations have relationships to which schemas, found without deriving the relationships."""

from collections.abc import Callable, Iterable, Sequence

from tailrace.engine.schema_cache.catalog_key import ForeignKey, Side
from tailrace.engine.schema_cache.derive import Derivation, far_side, near_side

Reach = dict[str, set[int]]
"""By the schema of the foreign relation: the exposed relations, also those that lead to no exposed one."""

Showing = Callable[[Side], Sequence[int]]


def find_reach(derivation: Derivation) -> Reach:
    """The reach of all relations in one pass over the foreign keys."""
    keys, schema_of = derivation.keys, derivation.relations.schema
    showing = derivation.view_keys.showing
    reach: Reach = {}
    junctions: dict[int, list[ForeignKey]] = {}
    for key in keys.all_foreign():
        near, far = (key.side.relation, *showing(key.side)), (key.foreign.relation, *showing(key.foreign))
        for schema in set(map(schema_of, far)):
            _add(reach, schema, near, derivation)
        for schema in set(map(schema_of, near)):
            _add(reach, schema, far, derivation)
        if keys.is_in_primary_key(key) and not keys.is_one_to_one(key):
            for junction in near:
                junctions.setdefault(junction, []).append(key)
    for junction, candidates in junctions.items():
        if len(candidates) > 1:
            for source, target in _crossings(derivation, junction, candidates):
                near = (source.foreign.relation, *showing(source.foreign))
                for oid in (target.foreign.relation, *showing(target.foreign)):
                    _add(reach, schema_of(oid), near, derivation)
    return reach


def _add(reach: Reach, schema: str, relations: Iterable[int], derivation: Derivation) -> None:
    found = reach.get(schema)
    if found is None:
        found = reach[schema] = set()
    found.update(filter(derivation.relations.is_inside, relations))


def foreign_relations(derivation: Derivation, relation: int) -> set[int]:
    """All that one relation has relationships to."""
    showing = derivation.view_keys.showing
    found: set[int] = set()
    for key in derivation.keys_at(relation, near_side):
        found.update((key.foreign.relation, *showing(key.foreign)))
    for key in derivation.keys_at(relation, far_side):
        near = (key.side.relation, *showing(key.side))
        found.update(near)
        for junction in near:
            for source, target in _crossings(derivation, junction, derivation.keys_at(junction, near_side)):
                if source == key:
                    found.update((target.foreign.relation, *showing(target.foreign)))
    return found


def _crossings(
    derivation: Derivation, junction: int, candidates: Iterable[ForeignKey]
) -> list[tuple[ForeignKey, ForeignKey]]:
    """Pairs of many-to-one keys whose columns lie within the junction's primary key."""
    keys, view_keys = derivation.keys, derivation.view_keys
    own = keys.primary(junction)
    primary = derivation.view_primary_key(junction) if own is None else own.columns
    sides = []
    for key in candidates:
        if not keys.is_one_to_one(key):
            is_table = junction == key.side.relation
            choices = [key.side.columns] if is_table else view_keys.choices(junction, key.side)
            if any(all(column in primary for column in choice) for choice in choices):
                sides.append(key)
    return [(source, target) for source in sides for target in sides if source.constraint != target.constraint]
