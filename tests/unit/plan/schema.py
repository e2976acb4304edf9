"""A small schema cache made by hand: festivals with stages, performances and artists.

festivals --< stages --< performances >-- artists (artist_id, support_id)
festivals >--< artists (over lineups)      artists --- riders (one to one)
artists >-- artists (mentor_id)            loud_stages(festivals), organiser(festivals): computed
"""

from collections.abc import Iterable
from types import MappingProxyType

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.media_type import ANY, CSV, JSON, MediaType
from tailrace.engine.schema_cache.cache import SchemaCache
from tailrace.engine.schema_cache.media_handler import Builtin, CustomHandler, ResolvedHandler
from tailrace.engine.schema_cache.relationship import (
    ColumnPairs,
    ComputedRelationship,
    ForeignKeyRelationship,
    ManyToMany,
    ManyToOne,
    OneToMany,
    OneToOne,
    Relationship,
)
from tailrace.engine.schema_cache.routine import ReturnType, Routine, RoutineParameter, Volatility
from tailrace.engine.schema_cache.table import Column, Table

SCHEMA = "api"
POSTER = MediaType("image/x-poster")
PROGRAMME = MediaType("text/x-programme")


def name(text: str) -> QualifiedName:
    return QualifiedName(SCHEMA, text)


def table(text: str, *columns: str, key: tuple[str, ...] = ("id",)) -> Table:
    """Columns are written `name`, `name type` or `name nominal_type base_type`; the type is integer if left out."""
    return Table(
        schema=SCHEMA,
        name=text,
        description=None,
        is_view=False,
        insertable=True,
        updatable=True,
        deletable=True,
        primary_key=key,
        columns=MappingProxyType({column.name: column for column in map(_column, columns)}),
    )


def _column(text: str) -> Column:
    word, _, types = text.partition(" ")
    nominal, _, base = (types or "integer").partition(" ")
    return Column(
        name=word,
        description=None,
        nullable=True,
        type=base or nominal,
        nominal_type=nominal,
        max_length=None,
        default=None,
        enum=(),
    )


def foreign_key(constraint: str, origin: str, columns: str, target: str, *, unique: bool = False) -> list[Relationship]:
    """Both directions of a foreign key; `columns` are pairs such as `festival_id=id`."""
    pairs: ColumnPairs = tuple(_pair(pair) for pair in columns.split(","))
    back: ColumnPairs = tuple((theirs, ours) for ours, theirs in pairs)
    is_self = origin == target
    there = OneToOne(constraint, pairs, False) if unique else ManyToOne(constraint, pairs)
    here = OneToOne(constraint, back, True) if unique else OneToMany(constraint, back)
    return [
        ForeignKeyRelationship(name(origin), name(target), is_self, there, False, False),
        ForeignKeyRelationship(name(target), name(origin), is_self, here, False, False),
    ]


def _pair(text: str) -> tuple[str, str]:
    ours, _, theirs = text.partition("=")
    return ours, theirs


def many_to_many() -> list[Relationship]:
    festival, artist = (("id", "festival_id"),), (("id", "artist_id"),)
    there = ManyToMany(name("lineups"), "lineups_festival", "lineups_artist", festival, artist)
    back = ManyToMany(name("lineups"), "lineups_artist", "lineups_festival", artist, festival)
    return [
        ForeignKeyRelationship(name("festivals"), name("artists"), False, there, False, False),
        ForeignKeyRelationship(name("artists"), name("festivals"), False, back, False, False),
    ]


def routine(
    text: str,
    *parameters: RoutineParameter,
    returns: str = "integer",
    is_set: bool = False,
    volatility: Volatility = Volatility.STABLE,
) -> Routine:
    """`returns` names a table to return rows of it, or a scalar type."""
    is_composite = any(known.name == returns for known in TABLES)
    return Routine(
        schema=SCHEMA,
        name=text,
        description=None,
        parameters=parameters,
        return_type=ReturnType(QualifiedName(SCHEMA if is_composite else "pg_catalog", returns), is_set, is_composite),
        volatility=volatility,
        has_variadic=any(parameter.variadic for parameter in parameters),
        isolation=None,
        settings=(),
    )


def parameter(text: str, type: str = "integer", *, required: bool = True, variadic: bool = False) -> RoutineParameter:
    return RoutineParameter(text, type, type, required, variadic)


TABLES = (
    table("festivals", "id", "title text", "colour colour integer", "details jsonb", "search tsvector", "name text"),
    table("stages", "id", "festival_id", "name text", "capacity"),
    table("performances", "id", "stage_id", "artist_id", "support_id", "minutes", "notes json"),
    table("artists", "id", "name text", "mentor_id", "bio text"),
    table("riders", "artist_id", "wishes text", key=("artist_id",)),
    table("lineups", "festival_id", "artist_id", "fee", key=("festival_id", "artist_id")),
    table("scores", "points", key=()),
)
RELATIONSHIPS = (
    *foreign_key("stages_festival", "stages", "festival_id=id", "festivals"),
    *foreign_key("performances_stage", "performances", "stage_id=id", "stages"),
    *foreign_key("performances_artist", "performances", "artist_id=id", "artists"),
    *foreign_key("performances_support", "performances", "support_id=id", "artists"),
    *foreign_key("artists_mentor", "artists", "mentor_id=id", "artists"),
    *foreign_key("riders_artist", "riders", "artist_id=id", "artists", unique=True),
    *foreign_key("lineups_festival", "lineups", "festival_id=id", "festivals"),
    *foreign_key("lineups_artist", "lineups", "artist_id=id", "artists"),
    *many_to_many(),
    ComputedRelationship(name("loud_stages"), name("festivals"), name("stages"), False, False),
    ComputedRelationship(name("organiser"), name("festivals"), name("artists"), True, False),
)
ROUTINES = (
    routine("loudest", returns="stages"),
    routine("search", parameter("term", "text"), parameter("top", required=False), returns="artists", is_set=True),
    routine("add", parameter("a"), parameter("b")),
    routine("add", parameter("a"), parameter("b"), parameter("c", required=False)),
    routine("book", parameter("artist"), volatility=Volatility.VOLATILE, returns="performances"),
    routine("book", parameter("artist"), parameter("stage"), volatility=Volatility.VOLATILE, returns="performances"),
    routine("total", parameter("numbers", "integer[]", variadic=True), parameter("unit", "text", required=False)),
    routine("ingest", parameter("", "json"), volatility=Volatility.VOLATILE),
    routine("shout", parameter("", "text")),
    routine("poster", parameter("", "bytea"), volatility=Volatility.VOLATILE),
    routine("names", returns="text", is_set=True),
)
REPRESENTATIONS = MappingProxyType(
    {
        ("colour", "json"): '"api"."colour_to_json"',
        ("text", "colour"): '"api"."colour_from_text"',
        ("json", "colour"): '"api"."colour_from_json"',
    }
)
POSTER_HANDLER = CustomHandler(name("draw_poster"), name("stages"))
PROGRAMME_HANDLER = CustomHandler(name("print_programme"), None)
HANDLERS = MappingProxyType(
    {
        (None, ANY): ResolvedHandler(Builtin.JSON, JSON),
        (None, JSON): ResolvedHandler(Builtin.JSON, JSON),
        (None, CSV): ResolvedHandler(Builtin.CSV, CSV),
        (None, PROGRAMME): ResolvedHandler(PROGRAMME_HANDLER, PROGRAMME),
        (name("stages"), POSTER): ResolvedHandler(POSTER_HANDLER, POSTER),
    }
)


def schema_cache(*more: Relationship, handlers: Iterable[tuple[str, MediaType, ResolvedHandler]] = ()) -> SchemaCache:
    """The festivals, with more relationships or handlers if a test needs them."""
    relationships: dict[tuple[QualifiedName, str], tuple[Relationship, ...]] = {}
    for relationship in (*RELATIONSHIPS, *more):
        key = (relationship.table, relationship.foreign_table.schema)
        relationships[key] = (*relationships.get(key, ()), relationship)
    routines: dict[QualifiedName, tuple[Routine, ...]] = {}
    for known in ROUTINES:
        routines[name(known.name)] = (*routines.get(name(known.name), ()), known)
    return SchemaCache(
        tables={name(known.name): known for known in TABLES},
        relationships=relationships,
        routines=routines,
        representations=REPRESENTATIONS,
        media_handlers={**HANDLERS, **{(name(relation), wanted): found for relation, wanted, found in handlers}},
    )
