"""The plan of a write."""

from dataclasses import dataclass

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.plan.read_plan import Condition, ResolvedField
from tailrace.engine.request.preferences import Resolution

# Bodies are not part of a plan: the renderer is given the request's payload.


@dataclass(frozen=True, slots=True)
class Insert:
    target: QualifiedName
    columns: tuple[ResolvedField, ...]
    on_conflict: tuple[Resolution, tuple[str, ...]] | None
    put_conditions: tuple[Condition, ...]
    """The key that a PUT's URL names; empty for POST."""
    returning: tuple[str, ...]
    primary_key: tuple[str, ...]
    apply_defaults: bool


@dataclass(frozen=True, slots=True)
class Update:
    target: QualifiedName
    columns: tuple[ResolvedField, ...]
    where: tuple[Condition, ...]
    returning: tuple[str, ...]
    apply_defaults: bool


@dataclass(frozen=True, slots=True)
class Delete:
    target: QualifiedName
    where: tuple[Condition, ...]
    returning: tuple[str, ...]


MutatePlan = Insert | Update | Delete
