"""Plans made by hand, for tests of what renders them: a zoo with keepers, animals and visits."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.media_type import JSON, MediaType
from tailrace.engine.plan.action_plan import RelationMutation, RelationRead, RoutineCall
from tailrace.engine.plan.call_plan import CallPlan, DirectArguments, JsonArguments, NamedParameters
from tailrace.engine.plan.mutate_plan import Delete, Insert, MutatePlan, Update
from tailrace.engine.plan.read_plan import (
    EmbedMode,
    JoinCondition,
    JsonEmbed,
    ReadPlan,
    ResolvedField,
    ResolvedFilter,
    ResolvedSelect,
)
from tailrace.engine.request.api_request import Invocation, Mutation
from tailrace.engine.request.filter import Operand, Operation, Quantifiable, QuantifiableOperator
from tailrace.engine.request.payload import JsonPayload
from tailrace.engine.request.preferences import Preferences
from tailrace.engine.request.select import JoinType
from tailrace.engine.schema_cache.media_handler import Builtin, MediaHandler
from tailrace.engine.schema_cache.relationship import ForeignKeyRelationship, ManyToOne, OneToMany
from tailrace.engine.schema_cache.routine import ReturnType, Routine, RoutineParameter, Volatility
from tailrace.engine.sql.main import MainInputs, Rendered, render_main

ANIMALS = QualifiedName("zoo", "animals")
KEEPERS = QualifiedName("zoo", "keepers")
SOURCE = QualifiedName("", "pgrst_source")
INTEGER = "integer"


def select(*names: str) -> tuple[ResolvedSelect, ...]:
    return tuple(ResolvedSelect(ResolvedField(name)) for name in names)


def typed(name: str, type: str, **more: Any) -> ResolvedField:
    return ResolvedField(name, type=type, base_type=type, **more)


def equals(name: str, text: str, position: tuple[int, int] = (0, 0)) -> ResolvedFilter:
    return where(name, Quantifiable(QuantifiableOperator.EQUAL, None, Operand(text, position)))


def where(name: str, operation: Operation, *, negated: bool = False, **field: Any) -> ResolvedFilter:
    return ResolvedFilter(ResolvedField(name, **field), negated, operation)


def animals(**more: Any) -> ReadPlan:
    return replace(ReadPlan(name="animals", source=ANIMALS), **more)


def keepers_of_animals(**more: Any) -> ReadPlan:
    """`/animals?select=...,keepers(...)`"""
    relationship = ForeignKeyRelationship(
        ANIMALS, KEEPERS, False, ManyToOne("animals_keeper_fkey", (("keeper_id", "id"),)), False, False
    )
    join = JoinCondition(QualifiedName("", "keepers_1"), "id", ANIMALS, "keeper_id")
    return replace(
        ReadPlan(
            name="keepers",
            source=KEEPERS,
            source_alias="keepers_1",
            relationship=relationship,
            join=(join,),
            aggregate_alias="animals_keepers_1",
            depth=1,
        ),
        **more,
    )


def animals_of_keepers(**more: Any) -> ReadPlan:
    """`/keepers?select=...,animals(...)`"""
    relationship = ForeignKeyRelationship(
        KEEPERS, ANIMALS, False, OneToMany("animals_keeper_fkey", (("id", "keeper_id"),)), False, False
    )
    join = JoinCondition(QualifiedName("", "animals_1"), "keeper_id", KEEPERS, "id")
    return replace(
        ReadPlan(
            name="animals",
            source=ANIMALS,
            source_alias="animals_1",
            relationship=relationship,
            join=(join,),
            aggregate_alias="keepers_animals_1",
            depth=1,
        ),
        **more,
    )


def animals_with_keeper(*, join_type: JoinType | None = None, **more: Any) -> ReadPlan:
    embedding = keepers_of_animals(select=select("name"), join_type=join_type)
    embed = JsonEmbed("keepers", "animals_keepers_1", EmbedMode.OBJECT, False)
    return replace(animals(select=select("name"), embeddings=(embedding,), embed_selects=(embed,)), **more)


def keepers_with_animals(*, join_type: JoinType | None = None, **more: Any) -> ReadPlan:
    embedding = animals_of_keepers(select=select("name"), join_type=join_type)
    embed = JsonEmbed("animals", "keepers_animals_1", EmbedMode.ARRAY, False)
    return replace(
        ReadPlan(
            name="keepers",
            source=KEEPERS,
            select=select("name"),
            embeddings=(embedding,),
            embed_selects=(embed,),
        ),
        **more,
    )


def reading(
    plan: ReadPlan, *, handler: MediaHandler = Builtin.JSON, media_type: MediaType = JSON, **inputs: Any
) -> Rendered:
    """Render a read."""
    read = RelationRead(plan.source, plan, handler, media_type, False)
    return render_main(read, replace(MainInputs(preferences=Preferences()), **inputs))


def inserting(columns: Iterable[ResolvedField], **more: Any) -> Insert:
    return replace(
        Insert(
            target=ANIMALS,
            columns=tuple(columns),
            on_conflict=None,
            put_conditions=(),
            returning=("id", "name"),
            primary_key=("id",),
            apply_defaults=False,
        ),
        **more,
    )


def updating(columns: Iterable[ResolvedField], **more: Any) -> Update:
    return replace(
        Update(target=ANIMALS, columns=tuple(columns), where=(), returning=("id",), apply_defaults=False), **more
    )


def deleting(**more: Any) -> Delete:
    return replace(Delete(target=ANIMALS, where=(), returning=()), **more)


def writing(plan: MutatePlan, body: bytes = b"", *, handler: MediaHandler = Builtin.JSON, **inputs: Any) -> Rendered:
    """Render a write whose representation are the columns that it returns."""
    read = ReadPlan(name="animals", source=SOURCE, source_alias="animals", select=select(*plan.returning))
    mutation = {Insert: Mutation.INSERT, Update: Mutation.UPDATE, Delete: Mutation.DELETE}[type(plan)]
    action = RelationMutation(ANIMALS, read, plan, handler, JSON, mutation)
    payload = JsonPayload(body, None) if body else None
    return render_main(action, replace(MainInputs(preferences=Preferences(), payload=payload), **inputs))


def parameter(name: str, type: str = INTEGER, **more: Any) -> RoutineParameter:
    return replace(RoutineParameter(name=name, type=type, type_max_length=type, required=True, variadic=False), **more)


def routine(name: str, *, is_set: bool = False, is_composite: bool = False) -> Routine:
    returns = ReturnType(ANIMALS if is_composite else QualifiedName("pg_catalog", "int4"), is_set, is_composite)
    return Routine("zoo", name, None, (), returns, Volatility.STABLE, False, None, ())


def calling(
    called: Routine,
    arguments: DirectArguments | JsonArguments | None = None,
    *,
    handler: MediaHandler = Builtin.JSON,
    plan: dict[str, Any] | None = None,
    **inputs: Any,
) -> Rendered:
    """Render a call; `plan` replaces fields of the call's plan."""
    function = QualifiedName(called.schema, called.name)
    call = replace(
        CallPlan(
            function=function,
            parameters=NamedParameters(called.parameters),
            arguments=arguments or DirectArguments(()),
            is_scalar=called.returns_scalar,
            is_set_of_scalar=called.returns_set_of_scalar,
            filter_fields=frozenset(),
            returning=frozenset("*"),
        ),
        **(plan or {}),
    )
    name = called.table_name or called.name
    read = ReadPlan(name=name, source=SOURCE, source_alias=name)
    action = RoutineCall(function, read, call, called, handler, JSON, Invocation.GET, True)
    return render_main(action, replace(MainInputs(preferences=Preferences()), **inputs))
