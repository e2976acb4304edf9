"""Functions that can be called, as the schema cache knows them."""

from dataclasses import dataclass
from enum import Enum

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.statement import IsolationLevel


class Volatility(Enum):
    IMMUTABLE = "i"
    STABLE = "s"
    VOLATILE = "v"


@dataclass(frozen=True, slots=True)
class RoutineParameter:
    name: str
    """Empty for the one unnamed parameter that takes the whole body."""
    type: str
    type_max_length: str
    """The type to cast to: like `type`, but of no limited length (`character varying` for `character`)."""
    required: bool
    variadic: bool


@dataclass(frozen=True, slots=True)
class ReturnType:
    name: QualifiedName
    """The type's name, or the relation's whose rows are returned."""
    is_set: bool
    is_composite: bool
    is_composite_alias: bool = False
    """A domain over a composite type."""


@dataclass(frozen=True, slots=True)
class Routine:
    schema: str
    name: str
    description: str | None
    parameters: tuple[RoutineParameter, ...]
    return_type: ReturnType
    volatility: Volatility
    has_variadic: bool
    isolation: IsolationLevel | None
    settings: tuple[tuple[str, str], ...]
    """Settings of the function that db-hoisted-tx-settings lifts to the transaction."""
    oid: int = 0
    """Of the function in the catalog, by which rights are asked for."""

    @property
    def returns_single(self) -> bool:
        return not self.return_type.is_set

    @property
    def returns_scalar(self) -> bool:
        return not self.return_type.is_set and not self.return_type.is_composite

    @property
    def returns_set_of_scalar(self) -> bool:
        return self.return_type.is_set and not self.return_type.is_composite

    @property
    def returns_single_composite(self) -> bool:
        return not self.return_type.is_set and self.return_type.is_composite

    @property
    def returns_void(self) -> bool:
        return not self.return_type.is_set and self.return_type.name == ("pg_catalog", "void")

    @property
    def table_name(self) -> str | None:
        """The relation whose rows it returns, if it returns rows."""
        return self.return_type.name.name if self.return_type.is_composite else None
