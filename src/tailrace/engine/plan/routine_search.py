"""Finds the function that a call means among the overloads of its name.

Source: PostgREST docs, references/api/functions (overloaded functions, functions
with a single unnamed parameter).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tailrace.engine.errors import AmbiguousFunction, NoFunction
from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.media_type import JSON, OCTET_STREAM, PLAIN, XML, MediaType
from tailrace.engine.plan.hints import suggest_function
from tailrace.engine.schema_cache.routine import Routine

Routines = Mapping[QualifiedName, tuple[Routine, ...]]


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a call brings along: names, and of what media type the body is."""

    names: frozenset[str]
    content_type: MediaType
    in_body: bool
    """A POST: the body may be one argument for an unnamed parameter."""

    @property
    def unnamed_types(self) -> tuple[str, ...]:
        """Types of an unnamed parameter that would take the body."""
        if not self.in_body:
            return ()
        if self.content_type == JSON:
            return ("json", "jsonb")
        return self.raw_types

    @property
    def raw_types(self) -> tuple[str, ...]:
        """The same for bodies that have no named arguments at all."""
        if not self.in_body:
            return ()
        if self.content_type == PLAIN:
            return ("text",)
        if self.content_type == XML:
            return ("xml",)
        return ("bytea",) if self.content_type == OCTET_STREAM else ()


def find_routine(function: QualifiedName, arguments: Arguments, routines: Routines) -> Routine:
    """The overload whose parameters the arguments fit; else the one that takes the whole body.

    Errors: NoFunction (PGRST202), AmbiguousFunction (PGRST203).
    """
    overloads = routines.get(function, ())
    fitting = [routine for routine in overloads if _fits(routine, arguments)]
    if not fitting:
        fitting = [routine for routine in overloads if _takes_body(routine, arguments)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise AmbiguousFunction([_signature(routine) for routine in fitting])
    raise _no_function(function, arguments, routines)


def _fits(routine: Routine, arguments: Arguments) -> bool:
    if not routine.parameters:
        return not arguments.names and not arguments.raw_types
    required = {parameter.name for parameter in routine.parameters if parameter.required}
    optional = {parameter.name for parameter in routine.parameters if not parameter.required}
    return arguments.names - optional == required


def _takes_body(routine: Routine, arguments: Arguments) -> bool:
    if len(routine.parameters) != 1:
        return False
    parameter = routine.parameters[0]
    return not parameter.name and parameter.type in arguments.unnamed_types


def _signature(routine: Routine) -> str:
    parameters = ", ".join(f"{parameter.name} => {parameter.type}" for parameter in routine.parameters)
    return f"{routine.schema}.{routine.name}({parameters})"


def _no_function(function: QualifiedName, arguments: Arguments, routines: Routines) -> NoFunction:
    names = sorted(arguments.names)
    listed = ", ".join(names)
    raw = arguments.raw_types
    in_message = "" if raw else f"({listed})" if names else " without parameters"
    in_details = f" with parameter{'s' if len(names) > 1 else ''} {listed}" if names else " without parameters"
    if raw:
        in_details = f" with a single unnamed {raw[0]} parameter"
    elif arguments.unnamed_types:
        in_details += " or with a single unnamed json/jsonb parameter"
    return NoFunction(
        f"Could not find the function {function}{in_message} in the schema cache",
        details=f"Searched for the function {function}{in_details}, but no matches were found in the schema cache.",
        hint=None if raw else suggest_function(function, names, routines),
    )
