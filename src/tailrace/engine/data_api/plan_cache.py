"""Prepared requests by the shape of the request. Bounded, least recently used first out.

A hit goes from the bytes of the query string to the parameters of a prepared
statement without parsing or planning. What is kept was planned for one request of
the shape, and filled once with that same request's values for proof.
"""

from collections import OrderedDict

from tailrace.engine.data_api.prepared import Prepared
from tailrace.engine.data_api.shape import Shape
from tailrace.engine.request.payload import JsonPayload, Payload
from tailrace.engine.request.range import ALL_ROWS, RowRange
from tailrace.engine.sql.fragment import RequestValues, Source, Template, UnfitValue
from tailrace.engine.statement import Statement

MAX_PLANS = 2000


class PlanCache:
    __slots__ = ("_plans",)

    def __init__(self) -> None:
        self._plans: OrderedDict[tuple[object, ...], Prepared] = OrderedDict()

    def find(self, key: tuple[object, ...]) -> Prepared | None:
        prepared = self._plans.get(key)
        if prepared is not None:
            self._plans.move_to_end(key)
        return prepared

    def keep(self, shape: Shape, prepared: Prepared, values: RequestValues, top_range: RowRange) -> None:
        """Keep what was prepared, if it can serve other requests of its shape."""
        if shape.is_odd or top_range.is_limit_zero or top_range_of(shape) != top_range:
            return
        if not is_filled_alike(prepared.rendered.main, shape, values):
            return
        explain = prepared.rendered.explain_count
        if explain is not None and not is_filled_alike(explain, shape, values):
            return
        if len(self._plans) >= MAX_PLANS:
            self._plans.popitem(last=False)
        self._plans[shape.key] = prepared


def is_filled_alike(template: Template, shape: Shape, values: RequestValues) -> bool:
    """Whether the shape's values give the very parameters that the parser gave."""
    try:
        filled = template.fill(values).parameters
    except (UnfitValue, KeyError):
        return False
    used = {parameter.position for parameter in template.parameters if parameter.source is Source.OPERAND}
    return used >= shape.values.keys() and list(filled) == [parameter.value for parameter in template.parameters]


def top_range_of(shape: Shape) -> RowRange:
    """The root's range by the limit and offset of the query string."""
    offset = shape.offset or 0
    if shape.limit is None:
        return RowRange(offset) if offset else ALL_ROWS
    return RowRange(offset, offset + shape.limit - 1)


def request_values(shape: Shape, payload: Payload | None, top_range: RowRange, max_rows: int | None) -> RequestValues:
    restricted = top_range.restrict(max_rows)
    body = None if payload is None or not isinstance(payload, JsonPayload) else payload.raw
    return RequestValues(shape.values.__getitem__, body, restricted.limit, restricted.offset)


def fill(template: Template, values: RequestValues) -> Statement:
    """Errors: UnfitValue for a value that the template has no place for."""
    return template.fill(values)
