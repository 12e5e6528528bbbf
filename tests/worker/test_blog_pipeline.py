"""The pipeline `blog` in a real worker: ideas, a person's choice, text, image. Publishing has tests of its own."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from jobs.capacity.admission import LONG_DOWN
from jobs.capacity.scopes import GENERATOR
from jobs.clock import NEVER
from jobs.documents import BulkRequest, Lane
from jobs.errors import StoreRefused
from jobs.pipelines import BLOG, CONTENT, IDEAS, IMAGES
from jobs.queue import LOOK_AGAIN
from jobs.selections import DEADLINE, Choice
from jobs.states import JobStatus
from jobs.storage.store import Document
from jobs.system import System
from tests.support import replies
from tests.support.clock import MovableClock
from tests.support.faulty_store import FaultyStore
from tests.support.invariants import assert_at_rest
from tests.support.scripted_generator import ScriptedGenerator, article
from tests.worker.working import BACKOFF, OWNER, Worker, a_worker, claimed
from worker.generator import GeneratorClient
from worker.outcomes import MAX_UNCOUNTED, Interruption
from worker.registry import Kit, built_in
from worker.text.templates import Templates

PNG = b"\x89PNG\r\n\x1a\n" + b"an image" * 100
ME = "owner"


@pytest.fixture
async def blogger(system: System, client: GeneratorClient) -> AsyncIterator[Worker]:
    """A worker whose generators of ideas and images are the one of contents."""
    others = {IDEAS: client, IMAGES: client}
    pipelines = built_in(Kit(Templates(), has_images=True))
    async with a_worker(system, client, others=others, pipelines=pipelines) as worker:
        yield worker


async def submit(system: System, *items: Document, options: Document | None = None, **settings: Any) -> Any:
    request = BulkRequest(
        mode="topic", items=items, delay=timedelta(0), pipeline=BLOG, options=options or {}, **settings
    )
    return (await system.creation.create(OWNER, request)).bulk_id


async def test_a_blog_waits_for_a_choice_without_a_slot_and_goes_on_with_it(
    system: System, blogger: Worker, generator: ScriptedGenerator
) -> None:
    bulk_id = await submit(system, {"topic": "Boats", "language": "en"}, options={"ideas": 3})
    waiting = await blogger.run_next()
    assert (waiting["status"], waiting["lease"], waiting["percentage"]) == ("awaiting_selection", None, 20)
    selection = waiting["selection"]
    assert [option["title"] for option in selection["options"]] == ["Idea 0", "Idea 1", "Idea 2"]
    assert (selection["recommended"], generator.calls[0].body["count"]) == (1, 3)
    assert (await system.lookup.bulk(OWNER, bulk_id))["busy"] == 0
    assert await system.queue.claim("w") is None
    await assert_at_rest(system.store)

    await system.selections.choose(OWNER, waiting["_id"], Choice(ME, 2))
    job = await blogger.run_next()
    assert job["status"] == "completed"
    assert [call.mode for call in generator.calls] == ["ideas", "topic", "image"]
    assert generator.calls[1].body["idea"] == {"title": "Idea 2"}
    assert "Idea 2" in generator.calls[2].body["prompt"]
    meta = job["result_meta"]
    assert (meta["idea"], meta["image"]["url"], meta["published"]) == (
        {"title": "Idea 2"},
        "https://images.example/a.png",
        None,
    )
    assert job["cost"] == pytest.approx(0.001 + 0.01 + 0.02)
    assert [stage["name"] for stage in meta["stages"]] == [stage.name for stage in BLOG.stages]
    await assert_at_rest(system.store)


async def test_a_person_may_edit_the_idea(system: System, blogger: Worker, generator: ScriptedGenerator) -> None:
    await submit(system, {"topic": "Boats"})
    waiting = await blogger.run_next()
    edited = {"title": "My own", "summary": "Of ships."}
    await system.selections.choose(OWNER, waiting["_id"], Choice(ME, edited=edited))
    job = await blogger.run_next()
    assert (generator.calls[1].body["idea"], job["result_meta"]["idea"]) == (edited, edited)


async def test_the_deadline_chooses_what_is_recommended(
    system: System, blogger: Worker, generator: ScriptedGenerator, clock: MovableClock
) -> None:
    await submit(system, {"topic": "Boats"}, {"topic": "Ships"}, options={"select_within_hours": 2})
    for _ in range(2):
        await blogger.run_next()
    assert await system.selections.choose_overdue() == 0
    clock.move(timedelta(hours=2))
    assert await system.selections.choose_overdue() == 2
    job = await blogger.run_next()
    assert job["selection"]["chosen"] == {"choice": 1, "edited": None, "by": DEADLINE, "at": clock.now()}
    assert job["result_meta"]["idea"] == {"title": "Idea 1"}


async def test_where_an_idea_is_given_nobody_is_asked(
    system: System, blogger: Worker, generator: ScriptedGenerator
) -> None:
    await submit(system, {"topic": "Boats", "params": {"idea": "Why boats float"}}, options={"image": False})
    job = await blogger.run_next()
    assert (job["status"], [call.mode for call in generator.calls]) == ("completed", ["topic"])
    assert [stage["status"] for stage in job["result_meta"]["stages"]] == [
        "skipped",
        "skipped",
        "completed",
        "skipped",
        "completed",
    ]
    assert (job["result_meta"]["idea"], job["result_meta"]["image"]) == ({"title": "Why boats float"}, None)


async def test_each_blog_moves_on_its_own(system: System, blogger: Worker) -> None:
    await submit(system, {"topic": "Boats"}, {"topic": "Ships"}, {"topic": "Rafts"})
    first, _second, third = [await blogger.run_next() for _ in range(3)]
    await system.selections.choose(OWNER, third["_id"], Choice(ME, 0))
    assert (await blogger.run_next())["_id"] == third["_id"]
    await system.selections.choose(OWNER, first["_id"], Choice(ME, 0))
    assert (await blogger.run_next())["_id"] == first["_id"]


async def test_the_bytes_of_an_image_are_kept_once(
    system: System, blogger: Worker, generator: ScriptedGenerator
) -> None:
    await submit(system, {"topic": "Boats", "params": {"idea": "Why boats float"}})
    drawn = replies.success({"data": base64.b64encode(PNG).decode(), "alt": "Boat"})
    generator.otherwise = lambda call: drawn if call.mode == "image" else article(call)
    job = await blogger.run_next()
    image = job["result_meta"]["image"]
    assert (image["url"], image["content_type"]) == (f"/api/assets/{image['asset']}", "image/png")
    assert await system.materials.asset(OWNER, image["asset"]) == (PNG, "image/png")
    [asset] = await system.store.collection("assets").find({})
    assert (asset["job_id"], asset["size"]) == (job["_id"], len(PNG))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"data": "?"}, "bytes that are not in Base64"),
        ({"data": base64.b64encode(b"<svg onload=x>").decode()}, "bytes that are no PNG, JPEG, GIF or WebP"),
        ({"data": base64.b64encode(PNG[:8] + bytes(8 * 2**20)).decode()}, "more than 8 MB"),
        ("text", "neither a URL nor bytes"),
    ],
)
async def test_an_image_that_cannot_be_used_is_done_without_unless_it_was_asked_for(
    system: System, blogger: Worker, generator: ScriptedGenerator, content: object, said: str
) -> None:
    item = {"topic": "Boats", "params": {"idea": "Why boats float"}}
    await submit(system, item, max_retries=0)
    await submit(system, item, max_retries=0, options={"image": True})
    generator.otherwise = lambda call: replies.success(content) if call.mode == "image" else article(call)
    jobs = [await blogger.run_next() for _ in range(2)]
    wanted = next(job for job in jobs if job["status"] == JobStatus.FAILED)
    without = next(job for job in jobs if job["status"] == JobStatus.COMPLETED)
    assert wanted["error"] == f"The generator of images gave {said}."
    assert without["result_meta"]["stages"][3]["note"] == f"There is no image: The generator of images gave {said}."
    assert without["result_meta"]["image"] is None


async def test_an_article_does_not_wait_for_ever_for_an_image_that_nobody_asked_for(
    system: System, blogger: Worker, generator: ScriptedGenerator, clock: MovableClock
) -> None:
    await submit(system, {"topic": "Boats", "params": {"idea": "Why boats float"}})
    generator.otherwise = lambda call: replies.status(503) if call.mode == "image" else article(call)
    down = {"down": True, "down_since": clock.now(), "probe_at": NEVER}
    await system.store.collection("limits").update_one({"_id": GENERATOR + IMAGES}, {"$set": down})
    job = await blogger.run_next()
    assert (job["status"], job["current_stage"]) == ("queued", "image-generation")
    clock.move(LONG_DOWN - timedelta(seconds=1))
    assert await system.queue.claim("w") is None
    for _ in range(MAX_UNCOUNTED):
        clock.move(BACKOFF)
        job = await blogger.run_next()
    assert (job["status"], job["result_meta"]["image"], job["retry_count"]) == ("completed", None, 0)
    assert job["result_meta"]["stages"][3]["note"] == "There is no image: The generator answered 503."
    assert Counter(call.mode for call in generator.calls) == {"topic": 1, "image": MAX_UNCOUNTED}


@pytest.mark.parametrize("url", ["http://images.example/a.png", "https://10.0.0.1/a.png", "javascript:alert(1)"])
async def test_an_image_that_is_not_for_everybody_is_done_without(
    system: System, blogger: Worker, generator: ScriptedGenerator, url: str
) -> None:
    await submit(system, {"topic": "Boats", "params": {"idea": "Why boats float"}}, max_retries=0)
    generator.otherwise = lambda call: replies.success({"url": url}) if call.mode == "image" else article(call)
    job = await blogger.run_next()
    note = job["result_meta"]["stages"][3]["note"]
    assert note.startswith("There is no image: The image of the generator cannot be used: ")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        *((content, "none that can be read") for content in ({"ideas": ["", {"title": " "}, 3]}, "no list", {"o": 1})),
        ({"ideas": [{"title": "Boats", "summary": "x" * 2**21}]}, "more than 1 MB"),
    ],
)
async def test_ideas_that_cannot_be_read_are_asked_for_again(
    system: System, blogger: Worker, generator: ScriptedGenerator, clock: MovableClock, content: object, said: str
) -> None:
    await submit(system, {"topic": "Boats"})
    generator.script(
        replies.success(content), replies.success({"ideas": ["A text is a title", {"title": "So is this"}]})
    )
    first = await blogger.run_next()
    assert (first["status"], first["error"]) == ("queued", f"The generator of ideas gave {said}.")
    clock.move(BACKOFF)
    options = (await blogger.run_next())["selection"]["options"]
    assert options == [{"title": "A text is a title"}, {"title": "So is this"}]
    assert generator.keys[0] != generator.keys[1]


async def test_a_question_that_the_database_refuses_costs_a_try_and_holds_nothing_up(
    system: System, blogger: Worker, faulty: FaultyStore
) -> None:
    def refuse() -> None:
        raise StoreRefused("too large")

    await submit(system, {"topic": "Boats"}, max_retries=0)
    faulty.before("generation_jobs", "update_one", lambda: None)  # the ideas are kept
    faulty.before("generation_jobs", "update_one", refuse)
    job = await blogger.run_next()
    assert (job["status"], job["error"]) == ("failed", "The result could not be stored: too large.")
    assert (await system.lookup.bulk(OWNER, job["bulk_job_id"]))["status"] == "completed"


async def test_without_a_generator_of_ideas_it_is_said_what_to_set(
    system: System, worker: Worker, generator: ScriptedGenerator
) -> None:
    await submit(system, {"topic": "Boats"}, max_retries=0)
    job = await worker.run_next()
    assert (job["status"], generator.calls) == (JobStatus.FAILED, [])
    assert job["error"] == "This worker knows no generator of ideas: set its URL in the settings."


async def test_each_generator_has_its_own_rate_and_its_own_breaker(
    system: System, blogger: Worker, generator: ScriptedGenerator, clock: MovableClock
) -> None:
    await system.limits.change({"ideas_requests_per_minute": 2, "requests_per_minute": 100})
    bulk_id = await submit(system, *[{"topic": f"Boat {number}"} for number in range(4)])
    for _ in range(2):
        await blogger.run_next()
    assert await system.queue.claim("w") is None
    used = await system.scopes.find([GENERATOR + name for name in (CONTENT, IDEAS, IMAGES)])
    assert {name: len(scope["recent"]) for name, scope in used.items()} == {
        GENERATOR + CONTENT: 0,
        GENERATOR + IDEAS: 2,
        GENERATOR + IMAGES: 0,
    }
    jobs = await system.lookup.jobs_of(await system.lookup.bulk(OWNER, bulk_id), 4)
    assert [job["status"] for job in jobs] == [*["awaiting_selection"] * 2, *["queued"] * 2]
    await system.selections.choose(OWNER, jobs[0]["_id"], Choice(ME, 0))
    clock.move(timedelta(seconds=3))
    job = await blogger.run_next()  # its next call is another generator's
    assert (job["_id"], job["status"]) == (jobs[0]["_id"], "completed")
    assert await system.queue.claim("w") is None
    clock.move(timedelta(minutes=2))
    assert (await blogger.run_next())["status"] == "awaiting_selection"


async def test_a_blog_that_waits_for_its_image_holds_up_none_that_does_not(
    system: System, blogger: Worker, generator: ScriptedGenerator, clock: MovableClock
) -> None:
    await submit(system, *[{"topic": f"Boat {number}"} for number in range(3)])
    waiting = [await blogger.run_next() for _ in range(3)]
    for job in waiting:
        await system.selections.choose(OWNER, job["_id"], Choice(ME, 0))
    generator.script(replies.success("Text"), replies.never())
    running = blogger.start_next(await claimed(system))
    await generator.called(5)
    blogger.keeper.interrupt_all(Interruption.SHUTDOWN)
    await running
    first = await system.lookup.job(OWNER, waiting[0]["_id"])
    assert (first["status"], first["current_stage"], first["lane"]) == ("queued", "image-generation", Lane.FIRST)
    limits = system.store.collection("limits")
    await limits.update_one({"_id": GENERATOR + IMAGES}, {"$set": {"down": True}})
    for other in waiting[1:]:
        assert (await blogger.run_next())["_id"] == other["_id"]
    assert await system.queue.claim("w") is None
    await limits.update_one({"_id": GENERATOR + IMAGES}, {"$set": {"down": False}})
    clock.move(LOOK_AGAIN)
    assert (await blogger.run_next())["_id"] == first["_id"]
