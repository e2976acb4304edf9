"""One metrics text of those of several processes.

Source: Prometheus docs, instrumenting/exposition_formats.
"""

from collections.abc import Sequence

NOT_ADDED = ("pgrst_schema_cache_query_time_seconds",)
"""What is no count of anything: the greatest is told."""


def sum_metrics(texts: Sequence[str]) -> str:
    """Add the samples of one name and labels; all samples of a metric stay together, below its comments."""
    metrics: dict[str, dict[str, float]] = {}
    for text in texts:
        samples: dict[str, float] = {}
        for line in text.splitlines():
            if line.startswith("# HELP "):
                samples = metrics.setdefault(line, {})
            elif line.startswith("#"):
                samples.setdefault(line, 0)
            else:
                name, _, value = line.rpartition(" ")
                before = samples.get(name, 0.0)
                samples[name] = max(before, float(value)) if name in NOT_ADDED else before + float(value)
    return "".join(f"{line}\n" for heading, samples in metrics.items() for line in (heading, *_lines(samples)))


def _lines(samples: dict[str, float]) -> list[str]:
    return [name if name.startswith("#") else f"{name} {value}" for name, value in samples.items()]
