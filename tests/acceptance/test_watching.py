"""Real processes that are watched: each is scraped, and one trace goes from the request to the generator and back."""

from __future__ import annotations

import re
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from prometheus_client.parser import text_string_to_metric_families as parsed

from tests.acceptance.conftest import FAST
from tests.acceptance.test_journey import items
from tests.jobs.test_tracing import PARENT, TRACE
from tests.support.deployment import Deployment, embedded, on_mongodb
from tests.support.eventually import eventually
from tests.support.processes import Process
from tests.support.scripted_generator import ScriptedGenerator

SERVED = r"(?=.*metrics_served).*(http://127\.0\.0\.1:\d+/metrics)"


class Collector(ThreadingHTTPServer):
    """Takes spans by OTLP over HTTP, and keeps them by the process that sent them."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taking)
        self.spans: list[tuple[str, Span]] = []
        self.keys: set[str | None] = set()


class Taking(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        assert self.path == "/v1/traces"
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            import gzip

            body = gzip.decompress(body)
        told = ExportTraceServiceRequest.FromString(body)
        self.server.keys.add(self.headers.get("x-key"))
        for resource in told.resource_spans:
            names = {one.key: one.value.string_value for one in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.server.spans.extend((names["service.name"], span) for span in scope.spans)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def collecting() -> Iterator[Collector]:
    with Collector() as collector:
        thread = threading.Thread(target=collector.serve_forever, daemon=True)
        thread.start()
        try:
            yield collector
        finally:
            collector.shutdown()
            thread.join()


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture
async def generator() -> AsyncIterator[ScriptedGenerator]:
    async with ScriptedGenerator() as scripted:
        yield scripted


@pytest.fixture
async def deployment(
    collector: Collector, generator: ScriptedGenerator, mongodb_uri: str, mongodb_database: str, tmp_path: Path
) -> AsyncIterator[Deployment]:
    watched = {
        **FAST,
        "PRESSRUN_SERVICE__METRICS_PORT": "0",
        "PRESSRUN_WORKER__METRICS_PORT": "0",
        "PRESSRUN_OTEL__ENDPOINT": f"http://127.0.0.1:{collector.server_port}/",
        "PRESSRUN_OTEL__HEADERS": '{"X-Key": "collector"}',
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    async with on_mongodb(
        watched, tmp_path, mongodb_uri, mongodb_database, workers=1, generator_url=generator.url
    ) as running:
        yield running


async def scraped(client: httpx2.AsyncClient, process: Process) -> dict[str, float]:
    """All samples of ours, by name and labels as they are written."""
    text = (await client.get((await process.said(SERVED))[1])).text
    return {
        sample.name.removeprefix("pressrun_") + "".join(f" {value}" for value in sample.labels.values()): sample.value
        for family in parsed(text)
        for sample in family.samples
        if sample.name.startswith("pressrun_")
    }


async def test_one_process_tells_all_of_it_at_once(tmp_path: Path) -> None:
    async with (
        embedded({**FAST, "PRESSRUN_SERVICE__METRICS_PORT": "0"}, tmp_path) as deployment,
        httpx2.AsyncClient(base_url=deployment.url, timeout=20, trust_env=False) as api,
    ):
        assert (await api.get("/api/queue")).status_code == 200
        told = await scraped(api, deployment.service)
    assert told["http_requests_total GET /api/queue 200"] == 1
    assert (told["workers_live"], told["slots free"], told["jobs_reclaimed_total"]) == (1, 1, 0)


async def test_each_process_is_scraped_and_one_trace_goes_through_all(
    deployment: Deployment, collector: Collector, generator: ScriptedGenerator
) -> None:
    async with httpx2.AsyncClient(base_url=deployment.url, timeout=20, trust_env=False) as api:
        body = {"mode": "topic", "items": items(10)}
        answer = await api.post("/api/bulk-generate", json=body, headers={"traceparent": PARENT})
        bulk_id = answer.json()["bulk_job_id"]

        async def status() -> str:
            return str((await api.get(f"/api/bulk-generate/{bulk_id}")).json()["bulk_job"]["status"])

        await eventually(status, lambda found: found == "completed")
        (worker,) = deployment.workers
        service, working = await scraped(api, deployment.service), await scraped(api, worker)
    assert service["http_requests_total POST /api/bulk-generate 200"] == 1
    assert service["workers_live"] == 1
    assert service["queue_jobs normal queued"] == 0
    assert service["mongodb_pool_size"] == working["mongodb_pool_size"] == 50
    assert working["attempts_total topic completed"] == 10
    assert working["generator_calls_total default ok"] == len(generator.calls)
    assert working["claims_total taken"] == 10
    assert working["slots free"] == 1
    assert "workers_live" not in working  # one look of the service's is enough

    assert {re.split("-", call.headers["traceparent"])[1] for call in generator.calls} == {TRACE}

    async def spans() -> list[tuple[str, Span]]:
        return [(process, span) for process, span in collector.spans if span.trace_id.hex() == TRACE]

    def whole(found: list[tuple[str, Span]]) -> bool:
        return sum(span.name == "pressrun.job" for _, span in found) == 10

    found = await eventually(spans, whole)
    names = {(process, span.name) for process, span in found}
    assert {
        ("pressrun-service", "POST /api/bulk-generate"),
        ("pressrun-worker", "pressrun.claim"),
        ("pressrun-worker", "pressrun.job"),
        ("pressrun-worker", "pressrun.stage component-generation"),
        ("pressrun-worker", "pressrun.generator"),
    } <= names
    by_id = {span.span_id: span for _, span in found}
    call = next(span for _, span in found if span.name == "pressrun.generator")
    line = [call]
    while line[-1].parent_span_id in by_id:
        line.append(by_id[line[-1].parent_span_id])
    assert [span.name for span in line] == [
        "pressrun.generator",
        "pressrun.stage component-generation",
        "pressrun.job",
        "POST /api/bulk-generate",
    ]
    sent = {call.headers["traceparent"].split("-")[2] for call in generator.calls}
    assert call.span_id.hex() in sent
    assert collector.keys == {"collector"}
    ended = worker.told("job_ended")
    assert {(line["trace_id"], line["bulk_id"]) for line in ended} == {(TRACE, bulk_id)}
    assert len({line["job_id"] for line in ended}) == 10
