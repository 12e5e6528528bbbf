"""All that Pressrun's processes tell Prometheus, as their own code makes it: names, labels, values. No tests here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric

from jobs.storage.pool_use import PoolUse
from pressrun.gauges import PoolGauges, SystemGauges
from pressrun.metrics_port import new_registry
from service.metrics import ServiceMetrics
from worker.metrics import Metrics

OURS = "pressrun_"
HISTOGRAM_PARTS = ("bucket", "sum", "count")


def counted(version: str = "1.2.3") -> CollectorRegistry:
    """What a process tells of itself: that of a worker and that of a service in one."""
    registry = new_registry(version)
    registry.register(PoolGauges(PoolUse(5)))
    Metrics(registry).watch_slots(1, lambda: 0)
    service = ServiceMetrics(registry)
    service.answered("GET", "/api/queue", 200, 0.1)
    service.watch_streams("bulk", lambda: 0)
    return registry


def measured() -> Mapping[str, frozenset[str]]:
    """The labels of each metric, by its whole name without `pressrun_`."""
    return {_name(metric): _labels(metric) for metric in _metrics()}


def histograms() -> frozenset[str]:
    return frozenset(_name(metric) for metric in _metrics() if metric.type == "histogram")


def values() -> Mapping[str, Mapping[str, frozenset[str]]]:
    """Of the metrics that tell every value of their labels from the start: what each label may be."""
    return {
        _name(metric): {
            label: frozenset(sample.labels[label] for sample in metric.samples) for label in _labels(metric) - {"le"}
        }
        for metric in counted().collect()
        if metric.name.startswith(OURS) and "http_" not in metric.name and "streams" not in metric.name
    }


def _metrics() -> Iterable[Metric]:
    told = [*counted().collect(), *SystemGauges.describe()]
    return [metric for metric in told if metric.name.startswith(OURS)]


def _name(metric: Metric) -> str:
    return metric.name.removeprefix(OURS) + ("_total" if metric.type == "counter" else "")


def _labels(metric: Metric) -> frozenset[str]:
    """Those of a family of the census, which has no samples without a database, are known to it alone."""
    of_samples = {label for sample in metric.samples for label in sample.labels}
    return frozenset({*of_samples, *getattr(metric, "_labelnames", ())}) - {"le"}
