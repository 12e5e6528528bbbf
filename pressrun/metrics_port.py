"""The port on which a process serves its metrics to Prometheus: this machine alone, unless the settings say otherwise.

What is counted is decided elsewhere. Nothing is served on the service's own port, which people reach.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
from prometheus_client import (
    CollectorRegistry,
    Gauge,
    ProcessCollector,
    disable_created_metrics,
    start_http_server,
)

from jobs.errors import PressrunError

log = structlog.get_logger()


@dataclass(eq=False)
class MetricsPortInUse(PressrunError):
    """The metrics port {address} cannot be had: give each process on this machine its own, or 0 for any."""

    address: str


def new_registry(version: str) -> CollectorRegistry:
    """With what is told of any process, and without a second series for each counter that says since when it counts."""
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    build = Gauge("pressrun_build_info", "Which Pressrun this is", ["version"], registry=registry)
    build.labels(version).set(1)
    return registry


@contextmanager
def serving(registry: CollectorRegistry, host: str, port: int | None) -> Iterator[int | None]:
    """The port (another one where it is 0), or None where none is wanted. Raises `MetricsPortInUse`."""
    if port is None:
        yield None
        return
    try:
        server, thread = start_http_server(port, addr=host, registry=registry)
    except OSError:
        raise MetricsPortInUse(f"{host}:{port}") from None
    log.info("metrics_served", address=f"http://{host}:{server.server_port}/metrics")
    try:
        yield int(server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
