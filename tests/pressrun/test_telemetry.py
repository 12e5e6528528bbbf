"""Spans by OpenTelemetry: one trace from the request to the notice, with names and ids of ours and nobody's text."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx2
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from jobs.configuration.settings import WrongSettings, load_settings
from jobs.storage.embedded.store import EmbeddedStore
from jobs.system import Rules, start
from jobs.tracing import Tracer, current
from pressrun.opentelemetry_tracer import OpenTelemetryTracer, provider_of, server_spans
from pressrun.telemetry import Telemetry, telemetry_of
from service.app import create_app
from tests.jobs.test_tracing import PARENT, TRACE
from tests.service.requesting import BULKS, bulk, settings


@pytest.fixture
def exported() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def telemetry(exported: InMemorySpanExporter) -> Iterator[Telemetry]:
    provider = provider_of("test", SimpleSpanProcessor(exported))
    yield Telemetry(OpenTelemetryTracer(provider), server_spans(provider))
    provider.shutdown()


@pytest.fixture
def tracer(telemetry: Telemetry) -> Tracer:
    return telemetry.tracer


def ids_of(span: ReadableSpan) -> tuple[str, str]:
    told = span.get_span_context()
    assert told is not None
    return f"{told.trace_id:032x}", f"{told.span_id:016x}"


def trace_of(span: ReadableSpan) -> str:
    return ids_of(span)[0]


def test_a_span_goes_on_with_the_trace_that_was_stored_and_those_within_with_it(
    tracer: Tracer, exported: InMemorySpanExporter
) -> None:
    with tracer.span("pressrun.job", follows=PARENT, facts={"job_id": "j"}) as job:
        assert current() == tracer.traceparent == job.traceparent
        with tracer.span("pressrun.generator"):
            pass
    assert current() is None
    inner, outer = exported.get_finished_spans()
    assert (inner.name, outer.name) == ("pressrun.generator", "pressrun.job")
    assert trace_of(inner) == trace_of(outer) == TRACE
    assert outer.parent is not None
    assert f"{outer.parent.span_id:016x}" in PARENT
    assert inner.parent == outer.get_span_context()
    assert dict(outer.attributes or {}) == {"pressrun.job_id": "j"}


def test_what_no_trace_has_led_to_begins_one(tracer: Tracer, exported: InMemorySpanExporter) -> None:
    with tracer.span("pressrun.job", follows=None):
        pass
    (span,) = exported.get_finished_spans()
    assert span.parent is None


def test_an_error_is_told_by_its_kind_and_not_by_its_text(tracer: Tracer, exported: InMemorySpanExporter) -> None:
    def fails() -> None:
        raise ValueError("what a user wrote")

    with pytest.raises(ValueError, match="wrote"), tracer.span("pressrun.stage storage"):
        fails()
    (span,) = exported.get_finished_spans()
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "ValueError")
    assert "wrote" not in span.to_json()


def test_a_span_that_is_over_has_taken_as_long_as_is_told(tracer: Tracer, exported: InMemorySpanExporter) -> None:
    tracer.was("pressrun.claim", 1.5, follows=PARENT)
    (span,) = exported.get_finished_spans()
    assert trace_of(span) == TRACE
    assert (span.end_time or 0) - (span.start_time or 0) == 1_500_000_000


async def test_a_request_is_a_span_and_what_it_submits_remembers_that(
    telemetry: Telemetry, exported: InMemorySpanExporter
) -> None:
    store = EmbeddedStore.in_memory()
    app = create_app(settings(), await start(store, Rules()), tracer=telemetry.tracer, telemetry=telemetry.server)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://127.0.0.1:8000") as client:
        answer = await client.post(BULKS, json=bulk(), headers={"traceparent": PARENT})
        assert answer.status_code == 200
        await client.get("/healthz")
        shown = (await client.get(f"{BULKS}/{answer.json()['bulk_job_id']}")).text
    post, look = (span for span in exported.get_finished_spans() if span.kind.name == "SERVER")
    assert (post.name, look.name) == (f"POST {BULKS}", f"GET {BULKS}/{{bulk_id}}")
    assert trace_of(post) == TRACE
    stored = await store.collection("bulk_jobs").find_one({})
    assert stored is not None
    assert stored["trace"] == f"00-{TRACE}-{ids_of(post)[1]}-01"
    assert TRACE not in shown


async def test_without_a_collector_a_request_makes_no_span_and_its_trace_is_passed_on() -> None:
    store = EmbeddedStore.in_memory()
    with telemetry_of(settings(), "service") as none:
        app = create_app(settings(), await start(store, Rules()), tracer=none.tracer, telemetry=none.server)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://127.0.0.1:8000") as client:
        await client.post(BULKS, json=bulk(), headers={"traceparent": PARENT})
    stored = await store.collection("bulk_jobs").find_one({})
    assert stored is not None
    assert stored["trace"] == PARENT


def test_without_a_collector_nothing_that_sends_traces_is_imported() -> None:
    code = (
        "import sys, pressrun.compose, pressrun.telemetry\n"
        "print([name for name in sys.modules if name.startswith(('opentelemetry', 'fastapi'))])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.strip() == "[]"


def test_a_collector_that_does_not_answer_holds_up_no_end() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        given = {"auth": {"mode": "off"}, "otel": {"endpoint": f"http://127.0.0.1:{silent.getsockname()[1]}"}}
        with telemetry_of(load_settings(given, environment={}), "worker") as telemetry:
            with telemetry.tracer.span("pressrun.job"):
                pass
            ends = time.monotonic()
        assert time.monotonic() - ends < 5


def test_a_collector_without_the_extra_is_a_setting_that_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    given = {"auth": {"mode": "off"}, "otel": {"endpoint": "http://127.0.0.1:9"}}
    with (
        pytest.raises(WrongSettings) as wrong,
        telemetry_of(load_settings(given, environment={}), "service"),
    ):
        pass
    (fault,) = wrong.value.faults
    assert fault.path == "PRESSRUN_OTEL__ENDPOINT"
    assert "pressrun[otel]" in fault.message
