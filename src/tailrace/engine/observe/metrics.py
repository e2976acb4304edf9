"""Counters and gauges of one Data API in Prometheus' text format.

Source: PostgREST docs, references/observability, "Metrics"; Prometheus docs,
instrumenting/exposition_formats.
"""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

from tailrace.engine.observe import events as e

LATENCY_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds; the upper bounds of the histogram's buckets."""


@dataclass(frozen=True, slots=True)
class PoolGauges:
    """How a pool is doing at this moment."""

    available: int = 0
    waiting: int = 0
    """Transactions that wait for a connection."""


@dataclass(slots=True)
class Histogram:
    buckets: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS) + 1))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        self.buckets[bisect_left(LATENCY_BOUNDS, seconds)] += 1
        self.total += seconds


class Metrics:
    """Counts events; `render` is what the admin server's /metrics answers."""

    def __init__(self, pool_size: int) -> None:
        self._pool_size = pool_size
        self._pool_timeouts = 0
        self._schema_cache_loads: Counter[str] = Counter()
        self._schema_cache_seconds = 0.0
        self._jwt_lookups = 0
        self._jwt_hits = 0
        self._jwt_evictions = 0
        self._latencies: dict[str, Histogram] = {}

    def observe(self, event: e.Event) -> None:
        """Take notice of one event (an `Emit`)."""
        match event:
            case e.RequestAnswered(status=status, seconds=seconds) if seconds is not None:
                self.add_latency(status, seconds)
            case e.JwtCacheLookup(hit):
                self._jwt_lookups += 1
                self._jwt_hits += hit
            case e.JwtCacheEviction():
                self._jwt_evictions += 1
            case e.PoolTimeout():
                self._pool_timeouts += 1
            case e.SchemaCacheQueried(seconds):
                self._schema_cache_seconds = seconds
            case e.SchemaCacheLoaded():
                self._schema_cache_loads["SUCCESS"] += 1
            case e.SchemaCacheFailed():
                self._schema_cache_loads["FAIL"] += 1
            case e.PoolCreated(size):
                self._pool_size = size
            case _:
                pass

    def render(self, pool: PoolGauges) -> str:
        """All metrics as text."""
        metrics = (
            *self._pool_metrics(pool),
            *self._schema_cache_metrics(),
            *self._jwt_metrics(),
            *self._latency_metrics(),
        )
        return "".join(f"{line}\n" for line in metrics)

    def add_latency(self, status: int, seconds: float) -> None:
        """Count an answer for which no event is emitted, since no log would show it."""
        kind = f"{status // 100}xx"
        histogram = self._latencies.get(kind)
        if histogram is None:
            histogram = self._latencies[kind] = Histogram()
        histogram.add(seconds)

    def _pool_metrics(self, pool: PoolGauges) -> tuple[str, ...]:
        return (
            *_counter(
                "pgrst_db_pool_timeouts_total", "The total number of pool connection timeouts", self._pool_timeouts
            ),
            *_gauge("pgrst_db_pool_available", "Available connections in the pool", pool.available),
            *_gauge("pgrst_db_pool_waiting", "Requests waiting to acquire a pool connection", pool.waiting),
            *_gauge("pgrst_db_pool_max", "Max pool connections", self._pool_size),
        )

    def _schema_cache_metrics(self) -> tuple[str, ...]:
        loads, seconds = "pgrst_schema_cache_loads_total", "pgrst_schema_cache_query_time_seconds"
        return (
            *_heading(loads, "The total number of times the schema cache was loaded", "counter"),
            *(
                f'{loads}{{status="{status}"}} {float(count)}'
                for status, count in sorted(self._schema_cache_loads.items())
            ),
            *_gauge(seconds, "The query time in seconds of the last schema cache load", self._schema_cache_seconds),
        )

    def _jwt_metrics(self) -> tuple[str, ...]:
        return (
            *_counter("pgrst_jwt_cache_requests_total", "The total number of JWT cache lookups", self._jwt_lookups),
            *_counter("pgrst_jwt_cache_hits_total", "The total number of JWT cache hits", self._jwt_hits),
            *_counter(
                "pgrst_jwt_cache_evictions_total", "The total number of JWT cache evictions", self._jwt_evictions
            ),
        )

    def _latency_metrics(self) -> tuple[str, ...]:
        name = "tailrace_request_duration_seconds"
        lines = [*_heading(name, "Time from a request to its answer, by class of status", "histogram")]
        for status, histogram in sorted(self._latencies.items()):
            count = 0
            for bound, bucket in zip((*LATENCY_BOUNDS, "+Inf"), histogram.buckets, strict=True):
                count += bucket
                lines.append(f'{name}_bucket{{status="{status}",le="{bound}"}} {count}')
            lines.append(f'{name}_sum{{status="{status}"}} {histogram.total}')
            lines.append(f'{name}_count{{status="{status}"}} {count}')
        return tuple(lines)


def _heading(name: str, help_text: str, kind: str) -> tuple[str, str]:
    return f"# HELP {name} {help_text}", f"# TYPE {name} {kind}"


def _counter(name: str, help_text: str, value: float) -> tuple[str, ...]:
    return (*_heading(name, help_text, "counter"), f"{name} {float(value)}")


def _gauge(name: str, help_text: str, value: float) -> tuple[str, ...]:
    return (*_heading(name, help_text, "gauge"), f"{name} {float(value)}")
