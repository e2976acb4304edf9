"""The schema cache as JSON: what `--dump-schema` prints and the admin server's /schema_cache answers.

Names are those of PostgREST's own dump, so that tools that read it work with
either. Maps whose keys are not text are written as lists of pairs, in the order of
the names; keys of objects stand in alphabetical order.
"""

from collections.abc import Callable, Iterable, Iterator
from heapq import merge
from itertools import islice
from typing import Any, TypeVar

import orjson

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.media_type import (
    ANY,
    ARRAY_STRIPPED,
    CSV,
    GEOJSON,
    JSON,
    OBJECT,
    OBJECT_STRIPPED,
    OCTET_STREAM,
    OPENAPI,
    PLAIN,
    URL_ENCODED,
    XML,
    MediaType,
)
from tailrace.engine.schema_cache.cache import SchemaCache
from tailrace.engine.schema_cache.media_handler import Builtin, MediaHandler, ResolvedHandler
from tailrace.engine.schema_cache.relationship import (
    Cardinality,
    ComputedRelationship,
    ManyToMany,
    ManyToOne,
    OneToMany,
    OneToOne,
    Relationship,
)
from tailrace.engine.schema_cache.routine import Routine, Volatility
from tailrace.engine.schema_cache.table import Column, Table
from tailrace.engine.statement import IsolationLevel

Object = dict[str, Any]
Key = TypeVar("Key", bound=Any)
"""Of a map of the cache; its keys have an order."""
SORTED_AT_ONCE = 1000


def dump_schema_cache(cache: SchemaCache) -> bytes:
    return b"".join(dump_in_pieces(cache))


def dump_in_pieces(cache: SchemaCache) -> Iterator[bytes]:
    """The same in pieces, some of them empty; each is quick to make, however many relations there are."""
    yield b'{"dbMediaHandlers":['
    yield from _separated(cache.media_handlers, lambda key: _resolved(key, cache.media_handlers[key]))
    yield b'],"dbRelationships":['
    yield from _separated(
        _in_order(cache.relationships),
        lambda key: [[_name(key[0]), key[1]], [_relationship(one) for one in cache.relationships[key]]],
    )
    yield b'],"dbRepresentations":['
    yield from _separated(
        _in_order(cache.representations), lambda key: _representation(*key, cache.representations[key])
    )
    yield b'],"dbRoutines":['
    yield from _separated(
        _in_order(cache.routines), lambda name: [_name(name), [_routine(one) for one in cache.routines[name]]]
    )
    yield b'],"dbTables":['
    yield from _separated(_in_order(cache.tables), lambda name: [_name(name), _table(cache.tables[name])])
    yield b"]}"


def _in_order(keys: Iterable[Key]) -> Iterator[Key | None]:
    """Sorted a part at a time, with None after each."""
    left, parts = iter(keys), []
    while part := sorted(islice(left, SORTED_AT_ONCE)):
        parts.append(part)
        yield None
    yield from merge(*parts)


def _separated(keys: Iterable[Key | None], write: Callable[[Key], object]) -> Iterator[bytes]:
    comma = b""
    for key in keys:
        if key is None:
            yield b""
        else:
            yield comma + orjson.dumps(write(key), option=orjson.OPT_SORT_KEYS)
            comma = b","


def _resolved(key: tuple[QualifiedName | None, MediaType], resolved: ResolvedHandler) -> list[object]:
    relation, asked = key
    return [[_relation(relation), _media_type(asked)], [_handler(resolved.handler), _media_type(resolved.media_type)]]


def _representation(source: str, target: str, function: str) -> list[object]:
    return [[source, target], {"drSourceType": source, "drTargetType": target, "drFunction": function}]


def _name(name: QualifiedName) -> Object:
    return {"qiSchema": name.schema, "qiName": name.name}


def _table(table: Table) -> Object:
    return {
        "tableSchema": table.schema,
        "tableName": table.name,
        "tableDescription": table.description,
        "tableIsView": table.is_view,
        "tableInsertable": table.insertable,
        "tableUpdatable": table.updatable,
        "tableDeletable": table.deletable,
        "tablePKCols": table.primary_key,
        "tableColumns": {name: _column(column) for name, column in table.columns.items()},
    }


def _column(column: Column) -> Object:
    return {
        "colName": column.name,
        "colDescription": column.description,
        "colNullable": column.nullable,
        "colType": column.type,
        "colNominalType": column.nominal_type,
        "colMaxLen": column.max_length,
        "colDefault": column.default,
        "colEnum": column.enum,
    }


def _relationship(relationship: Relationship) -> Object:
    if isinstance(relationship, ComputedRelationship):
        return {
            "tag": "ComputedRelationship",
            "relFunction": _name(relationship.function),
            "relTable": _name(relationship.table),
            "relForeignTable": _name(relationship.foreign_table),
            "relTableAlias": _name(QualifiedName("", "")),
            "relToOne": relationship.is_to_one,
            "relIsSelf": relationship.is_self,
        }
    return {
        "tag": "Relationship",
        "relTable": _name(relationship.table),
        "relForeignTable": _name(relationship.foreign_table),
        "relIsSelf": relationship.is_self,
        "relCardinality": _cardinality(relationship.cardinality),
        "relTableIsView": relationship.table_is_view,
        "relFTableIsView": relationship.foreign_table_is_view,
    }


def _cardinality(cardinality: Cardinality) -> Object:
    match cardinality:
        case OneToMany(constraint, columns):
            return {"tag": "O2M", "relCons": constraint, "relColumns": columns}
        case ManyToOne(constraint, columns):
            return {"tag": "M2O", "relCons": constraint, "relColumns": columns}
        case OneToOne(constraint, columns, is_parent):
            return {"tag": "O2O", "relCons": constraint, "relColumns": columns, "isParent": is_parent}
        case ManyToMany(junction, constraint1, constraint2, source_columns, target_columns):
            contents = {
                "junTable": _name(junction),
                "junConstraint1": constraint1,
                "junConstraint2": constraint2,
                "junColsSource": source_columns,
                "junColsTarget": target_columns,
            }
            return {"tag": "M2M", "contents": contents}


def _routine(routine: Routine) -> Object:
    result = routine.return_type
    name = _name(result.name)
    pg_type = (
        {"tag": "Composite", "contents": [name, result.is_composite_alias]}
        if result.is_composite
        else {"tag": "Scalar", "contents": name}
    )
    return {
        "pdSchema": routine.schema,
        "pdName": routine.name,
        "pdDescription": routine.description,
        "pdParams": [
            {
                "ppName": parameter.name,
                "ppType": parameter.type,
                "ppTypeMaxLength": parameter.type_max_length,
                "ppReq": parameter.required,
                "ppVar": parameter.variadic,
            }
            for parameter in routine.parameters
        ],
        "pdReturnType": {"tag": "SetOf" if result.is_set else "Single", "contents": pg_type},
        "pdVolatility": _volatility(routine.volatility),
        "pdHasVariadic": routine.has_variadic,
        "pdIsoLvl": None if routine.isolation is None else _isolation(routine.isolation),
        "pdFuncSettings": routine.settings,
    }


def _volatility(volatility: Volatility) -> str:
    match volatility:
        case Volatility.IMMUTABLE:
            return "Immutable"
        case Volatility.STABLE:
            return "Stable"
        case Volatility.VOLATILE:
            return "Volatile"


def _isolation(level: IsolationLevel) -> str:
    match level:
        case IsolationLevel.READ_COMMITTED:
            return "ReadCommitted"
        case IsolationLevel.REPEATABLE_READ:
            return "RepeatableRead"
        case IsolationLevel.SERIALIZABLE:
            return "Serializable"


def _relation(relation: QualifiedName | None) -> Object:
    return {"tag": "RelAnyElement"} if relation is None else {"tag": "RelId", "contents": _name(relation)}


def _handler(handler: MediaHandler) -> Object:
    match handler:
        case Builtin.JSON:
            return {"tag": "BuiltinOvAggJson"}
        case Builtin.CSV:
            return {"tag": "BuiltinOvAggCsv"}
        case Builtin.GEOJSON:
            return {"tag": "BuiltinOvAggGeoJson"}
        case Builtin.JSON_STRIPPED:
            return {"tag": "BuiltinAggArrayJsonStrip"}
        case Builtin.OBJECT | Builtin.OBJECT_STRIPPED:
            return {"tag": "BuiltinAggSingleJson", "contents": handler is Builtin.OBJECT_STRIPPED}
        case Builtin.NONE:
            return {"tag": "NoAgg"}
        case _:
            return {"tag": "CustomFunc", "contents": [_name(handler.function), _relation(handler.relation)]}


def _media_type(media_type: MediaType) -> Object:
    for known, tag in MEDIA_TYPE_TAGS:
        if media_type == known:
            return {"tag": tag}
    if media_type in (OBJECT, OBJECT_STRIPPED):
        return {"tag": "MTVndSingularJSON", "contents": media_type == OBJECT_STRIPPED}
    return {"tag": "MTOther", "contents": media_type.name}


MEDIA_TYPE_TAGS = (
    (JSON, "MTApplicationJSON"),
    (GEOJSON, "MTGeoJSON"),
    (CSV, "MTTextCSV"),
    (PLAIN, "MTTextPlain"),
    (XML, "MTTextXML"),
    (OPENAPI, "MTOpenAPI"),
    (URL_ENCODED, "MTUrlEncoded"),
    (OCTET_STREAM, "MTOctetStream"),
    (ANY, "MTAny"),
    (ARRAY_STRIPPED, "MTVndArrayJSONStrip"),
)
