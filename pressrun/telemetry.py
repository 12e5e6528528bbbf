"""Traces to the collector that the settings name (extra `[otel]`); without one nothing is imported for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Thread
from typing import TYPE_CHECKING

from jobs.configuration.settings import Settings, wrong_setting
from jobs.tracing import Tracer, Untraced

if TYPE_CHECKING:
    from fastapi.telemetry import TelemetryConfig

NOT_INSTALLED = "is set, but what sends traces is not installed: pip install 'pressrun[otel]'"
TRACES_PATH = "/v1/traces"
LAST_SPANS = timedelta(seconds=1)


@dataclass(frozen=True)
class Telemetry:
    """`server` is what FastAPI is told of spans of its own; None where there are to be none."""

    tracer: Tracer = field(default_factory=Untraced)
    server: TelemetryConfig | None = None


@contextmanager
def telemetry_of(settings: Settings, process: str) -> Iterator[Telemetry]:
    """Traces of this process (`service`, `worker`); the last are sent at the end, for at most a second.

    Raises `WrongSettings` where there is a collector and nothing installed that could send to it.
    """
    if settings.otel.endpoint is None:
        yield Telemetry()
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        from pressrun.opentelemetry_tracer import OpenTelemetryTracer, provider_of, server_spans
    except ImportError:
        raise wrong_setting("OTEL__ENDPOINT", NOT_INSTALLED) from None
    headers = {name: value.get_secret_value() for name, value in settings.otel.headers.items()}
    exporter = OTLPSpanExporter(endpoint=str(settings.otel.endpoint).rstrip("/") + TRACES_PATH, headers=headers)
    provider = provider_of(process, BatchSpanProcessor(exporter), settings.otel.sample)
    try:
        yield Telemetry(OpenTelemetryTracer(provider), server_spans(provider))
    finally:
        # A collector that does not answer would hold up the end of the process for half a minute (I8).
        ending = Thread(target=provider.shutdown, daemon=True, name="last spans")
        ending.start()
        ending.join(LAST_SPANS.total_seconds())
