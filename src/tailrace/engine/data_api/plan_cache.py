"""Prepared requests by the shape of the request. Bounded, least recently used first out.

A hit goes from the bytes of the query string to the parameters of a prepared
statement without parsing or planning. What is kept was planned for one request of
the shape, and filled once with that same request's values for proof.
"""

from collections import OrderedDict
from dataclasses import dataclass, replace

from tailrace.engine.data_api.prepared import Prepared
from tailrace.engine.data_api.shape import Shape
from tailrace.engine.media_type import MediaType
from tailrace.engine.request.action import Action
from tailrace.engine.request.api_request import ApiRequest, QueryString, read_payload
from tailrace.engine.request.payload import FormPayload, JsonPayload, Payload
from tailrace.engine.request.range import ALL_ROWS, RowRange
from tailrace.engine.sql.fragment import RequestValues, Source, Template, UnfitValue

MAX_PLANS = 2000
MAX_SIZE = 16 * 1024 * 1024
"""Bytes of SQL that are kept, about; what hangs on a plan besides grows with its SQL."""


@dataclass(frozen=True, slots=True)
class BodyReader:
    """How the bodies of a shape's requests are read."""

    action: Action
    content_type: MediaType
    query: QueryString
    """For the columns that it names."""

    def read(self, body: bytes) -> Payload | None:
        """Errors: InvalidBody."""
        payload, _ = read_payload(body, self.content_type, action=self.action, query=self.query)
        return payload


class PlanCache:
    __slots__ = ("_plans", "_readers", "_size")

    def __init__(self) -> None:
        self._plans: OrderedDict[tuple[object, ...], Prepared] = OrderedDict()
        self._readers: OrderedDict[tuple[object, ...], BodyReader] = OrderedDict()
        self._size = 0

    def reader(self, shape: Shape) -> BodyReader | None:
        """How to read the body of a request of this shape; None if no such request came before."""
        return self._readers.get(shape.key)

    def find(self, shape: Shape, payload: Payload | None) -> Prepared | None:
        key = (shape.key, payload_shape(payload))
        prepared = self._plans.get(key)
        if prepared is not None:
            self._plans.move_to_end(key)
        return prepared

    def keep(self, shape: Shape, prepared: Prepared, asked: ApiRequest, values: RequestValues) -> Prepared | None:
        """Keep what was prepared, if it can serve other requests of its shape; returns what was kept."""
        if shape.is_odd or asked.top_range.is_limit_zero or top_range_of(shape) != asked.top_range:
            return None
        rendered = prepared.rendered
        templates = (rendered.main,) if rendered.explain_count is None else (rendered.main, rendered.explain_count)
        if isinstance(asked.payload, FormPayload) or not all(fills_alike(one, shape, values) for one in templates):
            return None
        explain = None if rendered.explain_count is None else without_values(rendered.explain_count)
        kept = replace(
            prepared,
            rendered=replace(rendered, main=without_values(rendered.main), explain_count=explain),
            stream=None if prepared.stream is None else without_values(prepared.stream),
        )
        self._put((shape.key, payload_shape(asked.payload)), kept)
        if asked.payload is not None:
            if len(self._readers) >= MAX_PLANS:
                self._readers.popitem(last=False)
            self._readers[shape.key] = BodyReader(asked.action, asked.content_type, asked.query)
        return kept

    def _put(self, key: tuple[object, ...], prepared: Prepared) -> None:
        replaced = self._plans.pop(key, None)
        self._size += size_of(prepared) - (0 if replaced is None else size_of(replaced))
        self._plans[key] = prepared
        while len(self._plans) > MAX_PLANS or self._size > MAX_SIZE:
            _, oldest = self._plans.popitem(last=False)
            self._size -= size_of(oldest)


def size_of(prepared: Prepared) -> int:
    """Bytes of a plan's SQL, and as many for each parameter as one costs, about."""
    templates = (prepared.rendered.main, prepared.rendered.explain_count, prepared.stream)
    return sum(len(one.sql) + 100 * len(one.parameters) for one in templates if one is not None)


def payload_shape(payload: Payload | None) -> object:
    """What of a body the plan depends on: which keys it has, and whether it is one object."""
    if isinstance(payload, JsonPayload):
        return (payload.keys, payload.is_object)
    return None if payload is None else type(payload)


def fills_alike(template: Template, shape: Shape, values: RequestValues) -> bool:
    """Whether the shape's values give the very parameters that the parser gave."""
    try:
        filled = template.fill(values).parameters
    except (UnfitValue, KeyError):
        return False
    used = {parameter.position for parameter in template.parameters if parameter.source is Source.OPERAND}
    return used >= shape.values.keys() and list(filled) == [parameter.value for parameter in template.parameters]


def without_values(template: Template) -> Template:
    """A template that holds on to nothing of the request that it was made for."""
    parameters = [one if one.source is Source.CONSTANT else replace(one, value=None) for one in template.parameters]
    return replace(template, parameters=tuple(parameters))


def top_range_of(shape: Shape) -> RowRange:
    """The root's range by the limit and offset of the query string."""
    offset = shape.offset or 0
    if shape.limit is None:
        return RowRange(offset) if offset else ALL_ROWS
    return RowRange(offset, offset + shape.limit - 1)


def request_values(shape: Shape, payload: Payload | None, top_range: RowRange, max_rows: int | None) -> RequestValues:
    restricted = top_range.restrict(max_rows)
    body = None if payload is None or isinstance(payload, FormPayload) else payload.raw
    return RequestValues(shape.values.__getitem__, body, restricted.limit, restricted.offset)
