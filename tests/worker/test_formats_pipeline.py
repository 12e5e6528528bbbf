"""The pipeline `formats` in a real worker: one source, a job for each template."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from jobs.documents import BulkRequest
from jobs.pipelines import FORMATS
from jobs.storage.store import Document
from jobs.system import System
from tests.support import replies
from tests.support.clock import MovableClock
from tests.support.scripted_generator import ScriptedGenerator
from tests.worker.working import BACKOFF, OWNER, Worker
from worker.stages.formats import is_video

TEXT = "The harbour is old, and it has many boats."


async def submit(system: System, *templates: str, **source: Any) -> Any:
    items: list[Document] = [{**source, "params": {"template": name, "verbosity": "short"}} for name in templates]
    request = BulkRequest(mode="spin", items=items, delay=timedelta(0), pipeline=FORMATS, max_retries=0)
    return (await system.creation.create(OWNER, request)).bulk_id


async def test_each_template_is_a_job_of_its_own_and_one_that_fails_stops_no_other(
    system: System, worker: Worker, generator: ScriptedGenerator
) -> None:
    bulk_id = await submit(system, "summary", "newsletter", "thread", source_text=TEXT)
    generator.otherwise = lambda call: (
        replies.failure("No.") if call.body["template"] == "newsletter" else replies.success("Boats, and a harbour.")
    )
    jobs = [await worker.run_next() for _ in range(3)]
    assert [job["status"] for job in jobs] == ["completed", "failed", "completed"]
    assert [call.body["verbosity"] for call in generator.calls] == ["short"] * 3
    assert generator.calls[0].body["source_text"] == TEXT
    assert (jobs[0]["result_meta"]["template"], jobs[0]["result_meta"]["title"]) == ("summary", "summary")
    bulk = await system.lookup.bulk(OWNER, bulk_id)
    assert (bulk["status"], bulk["completed_items"], bulk["failed_items"]) == ("completed", 2, 1)


async def test_a_video_is_not_fetched_its_url_is_told(
    system: System, worker: Worker, generator: ScriptedGenerator, clock: MovableClock
) -> None:
    await submit(system, "summary", source_url="https://www.youtube.com/watch?v=1")
    job = await worker.run_next()
    assert job["status"] == "completed"
    assert generator.calls[0].body["source_url"] == "https://www.youtube.com/watch?v=1"
    assert job["result_meta"]["stages"][0]["note"] == "a video: the generator is given its URL"
    clock.move(BACKOFF)


@pytest.mark.parametrize(
    ("url", "video"),
    [
        ("https://youtu.be/1", True),
        ("https://m.youtube.com/watch?v=1", True),
        ("https://host.example/a.MP4?x=1", True),
        ("https://host.example/youtube.com", False),
        ("https://notyoutube.com/", False),
    ],
)
def test_what_is_a_video(url: str, video: bool) -> None:
    assert is_video(url) is video
