"""The pipeline `article` in a real worker, around a scripted generator."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.documents import BulkRequest
from jobs.pipelines import ARTICLE
from jobs.states import JobStatus
from jobs.storage.store import Document
from jobs.system import System
from tests.support import replies
from tests.support.clock import MovableClock
from tests.support.invariants import assert_at_rest
from tests.support.scripted_generator import ScriptedGenerator
from tests.worker.conftest import MakeBulk
from tests.worker.working import BACKOFF, LEASE, OWNER, Worker, a_worker, claimed, in_time
from worker.failures import StageFailed
from worker.generator import GeneratorClient
from worker.registry import Kit, built_in
from worker.stages.writing import Components
from worker.text.templates import Templates

WORDS = "The old harbour has {} boats, and each of them has a story that somebody in the town can tell you."
GOOD = "# Boats\n\n" + "\n\n".join(WORDS.format(number) for number in ("ten", "twenty", "thirty", "forty", "fifty"))
SHORT = "# Boats\n\nThere are boats in the harbour."
STAGES = [stage.name for stage in ARTICLE.stages]


def an_item(**fields: Any) -> Document:
    return {"topic": "Boats", "language": "en", **fields}


async def submit(system: System, *items: Document, **settings: Any) -> Any:
    request = BulkRequest(mode="topic", items=items, delay=timedelta(0), **settings)
    return (await system.creation.create(OWNER, request)).bulk_id


async def test_each_of_the_seven_stages_does_its_part_and_tells_its_time(
    system: System, worker: Worker, generator: ScriptedGenerator
) -> None:
    await submit(system, an_item(word_count=105, keywords=["harbour", "boats"]))
    generator.script(replies.success(GOOD, {"input_tokens": 10, "output_tokens": 90, "cost": 0.25}))
    job = await worker.run_next()
    assert (job["status"], job["result"], job["percentage"], job["current_stage"]) == ("completed", GOOD, 100, None)
    meta = job["result_meta"]
    assert [stage["name"] for stage in meta["stages"]] == STAGES
    assert {stage["status"] for stage in meta["stages"]} == {"completed"}
    assert all(stage["duration_ms"] >= 0 for stage in meta["stages"])
    paid = [stage["name"] for stage in meta["stages"] if "cost" in stage]
    assert (paid, meta["usage"]["cost"], job["cost"]) == (["component-generation"], 0.25, 0.25)
    assert (meta["title"], meta["slug"], meta["word_count"], meta["reading_minutes"]) == ("Boats", "boats", 106, 1)
    assert meta["html"].startswith("<h1>Boats</h1>")
    assert meta["quality"] == {"passed": True, "findings": [], "sent_back": False}
    assert (job["checkpoints"], len(job["sketch"]) > 10) == ({}, True)
    [call] = generator.calls
    assert call.body == an_item(word_count=105, keywords=["harbour", "boats"]) | {
        "mode": "topic",
        "job_id": str(job["_id"]),
        "user_id": OWNER,
    }
    await assert_at_rest(system.store)


async def test_a_bad_article_is_sent_back_once_with_what_is_wrong(
    system: System, worker: Worker, generator: ScriptedGenerator
) -> None:
    await submit(system, an_item(word_count=105, keywords=["harbour", "boats"]))
    generator.script(replies.success(SHORT, {"cost": 0.1}), replies.success(GOOD, {"cost": 0.25}))
    job = await worker.run_next()
    first, second = generator.calls
    assert "findings" not in first.body
    assert ["105" in finding for finding in second.body["findings"]] == [True]
    assert first.key != second.key
    assert (job["result"], job["cost"]) == (GOOD, 0.35)
    assert job["result_meta"]["quality"] == {"passed": True, "findings": [], "sent_back": True}


async def test_a_second_version_that_is_no_better_is_kept_with_its_findings(
    system: System, worker: Worker, generator: ScriptedGenerator
) -> None:
    await submit(system, an_item(word_count=500))
    generator.script(replies.success(SHORT), replies.success(GOOD))
    job = await worker.run_next()
    assert (job["status"], job["result"], len(generator.calls)) == ("completed", GOOD, 2)
    quality = job["result_meta"]["quality"]
    assert (quality["passed"], [one["code"] for one in quality["findings"]]) == (False, ["length"])


async def test_where_no_second_version_can_be_had_the_first_is_kept(
    system: System, worker: Worker, generator: ScriptedGenerator
) -> None:
    await submit(system, an_item(word_count=500))
    generator.script(replies.success(GOOD), replies.failure("The topic is forbidden.", retryable=False))
    job = await worker.run_next()
    assert (job["status"], job["result"]) == ("completed", GOOD)
    note = job["result_meta"]["stages"][2]["note"]
    assert note == "The first version is kept, for no better one could be had: The topic is forbidden."


async def test_who_asks_for_no_quality_check_gets_none(
    system: System, worker: Worker, generator: ScriptedGenerator
) -> None:
    await submit(system, an_item(word_count=500), options={"skip_quality_check": True})
    generator.script(replies.success(SHORT))
    job = await worker.run_next()
    assert (job["result"], len(generator.calls)) == (SHORT, 1)
    assert (job["result_meta"]["stages"][4]["status"], job["result_meta"]["quality"]["passed"]) == ("skipped", None)


async def test_a_near_duplicate_of_a_sibling_is_sent_back(
    system: System, worker: Worker, generator: ScriptedGenerator
) -> None:
    await submit(system, an_item(), an_item(topic="Ships"))
    generator.script(replies.success(GOOD), replies.success(GOOD), replies.success(GOOD.replace("story", "song")))
    await worker.run_next()
    job = await worker.run_next()
    assert len(generator.calls) == 3
    assert "1" in generator.calls[2].body["findings"][0]
    assert job["status"] == "completed"


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (an_item(language="xx"), "The language 'xx' is not supported: use one of "),
        (an_item(topic="  !! "), "An item of mode topic needs topic."),
        (an_item(components=["title"]), "The generator cannot write components: "),
    ],
)
async def test_what_cannot_be_written_fails_before_it_costs_anything(
    system: System, worker: Worker, generator: ScriptedGenerator, item: Document, said: str
) -> None:
    await submit(system, item)
    job = await worker.run_next()
    assert (job["status"], job["cost"], generator.calls) == (JobStatus.FAILED, 0.0, [])
    assert job["error"].startswith(said)
    assert (job["current_stage"], job["retry_count"]) == ("validation", 0)
    await assert_at_rest(system.store)


@pytest.mark.parametrize("text", ["", "   \n"])
async def test_a_model_that_returns_nothing_is_tried_again_under_another_key(
    system: System, worker: Worker, generator: ScriptedGenerator, clock: MovableClock, text: str
) -> None:
    await submit(system, an_item())
    generator.script(replies.success(text), replies.success(GOOD))
    first = await worker.run_next()
    assert (first["status"], first["error"]) == ("queued", "The generator's answer has no content.")
    clock.move(BACKOFF)
    assert (await worker.run_next())["result"] == GOOD
    assert [key.rsplit("-", 1)[1] for key in generator.keys] == ["1", "2"]


async def test_half_an_article_is_sent_back_and_two_megabytes_are_kept(
    system: System, worker: Worker, generator: ScriptedGenerator
) -> None:
    await submit(system, an_item(), an_item())
    generator.script(replies.success(GOOD[: len(GOOD) - 30]), replies.success(GOOD))
    assert (await worker.run_next())["result"] == GOOD
    assert "end" in generator.calls[1].body["findings"][0]
    much = "# Boats\n\n" + "\n\n".join(f"Boat number {number} is at sea." for number in range(70_000))
    generator.script(replies.success(much), replies.success(much))
    job = await worker.run_next()
    assert len(much) > 2_000_000
    assert (job["status"], job["result"] == much, job["result_meta"]["html"]) == ("completed", True, None)


def in_parts(templates: Templates | None = None) -> Any:
    return built_in(Kit(templates or Templates(), Components(can=True, at_once=2)))


async def test_components_are_a_call_each_some_at_once_and_what_is_paid_for_is_not_paid_again(
    system: System, client: GeneratorClient, generator: ScriptedGenerator, clock: MovableClock
) -> None:
    names = ["title", "intro", "sections", "conclusion"]
    await submit(system, an_item(components=names))
    generator.otherwise = lambda call: (
        replies.failure("Overloaded.")
        if call.body["component"] == "sections" and len(generator.calls) < 4
        else replies.success(f"{call.body['component'].title()} of the boats in the harbour.", {"cost": 0.1})
    )
    async with a_worker(system, client, pipelines=in_parts()) as worker:
        first = await worker.run_next()
        assert (first["status"], first["error"]) == ("queued", "Overloaded.")
        assert set(first["paid"]["component-generation"]) == {"title", "intro", "conclusion"}
        clock.move(BACKOFF)
        job = await worker.run_next()
    asked = [call.body["component"] for call in generator.calls]
    assert (sorted(asked), asked[-1]) == (sorted([*names, "sections"]), "sections")
    assert generator.most_at_once <= 2
    assert job["status"] == "completed"
    assert job["result"].startswith("# Title of the boats in the harbour.\n\nIntro of the boats")
    assert (job["paid"], job["cost"]) == ({}, pytest.approx(0.4))


async def test_a_template_with_an_error_loses_nothing_that_was_paid_for(
    system: System, client: GeneratorClient, generator: ScriptedGenerator, tmp_path: Path
) -> None:
    (tmp_path / "default.md.j2").write_text("# {{ components.title }}\n{{ components.nothing }}\n")
    await submit(system, an_item(components=["title", "intro"]))
    generator.otherwise = lambda call: replies.success(f"{call.body['component']} of the boats in the harbour.")
    async with a_worker(system, client, pipelines=in_parts(Templates(tmp_path))) as worker:
        failed = await worker.run_next()
    assert (failed["status"], failed["current_stage"]) == (JobStatus.FAILED, "template-assembly")
    assert failed["error"].startswith("The template default.md.j2, line 2 cannot be used: ")
    await system.controls.retry_job(OWNER, failed["_id"])
    async with a_worker(system, client, pipelines=in_parts()) as mended:
        job = await mended.run_next()
    assert (job["status"], len(generator.calls)) == ("completed", 2)


async def test_from_a_named_stage_it_is_paid_for_again(
    system: System, client: GeneratorClient, generator: ScriptedGenerator, tmp_path: Path
) -> None:
    (tmp_path / "default.md.j2").write_text("{{ nothing }}")
    await submit(system, an_item(components=["intro"]))
    generator.otherwise = lambda call: replies.success("Boats are in the harbour of the town.")
    async with a_worker(system, client, pipelines=in_parts(Templates(tmp_path))) as worker:
        failed = await worker.run_next()
    await system.controls.retry_job(OWNER, failed["_id"], from_stage="context-building")
    async with a_worker(system, client, pipelines=in_parts()) as mended:
        assert (await mended.run_next())["status"] == "completed"
    assert [key.rsplit("-", 1)[1] for key in generator.keys] == ["1", "2"]


async def test_from_a_stage_after_what_was_sent_back_nothing_is_paid_for_again(
    system: System, worker: Worker, generator: ScriptedGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: Any, **__: Any) -> Any:
        raise StageFailed("It rains.", permanent=True)

    await submit(system, an_item(word_count=105))
    generator.script(replies.success(SHORT), replies.success(GOOD))
    with monkeypatch.context() as raining:
        raining.setattr("worker.stages.article.processed", fails)
        failed = await worker.run_next()
    assert (failed["status"], failed["current_stage"]) == (JobStatus.FAILED, "post-processing")
    await system.controls.retry_job(OWNER, failed["_id"], from_stage="template-assembly")
    job = await worker.run_next()
    assert (job["status"], job["result"], len(generator.calls)) == ("completed", GOOD, 2)
    assert job["result_meta"]["quality"]["sent_back"] is True


async def test_a_worker_told_to_stop_ends_what_is_quick_after_a_call_that_it_waited_for(
    system: System, worker: Worker, generator: ScriptedGenerator
) -> None:
    await submit(system, an_item())
    held = replies.success(GOOD).held()
    generator.script(held)
    claim = await claimed(system)
    running = worker.start_next(claim)
    await generator.called()
    worker.shutdown.ask()
    held.release()
    await running
    assert (await system.lookup.job(OWNER, claim.job_id))["status"] == "completed"


async def test_one_that_is_sent_back_while_the_worker_stops_is_handed_back_with_its_findings(
    system: System, worker: Worker, generator: ScriptedGenerator, client: GeneratorClient
) -> None:
    await submit(system, an_item(word_count=105))
    held = replies.success(SHORT).held()
    generator.script(held, replies.success(GOOD))
    claim = await claimed(system)
    running = worker.start_next(claim)
    await generator.called()
    worker.shutdown.ask()
    held.release()
    await running
    job = await system.lookup.job(OWNER, claim.job_id)
    assert (job["status"], job["attempts"][0]["outcome"], job["retry_count"]) == ("queued", "handed_back", 0)
    assert (job["current_stage"], job["sent_back"]["by"]) == ("component-generation", "quality-validation")
    async with a_worker(system, client) as other:
        assert (await other.run_next())["result"] == GOOD
    assert len(generator.calls[1].body["findings"]) == 1


async def test_a_job_whose_lease_was_taken_in_the_middle_keeps_nothing_and_calls_nobody(
    system: System, worker: Worker, generator: ScriptedGenerator, clock: MovableClock, make_bulk: MakeBulk
) -> None:
    await submit(system, an_item())
    claim = await claimed(system, "slow")
    await system.sweep.run()
    clock.move(2 * LEASE)
    assert await system.sweep.run() == 1
    await in_time(worker.runner.run(claim))
    job = await system.lookup.job(OWNER, claim.job_id)
    assert (job["status"], job["checkpoints"], generator.calls) == ("queued", {}, [])
