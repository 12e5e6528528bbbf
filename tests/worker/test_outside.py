"""What a stage reaches outside through its tools, in a job that is claimed, run and finished; and its composition."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest

from jobs.configuration.settings import Settings, WrongSettings, load_settings
from jobs.states import JobStatus
from jobs.storage.store import Document
from jobs.system import System
from outbound.allowed import parse_allowed
from outbound.client import Outbound
from tests.outbound.serving import Server, message, says
from tests.support.clock import MovableClock
from tests.worker.conftest import MakeBulk
from tests.worker.publishing_to import TARGET, is_signed, registered
from tests.worker.working import LEASE, OWNER, Worker, a_worker, claimed, in_time
from worker.__main__ import outside_of
from worker.contexts import Contexts
from worker.generator import GeneratorClient
from worker.outside import Outside
from worker.stage import Pipeline, Sofar, Stage, StageInput, Tools


class Given(StageInput):
    url: str
    item: dict[str, Any]


def given(sofar: Sofar) -> Given:
    return Given(url=sofar.item["source_url"], item=dict(sofar.item))


async def gather(given: Given, tools: Tools) -> Document:
    text = await tools.fetch(f"{given.url}/page", types=("text/plain",), most_bytes=1000)
    other = await tools.fetch(f"{given.url}/other", types=("text/*",), most_bytes=1000)
    contexts = [asdict(context) for context in await tools.context(given.item)]
    return {"text": text, "other": len(other), "contexts": contexts}


async def publish(given: Given, tools: Tools) -> Any:
    return await tools.publish(TARGET, {"topic": given.item["topic"]})


async def read_and_publish(given: Given, tools: Tools) -> Any:
    await tools.fetch(f"{given.url}/page", types=("text/plain",), most_bytes=1000)
    return await publish(given, tools)


AT_ONCE = Pipeline("at-once", (Stage("publishing", read_and_publish, given),))
PIPELINE = Pipeline("outward", (Stage("gathering", gather, given), Stage("publishing", publish, given)))
PIPELINES = {pipeline.name: pipeline for pipeline in (AT_ONCE, PIPELINE)}


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server(says(message(b'{"url": "https://cms.example/1"}'))) as server:
        yield server


@pytest.fixture
async def outward(system: System, client: GeneratorClient, server: Server) -> AsyncIterator[Worker]:
    async def tenant(item: Mapping[str, Any]) -> str:
        return f"of {item['tenant']}"

    contexts = Contexts()
    contexts.register("tenant", tenant)
    outbound = Outbound(parse_allowed([server.url]))
    outside = Outside.over(outbound, system.targets, system.clock, contexts=contexts)
    async with a_worker(system, client, pipelines=PIPELINES, outside=outside) as worker:
        yield worker


@pytest.fixture
def submit(make_bulk: MakeBulk, server: Server) -> Any:
    async def submitted(pipeline: Pipeline = PIPELINE) -> None:
        await make_bulk(pipeline=pipeline.spec, params={"source_url": server.url}, tenant="shop")

    return submitted


async def test_a_job_fetches_asks_for_context_and_publishes(
    system: System, outward: Worker, server: Server, submit: Any
) -> None:
    secret = await registered(system, server, OWNER)
    await submit()
    job = await outward.run_next()
    assert (job["status"], job["result"]) == (JobStatus.COMPLETED, {"url": "https://cms.example/1"})
    page, other, published = server.asked
    assert [page.line, other.line] == ["GET /page HTTP/1.1", "GET /other HTTP/1.1"]
    assert published.headers["webhook-id"].startswith(f"{job['_id']}-publishing-")
    assert is_signed(published, secret)
    assert published.body == b'{"topic":"Topic 1"}'


async def test_a_job_whose_target_is_busy_is_put_back_for_as_long_as_it_asks_and_then_published_once(
    system: System, outward: Worker, server: Server, submit: Any, clock: MovableClock
) -> None:
    await registered(system, server, OWNER)
    await submit()
    good, server.answer = server.answer, says(message(b"hello"))
    await in_time(_run_gathering_then(outward, server, status=503))
    clock.move(timedelta(seconds=299))
    assert await system.queue.claim("w2") is None
    clock.move(timedelta(seconds=2))
    server.answer = good
    job = await outward.run_next()
    assert (job["status"], job["retry_count"]) == (JobStatus.COMPLETED, 0)
    posts = [asked for asked in server.asked if asked.line.startswith("POST")]
    assert len({asked.headers["webhook-id"] for asked in posts}) == 1
    assert len(posts) == 2
    assert len(server.asked) == 4, "what was gathered is not fetched again"


async def _run_gathering_then(outward: Worker, server: Server, *, status: int) -> None:
    busy, plain = says(message(b"", status, {"Retry-After": "300"})), says(message(b"hello"))

    async def answer(asked: Any, writer: Any) -> None:
        await (busy if asked.line.startswith("POST") else plain)(asked, writer)

    server.answer = answer
    job = await outward.run_next()
    assert job["status"] == JobStatus.QUEUED


async def test_a_job_that_lost_its_lease_publishes_nothing(
    system: System, outward: Worker, server: Server, submit: Any, clock: MovableClock
) -> None:
    await registered(system, server, OWNER)
    await submit(AT_ONCE)
    claim = await claimed(system)

    async def answer(asked: Any, writer: Any) -> None:
        jobs = system.store.collection("generation_jobs")
        await jobs.update_one({"_id": claim.job_id}, {"$set": {"lease.token": "another's"}})
        clock.move(LEASE)
        await says(message(b"hello"))(asked, writer)

    server.answer = answer
    await in_time(outward.runner.run(claim))
    assert not [asked for asked in server.asked if asked.line.startswith("POST")]


async def test_a_target_that_was_never_registered_fails_the_job_with_a_sentence(outward: Worker, submit: Any) -> None:
    await submit()
    job = await outward.run_next()
    assert (job["status"], job["error"]) == (
        JobStatus.FAILED,
        "There is no target 'site' any more: register it, then retry.",
    )


def settings(**given: Any) -> Settings:
    return load_settings({"auth": {"mode": "off"}, **given}, environment={})


async def test_a_worker_is_put_together_with_the_exceptions_and_providers_of_its_settings(
    system: System, server: Server
) -> None:
    provider = {"name": "pim", "url": f"{server.url}/{{external_id}}", "slot": "product", "headers": {"X-Key": "k"}}
    given = settings(outbound={"allow": [server.url]}, context={"providers": [provider]})
    outside = outside_of(given, system)
    (told,) = await outside.contexts.of({"external_id": "7"})
    assert (told.name, told.slot, told.text) == ("pim", "product", '{"url": "https://cms.example/1"}')
    assert (await server.until_asked()).headers["x-key"] == "k"
    assert (await outside.fetching.get(server.url, types=("text/plain",), most_bytes=100)).status == 200


@pytest.mark.parametrize(
    ("given", "name", "said"),
    [
        ({"outbound": {"allow": ["https://cms.internal/path"]}}, "OUTBOUND__ALLOW", "it opens no single path"),
        ({"outbound": {"allow": ["http://169.254.169.254"]}}, "OUTBOUND__ALLOW", "cannot be made"),
        (
            {"context": {"providers": [{"name": "pim", "url": "http://pim.internal/{topic}"}]}},
            "CONTEXT__PROVIDERS__0__URL",
            "must begin with https://",
        ),
        (
            {"context": {"providers": [{"name": "pim", "url": "https://u:s3cr3t@pim.example/{topic}"}]}},
            "CONTEXT__PROVIDERS__0__URL",
            "must not hold a user name or a password",
        ),
    ],
)
async def test_what_the_guard_would_always_refuse_stops_the_start_and_is_named(
    system: System, given: Any, name: str, said: str
) -> None:
    with pytest.raises(WrongSettings) as refusal:
        outside_of(settings(**given), system)
    (fault,) = refusal.value.faults
    assert fault.path == f"PRESSRUN_{name}"
    assert said in fault.message
    assert "s3cr3t" not in fault.message
