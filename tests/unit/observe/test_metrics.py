"""/metrics (PostgREST docs, references/observability, "Metrics")."""

from tailrace.engine.errors import DatabaseUnreachable
from tailrace.engine.observe import events as e
from tailrace.engine.observe.metrics import Metrics, PoolGauges

IDLE = PoolGauges()


def rendered(*events: e.Event, pool: PoolGauges = IDLE) -> list[str]:
    metrics = Metrics(pool_size=10)
    for event in events:
        metrics.observe(event)
    return metrics.render(pool).splitlines()


def answered(seconds: float, status: int = 200) -> e.RequestAnswered:
    return e.RequestAnswered(
        role=None,
        method="GET",
        target=b"/",
        http_version="1.1",
        status=status,
        length=None,
        remote_address="-",
        seconds=seconds,
    )


def test_every_metric_has_help_and_a_type() -> None:
    lines = rendered()

    assert "# HELP pgrst_db_pool_max Max pool connections" in lines
    assert "# TYPE pgrst_db_pool_max gauge" in lines
    assert "# TYPE pgrst_jwt_cache_hits_total counter" in lines
    assert "# TYPE tailrace_request_duration_seconds histogram" in lines


def test_loads_of_the_schema_cache_are_counted_by_outcome() -> None:
    failed = e.SchemaCacheFailed(("public",), (), DatabaseUnreachable(None))

    lines = rendered(e.SchemaCacheQueried(0.25), e.SchemaCacheLoaded(0.1, ""), failed, failed)

    assert 'pgrst_schema_cache_loads_total{status="SUCCESS"} 1.0' in lines
    assert 'pgrst_schema_cache_loads_total{status="FAIL"} 2.0' in lines
    assert "pgrst_schema_cache_query_time_seconds 0.25" in lines


def test_the_pool_is_told_as_it_is_at_that_moment() -> None:
    lines = rendered(pool=PoolGauges(available=3, waiting=1))

    assert "pgrst_db_pool_available 3.0" in lines
    assert "pgrst_db_pool_waiting 1.0" in lines


def test_timeouts_of_the_pool_are_counted() -> None:
    lines = rendered(e.PoolTimeout(), e.PoolTimeout())

    assert "pgrst_db_pool_timeouts_total 2.0" in lines
    assert "pgrst_db_pool_max 10.0" in lines


def test_lookups_hits_and_evictions_of_the_jwt_cache_are_counted() -> None:
    lines = rendered(e.JwtCacheLookup(True), e.JwtCacheLookup(False), e.JwtCacheEviction())

    assert "pgrst_jwt_cache_requests_total 2.0" in lines
    assert "pgrst_jwt_cache_hits_total 1.0" in lines
    assert "pgrst_jwt_cache_evictions_total 1.0" in lines


def test_latencies_are_counted_in_cumulative_buckets_by_class_of_status() -> None:
    lines = rendered(answered(0.001), answered(0.003), answered(60.0), answered(0.5, status=503))

    name = "tailrace_request_duration_seconds"
    assert f'{name}_bucket{{status="2xx",le="0.001"}} 1' in lines
    assert f'{name}_bucket{{status="2xx",le="0.005"}} 2' in lines
    assert f'{name}_bucket{{status="2xx",le="10.0"}} 2' in lines
    assert f'{name}_bucket{{status="2xx",le="+Inf"}} 3' in lines
    assert f'{name}_count{{status="2xx"}} 3' in lines
    assert f'{name}_count{{status="5xx"}} 1' in lines
