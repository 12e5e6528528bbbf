"""What a service process counts for Prometheus: requests, refusals, open streams. Nothing is decided by a metric."""

from __future__ import annotations

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jobs.errors import PressrunError, TooManyOpenBulks, TooManySends, TooManySubmissions
from service.refusals import TooManyStreams

REASONS: dict[type[PressrunError], str] = {
    TooManySubmissions: "submissions",
    TooManyOpenBulks: "open_bulks",
    TooManyStreams: "streams",
    TooManySends: "sends",
}
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NOWHERE = "none"
"""The route of what was answered before its route was known, or has none: a path of anybody's choice is no label."""


class ServiceMetrics:
    """On a registry of its own where none is given."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        told = ["method", "route", "status"]
        self._requests = Counter("pressrun_http_requests_total", "Requests answered", told, registry=self.registry)
        self._seconds = Histogram(
            "pressrun_http_request_seconds",
            "How long it takes until an answer begins; a stream's does so at once",
            ["route"],
            registry=self.registry,
        )
        self._refused = Counter(
            "pressrun_refused_total",
            "Requests refused for a limit of their user",
            ["reason"],
            registry=self.registry,
        )
        for reason in REASONS.values():
            self._refused.labels(reason)
        self._streams = Gauge("pressrun_streams_open", "Live streams open", ["subject"], registry=self.registry)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method if method in METHODS else "other", route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def refused(self, error: PressrunError) -> None:
        """Nothing for an error that is no limit of a user's."""
        reason = REASONS.get(type(error))
        if reason is not None:
            self._refused.labels(reason).inc()

    def watch_streams(self, subject: str, count: Callable[[], int]) -> None:
        """`count` is asked at each scrape, by another thread."""
        self._streams.labels(subject).set_function(count)


class Counted:
    """ASGI middleware around all else: what never reached a route is counted too."""

    def __init__(self, app: ASGIApp, metrics: ServiceMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._metrics.answered(
                    scope["method"], _route_of(scope), message["status"], time.perf_counter() - began
                )
            await send(message)

        await self._app(scope, receive, counted)


def _route_of(scope: Scope) -> str:
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else NOWHERE
