"""The plan of a read: which columns of which relations, filtered, ordered and embedded how."""

from dataclasses import dataclass
from enum import Enum

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.request.filter import LogicOperator, Operation
from tailrace.engine.request.order import Direction, Nulls
from tailrace.engine.request.range import ALL_ROWS, RowRange
from tailrace.engine.request.select import Aggregate, JoinType, JsonStep
from tailrace.engine.schema_cache.relationship import Relationship

SOURCE_CTE = QualifiedName("", "pgrst_source")
"""The CTE with the rows of a mutation or call, which the read above it selects from."""


@dataclass(frozen=True, slots=True)
class FullTextVector:
    """The field is to be wrapped in to_tsvector, in this language if one is given."""

    language: str | None


@dataclass(frozen=True, slots=True)
class ResolvedField:
    """A name of the request with what the schema cache knows of it.

    The types are empty where nothing is known and nothing needs to be (a column
    that Postgres will refuse, a function's result).
    """

    name: str
    json_path: tuple[JsonStep, ...] = ()
    to_jsonb: bool = False
    """The column must become jsonb before a JSON path can be taken."""
    vector: FullTextVector | None = None
    type: str = ""
    """The type before `transform` is applied; of a column, its declared type."""
    base_type: str = ""
    transform: str | None = None
    """Quoted name of the function of a domain representation."""
    default: str | None = None
    """SQL expression of the column's default."""
    full_row: bool = False
    """Stands for the whole row (`count()` in a spread)."""


@dataclass(frozen=True, slots=True)
class ResolvedSelect:
    field: ResolvedField
    alias: str | None = None
    cast: str | None = None
    aggregate: Aggregate | None = None
    aggregate_cast: str | None = None


@dataclass(frozen=True, slots=True)
class ResolvedFilter:
    field: ResolvedField
    negated: bool
    operation: Operation


@dataclass(frozen=True, slots=True)
class NullEmbedFilter:
    """`relation=is.null` or `not.is.null` on an embedding, by the alias of its subquery."""

    negated: bool
    alias: str


@dataclass(frozen=True, slots=True)
class ResolvedLogic:
    negated: bool
    operator: LogicOperator
    children: tuple["Condition", ...]


Condition = ResolvedFilter | NullEmbedFilter | ResolvedLogic


@dataclass(frozen=True, slots=True)
class ResolvedOrder:
    """Order by a column, or by one of a to-one embedding (`relation` is its subquery's alias)."""

    field: ResolvedField
    direction: Direction | None = None
    nulls: Nulls | None = None
    relation: str | None = None


@dataclass(frozen=True, slots=True)
class JoinCondition:
    """`left_column = right_column`, each with the relation or alias it belongs to."""

    left: QualifiedName
    left_column: str
    right: QualifiedName
    right_column: str


class EmbedMode(Enum):
    OBJECT = "object"
    ARRAY = "array"


@dataclass(frozen=True, slots=True)
class JsonEmbed:
    """An embedding as one field of the parent's row."""

    name: str
    alias: str
    mode: EmbedMode
    is_empty: bool
    """Selects nothing, so that it only filters the parent."""


@dataclass(frozen=True, slots=True)
class SpreadField:
    name: str
    alias: str | None = None
    aggregate: Aggregate | None = None
    aggregate_cast: str | None = None


@dataclass(frozen=True, slots=True)
class SpreadEmbed:
    """An embedding whose fields become fields of the parent's row."""

    fields: tuple[SpreadField, ...]
    alias: str


EmbedSelect = JsonEmbed | SpreadEmbed


@dataclass(frozen=True, slots=True)
class ToOneSpread:
    pass


@dataclass(frozen=True, slots=True)
class ToManySpread:
    extra_select: tuple[tuple[str | None, ResolvedSelect], ...] = ()
    """Columns selected only to order by, with the subquery's alias they come from."""
    order: tuple[ResolvedOrder, ...] = ()


Spread = ToOneSpread | ToManySpread


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPlan:
    """One relation to read and the relations embedded in it.

    Made by `plan.read`, consumed by `sql.select`. Holds no SQL; names come from
    the schema cache or are quoted by the renderer, and a value of the client is
    an `Operand` that knows its position, so one plan serves all requests of its
    shape.
    """

    name: str
    """The relation's name as the request gave it."""
    source: QualifiedName
    """What stands after FROM; the request's CTE below a mutation or a call."""
    source_alias: str | None = None
    select: tuple[ResolvedSelect, ...] = ()
    where: tuple[Condition, ...] = ()
    order: tuple[ResolvedOrder, ...] = ()
    range: RowRange = ALL_ROWS
    embeddings: tuple["ReadPlan", ...] = ()
    embed_selects: tuple[EmbedSelect, ...] = ()
    """What the parent selects of each embedding, in the order of `embeddings`."""

    # What follows describes the plan as an embedding of its parent.
    relationship: Relationship | None = None
    parent_alias: QualifiedName | None = None
    """What a computed relationship's function is given: the parent's alias or table."""
    join: tuple[JoinCondition, ...] = ()
    alias: str | None = None
    aggregate_alias: str = ""
    """Alias of the lateral subquery."""
    hint: str | None = None
    join_type: JoinType | None = None
    spread: Spread | None = None
    depth: int = 0
    legacy_name_used: bool = False
    """A filter, order or limit named the relation although it has an alias."""
