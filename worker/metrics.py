"""What a worker counts for Prometheus, and the loopback port that serves it. Nothing is decided by a metric."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, start_http_server

from jobs.audit import Fault
from jobs.errors import PressrunError

LOOPBACK = "127.0.0.1"


@dataclass(eq=False)
class MetricsPortInUse(PressrunError):
    """The metrics port {port} is in use already: give each worker on this machine its own, or 0 for any."""

    port: int


class Metrics:
    """A registry of its own, so that several workers can live in one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._broken = Counter(
            "pressrun_invariants_broken_total",
            "Findings of the live reconciler; any is a fault of Pressrun's",
            ["fault"],
            registry=self._registry,
        )
        for fault in Fault:
            self._broken.labels(fault.value)  # so that each is there, and 0

    def found(self, fault: Fault) -> None:
        self._broken.labels(fault.value).inc()

    def serve(self, port: int) -> int:
        """Serve them on this machine alone; the port (another one where it is 0). Raises `MetricsPortInUse`."""
        try:
            server, _ = start_http_server(port, addr=LOOPBACK, registry=self._registry)
        except OSError:
            raise MetricsPortInUse(port) from None
        return int(server.server_port)
