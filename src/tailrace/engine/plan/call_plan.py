"""The plan of a function call."""

from dataclasses import dataclass

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.request.filter import Operand
from tailrace.engine.schema_cache.routine import RoutineParameter


@dataclass(frozen=True, slots=True)
class DirectArguments:
    """Arguments by name, from the query string or a form; a tuple for a variadic one."""

    values: tuple[tuple[str, Operand | tuple[Operand, ...]], ...]


@dataclass(frozen=True, slots=True)
class JsonArguments:
    """Arguments from the JSON (or raw) payload."""


@dataclass(frozen=True, slots=True)
class NamedParameters:
    parameters: tuple[RoutineParameter, ...]


@dataclass(frozen=True, slots=True)
class OnePositionalParameter:
    parameter: RoutineParameter


@dataclass(frozen=True, slots=True)
class CallPlan:
    function: QualifiedName
    parameters: NamedParameters | OnePositionalParameter
    arguments: DirectArguments | JsonArguments
    is_scalar: bool
    is_set_of_scalar: bool
    filter_fields: frozenset[str]
    returning: frozenset[str]
