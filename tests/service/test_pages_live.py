"""The streams of pages: they tell what the page shows, as it changes, to those who may look."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import FastAPI

from jobs.callers.keys import Scope
from jobs.documents import JobId, parse_id
from jobs.storage.store import Store
from jobs.system import System
from service.app import create_app
from service.live.events import BulkSubject, JobSubject, Renderer, Subject
from service.live.views import Views
from service.pages.bulk_parts import Look
from service.pages.live import PageParts
from tests.service.browsing import shown
from tests.service.conftest import As, WithKey
from tests.service.listening import AS_OWNER, PATIENCE, live_system, served
from tests.service.requesting import (
    DONE,
    FAILED,
    OWNER,
    as_bulk_id,
    claimed,
    end_jobs,
    job_ids,
    post,
    settings,
    submit_quick,
)

JOB_PARTS = {"head", "now", "article", "choice", "stages", "attempts", "facts"}
PART = re.compile(r'<hx-partial hx-target="#([\w-]+)" hx-swap="outerMorph">(.*?)</hx-partial>', re.DOTALL)


async def parts_told(system: System, subject: Subject, renderer: Renderer) -> dict[str, str]:
    """By id, as the first message of a stream has them."""
    view = await Views(system).snapshot(subject)
    messages = [renderer.render(event) for event in view.events]
    assert all(message is not None and message.name is None for message in messages)
    return {name: part for message in messages if message for name, part in PART.findall(message.text)}


@pytest.mark.parametrize("scope", [Scope.READ, Scope.WRITE])
async def test_a_stream_of_a_bulk_tells_what_its_page_shows(with_key: WithKey, system: System, scope: Scope) -> None:
    bulk_id = await submit_quick(await with_key())
    await end_jobs(system, DONE, FAILED)
    await claimed(system)
    page = await shown(await with_key(scope=scope), f"/bulks/{bulk_id}")
    may_write = scope is not Scope.READ
    told = await parts_told(system, BulkSubject(OWNER, as_bulk_id(bulk_id)), PageParts(Look(may_write), bulk_id))
    assert {f"job-{job_id}" for job_id in await job_ids(await with_key(), bulk_id)} < told.keys()
    for name, part in told.items():
        assert f'id="{name}"' in part
        assert part in page, name


async def test_a_stream_of_a_job_tells_what_its_page_shows(api: httpx2.AsyncClient, system: System) -> None:
    completed, failed, running, queued, *_ = await job_ids(api, await submit_quick(api))
    await end_jobs(system, DONE, FAILED)
    await claimed(system)
    for job_id in (completed, failed, running, queued):
        page = await shown(api, f"/jobs/{job_id}")
        told = await parts_told(system, JobSubject(OWNER, JobId(parse_id(job_id, "job"))), PageParts(Look(True)))
        assert told.keys() == {
            f"job-{name}" for name in ["head", "now", "article", "choice", "stages", "attempts", "facts"]
        }
        for name, part in told.items():
            assert f'id="{name}"' in part
            assert part in page, name


class TestOnTheWire:
    @pytest.fixture
    async def system(self, store: Store) -> System:
        return await live_system(store)

    @pytest.fixture
    def app(self, system: System) -> FastAPI:
        return create_app(settings(), system)

    @pytest.fixture
    async def api(self, app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
        async with (
            served(app) as url,
            httpx2.AsyncClient(base_url=url, headers=AS_OWNER, timeout=PATIENCE) as client,
        ):
            yield client

    async def test_a_page_goes_on_from_where_it_was_made(self, api: httpx2.AsyncClient, system: System) -> None:
        bulk_id = await submit_quick(api)
        first, second, *_ = await job_ids(api, bulk_id)
        page = await shown(api, f"/bulks/{bulk_id}")
        as_of = re.search(r'"Last-Event-ID": "([^"]+)"', page)
        assert as_of is not None
        await end_jobs(system, DONE)
        async with api.stream("GET", f"/bulks/{bulk_id}/stream", headers={"Last-Event-ID": as_of[1]}) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            assert "content-encoding" not in response.headers
            told = await until(
                response.aiter_lines(), f'id="job-{first}" class="article completed"', "1 of 10 articles completed."
            )
        assert "rows-anew" not in told  # no snapshot
        assert f'id="job-{second}" class="article processing"' not in told

    async def test_a_stream_that_begins_anew_tells_all(self, api: httpx2.AsyncClient, system: System) -> None:
        bulk_id = await submit_quick(api)
        async with api.stream("GET", f"/bulks/{bulk_id}/stream") as response:
            lines = response.aiter_lines()
            told = await until(lines, "rows-anew")
            assert all(f'id="job-{job_id}"' in told for job_id in await job_ids(api, bulk_id))
            await post(api, f"/api/bulk-generate/{bulk_id}/pause")
            await until(lines, f"Paused by {OWNER}.")

    async def test_a_job_is_followed_to_its_end(self, api: httpx2.AsyncClient, system: System) -> None:
        job_id = (await job_ids(api, await submit_quick(api)))[0]
        async with api.stream("GET", f"/jobs/{job_id}/stream") as response:
            lines = response.aiter_lines()
            await until(lines, 'id="job-head"', "Queued")
            claim = await claimed(system)
            await until(lines, '<span class="badge processing">Running</span>')
            await system.queue.finish(claim, DONE)
            await until(lines, '<span class="badge completed">Completed</span>', 'id="article"')


async def until(lines: AsyncIterator[str], *said: str) -> str:
    """What the stream tells until it has said all of that. Fails where nothing comes for long, and at its end."""
    told = ""
    async for line in lines:
        assert not line.startswith("event:")  # an unnamed message is what htmx puts in place
        told += line.removeprefix("data: ") + "\n"
        if all(words in told for words in said):
            return told
    raise AssertionError(f"the stream ended before it said {said}")


async def test_a_stream_is_not_anybodys(api: httpx2.AsyncClient, as_user: As) -> None:
    bulk_id = await submit_quick(api)
    for url in (f"/bulks/{bulk_id}/stream", f"/jobs/{(await job_ids(api, bulk_id))[0]}/stream"):
        assert (await as_user("other").get(url)).status_code == 404
