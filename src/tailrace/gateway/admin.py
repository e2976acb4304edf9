"""Questions about a gateway: is it alive, what have its APIs counted.

Source: PostgREST docs, references/admin_server; Prometheus docs, instrumenting/exposition_formats.
"""

from collections.abc import Awaitable, Callable, Iterable

from tailrace.engine.message import Response
from tailrace.engine.observe.metrics import PoolGauges
from tailrace.engine.server.admin import METRICS_TYPE
from tailrace.gateway.gateway import Gateway


def answer_admin(gateway: Gateway) -> Callable[[str], Awaitable[Response]]:
    """Answers for the engine's `admin_handler`."""

    async def answer(path: str) -> Response:
        match path:
            case "/live" | "/ready":
                return Response(200)
            case "/metrics":
                return Response(200, [METRICS_TYPE], render_metrics(gateway).encode())
            case _:
                return Response(404)

    return answer


def render_metrics(gateway: Gateway) -> str:
    """Those of the gateway, and of every API that was asked, told apart by the label `api`."""
    hosted = gateway.hosted()
    awake = sum(1 for one in hosted if one.api is not None)
    own = (
        *gauge("tailrace_gateway_apis", "APIs that are served", len(hosted)),
        *gauge("tailrace_gateway_apis_awake", "APIs that have connections", awake),
        *gauge("tailrace_gateway_connections", "Connections to Postgres of all APIs", gateway.open_connections),
    )
    texts = (
        (one.spec.name, one.metrics.render(PoolGauges() if one.api is None else one.api.state.pool.gauges()))
        for one in hosted
        if one.metrics is not None
    )
    return "".join(f"{line}\n" for line in own) + label_metrics(texts)


def gauge(name: str, help_text: str, value: float) -> tuple[str, ...]:
    return f"# HELP {name} {help_text}", f"# TYPE {name} gauge", f"{name} {float(value)}"


def label_metrics(texts: Iterable[tuple[str, str]]) -> str:
    """One text of several APIs', whose samples of one metric stand together."""
    metrics: dict[str, list[str]] = {}
    for api, text in texts:
        samples: list[str] = []
        for line in text.splitlines():
            if line.startswith("# HELP "):
                samples = metrics.setdefault(line, [])
            elif line.startswith("#"):
                if line not in samples:
                    samples.append(line)
            else:
                samples.append(labelled(line, api))
    return "".join(f"{line}\n" for heading, samples in metrics.items() for line in (heading, *samples))


def labelled(sample: str, api: str) -> str:
    name, _, value = sample.rpartition(" ")
    if name.endswith("}"):
        return f'{name[:-1]},api="{api}"}} {value}'
    return f'{name}{{api="{api}"}} {value}'
