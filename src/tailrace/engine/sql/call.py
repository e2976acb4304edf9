"""The call of a function.

Source: PostgREST docs, references/api/functions.
"""

import json
from functools import partial

from tailrace.engine.identifiers import quote_identifier
from tailrace.engine.plan.call_plan import CallPlan, DirectArguments, NamedParameters, OnePositionalParameter
from tailrace.engine.plan.read_plan import ResolvedField
from tailrace.engine.request.filter import Operand
from tailrace.engine.request.payload import FormPayload, Payload
from tailrace.engine.schema_cache.routine import RoutineParameter
from tailrace.engine.sql.field import column
from tailrace.engine.sql.fragment import Parameter, Source, SqlWriter, encode_text
from tailrace.engine.sql.json_body import json_body, write_body_relation
from tailrace.engine.sql.operand import write_operand


def write_call(sql: SqlWriter, plan: CallPlan, payload: Payload | None) -> None:
    """Write the query whose rows are the function's result, or have it in the column pgrst_scalar."""
    sql.write(f"SELECT {result_columns(plan)} FROM ")
    parameters = plan.parameters
    if isinstance(parameters, OnePositionalParameter):
        write_opening(sql, plan)
        write_only_argument(sql, parameters.parameter, plan, payload)
    elif not parameters.parameters:
        write_opening(sql, plan)
    elif isinstance(plan.arguments, DirectArguments):
        write_opening(sql, plan)
        write_direct_arguments(sql, parameters, plan.arguments)
    else:
        write_json_arguments(sql, parameters, payload)
        write_opening(sql, plan)
        sql.write(", ".join([json_argument(parameter) for parameter in parameters.parameters]))
    sql.write(") pgrst_scalar) pgrst_call" if returns_scalars(plan) else ") pgrst_call")


def returns_scalars(plan: CallPlan) -> bool:
    return plan.is_scalar or plan.is_set_of_scalar


def result_columns(plan: CallPlan) -> str:
    """The selected columns and those that are filtered by; all of them where that is not known."""
    if returns_scalars(plan):
        return "pgrst_call.pgrst_scalar"
    if not plan.returning:
        return "*"
    everything = frozenset("*")
    names = everything if plan.returning == everything else plan.returning | plan.filter_fields
    return ", ".join([column('"pgrst_call"', name) for name in sorted(names)])


def write_opening(sql: SqlWriter, plan: CallPlan) -> None:
    sql.write(f"(SELECT {plan.function.quoted}(" if returns_scalars(plan) else f"{plan.function.quoted}(")


def write_only_argument(sql: SqlWriter, parameter: RoutineParameter, plan: CallPlan, payload: Payload | None) -> None:
    """Write the whole body as the argument of an unnamed parameter."""
    if isinstance(plan.arguments, DirectArguments):
        sql.bind(json_of(plan.arguments))
        sql.write("::" + parameter.type)
        return
    raw = None if payload is None or isinstance(payload, FormPayload) else payload.raw
    if parameter.type == "bytea":
        value = None if raw is None else encode_bytea(raw)
        sql.bind(Parameter(value, Source.BODY, encode_body=encode_bytea))
    else:
        sql.bind(Parameter(raw, Source.BODY))
    sql.write("::" + parameter.type)


def json_of(arguments: DirectArguments) -> Parameter:
    """Named arguments as one JSON object; they can be told apart again only if there is a single one."""
    match arguments.values:
        case ((name, Operand() as operand),):
            encode = partial(encode_object, name)
            return Parameter(encode(operand.text), Source.OPERAND, operand.position, encode)
        case values:
            texts = {
                key: value.text if isinstance(value, Operand) else [v.text for v in value] for key, value in values
            }
            return Parameter(encode_text(json.dumps(texts)), Source.OPERAND)


def encode_object(name: str, text: str) -> bytes:
    return encode_text(json.dumps({name: text}))


def encode_bytea(raw: bytes) -> bytes:
    return b"\\x" + raw.hex().encode()


def write_direct_arguments(sql: SqlWriter, parameters: NamedParameters, arguments: DirectArguments) -> None:
    values = dict(arguments.values)
    separator = ""
    for parameter in parameters.parameters:
        sql.write(separator + argument_name(parameter))
        write_argument(sql, values.get(parameter.name))
        sql.write("::" + parameter.type_max_length)
        separator = ", "


def write_argument(sql: SqlWriter, value: Operand | tuple[Operand, ...] | None) -> None:
    if value is None:
        sql.write("NULL")
    elif isinstance(value, Operand):
        write_operand(sql, value)
    else:
        separator = "ARRAY["
        for operand in value:
            sql.write(separator)
            write_operand(sql, operand)
            separator = ", "
        sql.write("]::text[]")


def argument_name(parameter: RoutineParameter) -> str:
    return f"{'VARIADIC ' if parameter.variadic else ''}{quote_identifier(parameter.name)} := "


def write_json_arguments(sql: SqlWriter, parameters: NamedParameters, payload: Payload | None) -> None:
    """Write the relation that has the arguments as columns: those of the first object, if there are several."""
    fields = tuple([ResolvedField(p.name, type=p.type_max_length) for p in parameters.parameters])
    write_body_relation(sql, json_body(payload, only_first=True), fields=fields, apply_defaults=False)
    sql.write(", LATERAL ")


def json_argument(parameter: RoutineParameter) -> str:
    return f"{argument_name(parameter)}pgrst_body.{quote_identifier(parameter.name)}"
