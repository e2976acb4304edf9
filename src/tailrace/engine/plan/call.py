"""Plans the call of a function.

Source: PostgREST docs, references/api/functions.
"""

from collections.abc import Iterable

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.media_type import URL_ENCODED
from tailrace.engine.plan.call_plan import (
    CallPlan,
    DirectArguments,
    JsonArguments,
    NamedParameters,
    OnePositionalParameter,
)
from tailrace.engine.plan.read_plan import ReadPlan
from tailrace.engine.plan.returning import filtered_columns, needed_columns
from tailrace.engine.plan.routine_search import Arguments
from tailrace.engine.request.api_request import ApiRequest, CallRoutine, Invocation
from tailrace.engine.request.filter import Operand
from tailrace.engine.request.payload import FormPayload
from tailrace.engine.schema_cache.routine import Routine, Volatility


def invocation_of(request: ApiRequest) -> Invocation:
    """How the function is called; OPTIONS looks for the function as GET would."""
    return request.action.invocation if isinstance(request.action, CallRoutine) else Invocation.GET


def arguments_of(request: ApiRequest) -> Arguments:
    """Names of the arguments in the query string (GET and HEAD) or in the body (POST)."""
    in_body = invocation_of(request) is Invocation.POST
    names = request.columns if in_body else frozenset(name for name, _ in request.query.parameters)
    return Arguments(names, request.content_type, in_body)


def plan_call(routine: Routine, request: ApiRequest, *, given: frozenset[str], read: ReadPlan) -> CallPlan:
    """The call of `routine` with the `given` arguments, returning what `read` needs."""
    return CallPlan(
        function=QualifiedName(routine.schema, routine.name),
        parameters=_parameters(routine, given),
        arguments=_arguments(routine, request),
        is_scalar=routine.returns_scalar,
        is_set_of_scalar=routine.returns_set_of_scalar,
        filter_fields=filtered_columns(read),
        returning=needed_columns(read),
    )


def is_read_only(routine: Routine, invocation: Invocation) -> bool:
    """GET and HEAD never write, POST only if the function is volatile."""
    return invocation is not Invocation.POST or routine.volatility is not Volatility.VOLATILE


def _parameters(routine: Routine, given: frozenset[str]) -> NamedParameters | OnePositionalParameter:
    parameters = routine.parameters
    if len(parameters) == 1 and not parameters[0].name:
        return OnePositionalParameter(parameters[0])
    return NamedParameters(tuple([parameter for parameter in parameters if parameter.name in given]))


def _arguments(routine: Routine, request: ApiRequest) -> DirectArguments | JsonArguments:
    if invocation_of(request) is not Invocation.POST:
        return _direct(routine, request.query.parameters)
    if request.content_type != URL_ENCODED:
        return JsonArguments()
    form = request.payload.parameters if isinstance(request.payload, FormPayload) else ()
    return _direct(routine, [(name, Operand(text)) for name, text in form])


def _direct(routine: Routine, given: Iterable[tuple[str, Operand]]) -> DirectArguments:
    """Repeated arguments add up for a variadic parameter; of any other the last one counts."""
    variadic = {parameter.name for parameter in routine.parameters if parameter.variadic}
    values: dict[str, Operand | tuple[Operand, ...]] = {}
    for name, operand in given:
        if name in variadic:
            before = values.get(name, ())
            values[name] = (*before, operand) if isinstance(before, tuple) else (operand,)
        else:
            values[name] = operand
    return DirectArguments(tuple(values.items()))
