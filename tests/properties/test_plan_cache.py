"""A request that meets a kept plan gets the very statement that it would have got by being planned itself."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tailrace.engine.config.config import Config
from tailrace.engine.data_api.plan_cache import PlanCache, request_values, top_range_of
from tailrace.engine.data_api.prepared import Prepared, prepare
from tailrace.engine.data_api.shape import shape_of
from tailrace.engine.errors import ApiError
from tailrace.engine.message import HttpRequest
from tailrace.engine.plan.action import plan_action
from tailrace.engine.plan.action_plan import RelationMutation, RelationRead, RoutineCall
from tailrace.engine.request.api_request import ApiRequest, parse_request
from tailrace.engine.sql.fragment import Template, UnfitValue
from tests.unit.plan.schema import SCHEMA, schema_cache

CACHE = schema_cache()
CONFIG = Config(db_schemas=(SCHEMA,), db_aggregates_enabled=True, db_max_rows=100)

# Few and short values, so that two requests often differ in a single one
VALUES = ("1", "2", "", "a.eq.1", "x)", "(1,2)", "(1)", '("a")', "not.eq.1", "null", "*a*", "%00", "a%00b", "eqx", "0")
PREFIXES = ("eq.", "not.eq.", "neq.", "in.", "is.", "like.", "like(any).", "fts.", "fts(english).", "cs.", "eq", "")
NAMES = ("id", "name", "term", "top", "numbers", "stages.id", "a.eq.b", "%69d", "data->>a", "min", "title")
LOGIC = ("or", "and", "not.or", "stages.or", "%6fr")
NUMBERS = ("0", "1", "7", "007", "", "x", "-1", "+5", "0x7", " 3")
RANGES = ("limit", "offset", "%6cimit", "stages.limit", "stages.offset", "limit ")
SELECTS = ("select=*", "select=id,stages(id)", "select=id&select=name", "select", "order=id", "order=id.desc", "order")


def leaf(name: str, prefix: str, value: str) -> str:
    return f"{name}.{prefix}{value}"


LEAVES = st.builds(leaf, st.sampled_from(NAMES), st.sampled_from(PREFIXES), st.sampled_from(VALUES))
TREES = st.lists(LEAVES, min_size=1, max_size=3).map(lambda leaves: f"({','.join(leaves)})")
PARAMETERS = st.one_of(
    st.builds(
        lambda n, p, v: f"{n}={p}{v}", st.sampled_from(NAMES), st.sampled_from(PREFIXES), st.sampled_from(VALUES)
    ),
    st.builds(lambda n, t: f"{n}={t}", st.sampled_from(LOGIC), TREES),
    st.builds(lambda n, v: f"{n}={v}", st.sampled_from(RANGES), st.sampled_from(NUMBERS)),
    st.sampled_from(RANGES),
    st.sampled_from(SELECTS),
)
QUERIES = st.lists(PARAMETERS, max_size=4).map("&".join)
PATHS = st.sampled_from(("/festivals", "/festivals", "/rpc/search", "/rpc/total", "/stages"))


@st.composite
def two_of_a_kind(draw: st.DrawFn) -> tuple[HttpRequest, HttpRequest]:
    """Two requests to one path; the second is often the first with one parameter drawn anew."""
    path, first = draw(PATHS), draw(QUERIES)
    pieces = first.split("&")
    if draw(st.booleans()):
        second = draw(QUERIES)
    else:
        pieces[draw(st.integers(0, len(pieces) - 1))] = draw(PARAMETERS)
        second = "&".join(pieces)
    return get(path, first), get(path, second)


def get(path: str, query: str) -> HttpRequest:
    return HttpRequest("GET", path.encode(), query.encode(), [])


def planned(request: HttpRequest) -> tuple[ApiRequest, Prepared] | None:
    try:
        asked = parse_request(request, CONFIG)
        plan = plan_action(asked, CONFIG, CACHE)
    except ApiError:
        return None
    assert isinstance(plan, RelationRead | RelationMutation | RoutineCall)
    return asked, prepare(plan, asked, CONFIG)


def statement_of(template: Template | None) -> tuple[bytes, list[bytes | None]] | None:
    return None if template is None else (template.sql, list(template.statement().parameters))


@given(two_of_a_kind())
@settings(max_examples=1500, deadline=None)
@example((get("/festivals", "offset"), get("/festivals", "offset=28")))
@example((get("/festivals", "limit=7&%6cimit=7"), get("/festivals", "limit=3&%6cimit=7")))
@example((get("/festivals", "limit=7&limit=0x7"), get("/festivals", "limit=3&limit=0x7")))
@example((get("/festivals", "or=(id.eq.%00(x.eq.%00)"), get("/festivals", "or=(id.eq.%00(x.eq.a5)")))
@example((get("/festivals", "id=eq.1;name=eq.2"), get("/festivals", "id=eq.2;name=eq.2")))
def test_a_kept_plan_gives_what_planning_anew_would_give(pair: tuple[HttpRequest, HttpRequest]) -> None:
    first, second = pair
    plans = PlanCache()
    if (made := planned(first)) is not None:
        keep(plans, first, *made)

    shape = shape_of(second)
    kept = None if shape.is_odd else plans.find(shape, None)

    if kept is None:
        return
    anew = planned(second)
    assert anew is not None, "what is refused must not meet a plan"
    asked, prepared = anew
    values = request_values(shape, None, top_range_of(shape), CONFIG.db_max_rows)
    try:
        filled = kept.rendered.main.fill(values)
    except UnfitValue:
        return
    assert (filled.sql, list(filled.parameters)) == statement_of(prepared.rendered.main)
    assert top_range_of(shape) == asked.top_range
    assert kept.recipe == prepared.recipe


def keep(plans: PlanCache, request: HttpRequest, asked: ApiRequest, prepared: Prepared) -> None:
    shape = shape_of(request)
    plans.keep(shape, prepared, asked, request_values(shape, None, asked.top_range, CONFIG.db_max_rows))


@pytest.mark.parametrize("query", ["id=eq.1", "or=(id.eq.1,name.like.*a*)", "id=in.(1,2)&limit=3&offset=4", "limit=1"])
def test_a_plan_is_kept_for_other_values(query: str) -> None:
    request, other = get("/festivals", query), get("/festivals", query.replace("1", "5"))
    plans, made = PlanCache(), planned(request)
    assert made is not None

    keep(plans, request, *made)

    assert plans.find(shape_of(other), None) is not None
