"""Choices: once, of what is there, before the deadline; by many at once; whoever dies over them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId

from jobs.claims import Claim
from jobs.controls import Pause
from jobs.documents import JobId
from jobs.errors import InvalidInput, MoveRefused, NotFound, SelectionRefused
from jobs.expenses import Expense
from jobs.intents import Intent
from jobs.outcomes import Awaiting, Completed, Failed
from jobs.pipelines import BLOG
from jobs.selections import DEADLINE, Choice
from jobs.states import BulkStatus, JobStatus
from jobs.storage.store import Document
from jobs.system import System
from tests.jobs.conftest import OWNER, MakeBulk
from tests.jobs.test_queue import claimed
from tests.support.clock import MovableClock
from tests.support.invariants import assert_at_rest

ME = "owner"
OPTIONS = [{"title": "this"}, {"title": "that"}]
HOUR = timedelta(hours=1)


async def ask(
    system: System, clock: MovableClock, within: timedelta | None = HOUR, options: Sequence[Document] = OPTIONS
) -> Claim:
    """The next job, which now waits for a choice."""
    claim = await claimed(system)
    selection = {
        "stage": "selection",
        "hash": "h",
        "options": options,
        "recommended": len(options) - 1,
        "until": clock.now() + within if within else None,
        "then": "content-generation",
        "percentage": 40,
    }
    await system.queue.finish(claim, Awaiting(selection, Expense()))
    return claim


@pytest.fixture
async def asked(system: System, make_bulk: MakeBulk, clock: MovableClock) -> Claim:
    await make_bulk(2, pipeline=BLOG)
    return await ask(system, clock)


async def job_of(system: System, job_id: JobId) -> Document:
    return await system.lookup.job(OWNER, job_id)


async def test_a_choice_is_the_stages_result_and_the_job_keeps_its_place(
    system: System, asked: Claim, clock: MovableClock
) -> None:
    assert (await job_of(system, asked.job_id))["status"] == JobStatus.AWAITING_SELECTION
    await assert_at_rest(system.store)
    clock.move(timedelta(seconds=90))
    job = await system.selections.choose(OWNER, asked.job_id, Choice(ME, 0))
    entry = job["checkpoints"]["selection"]
    assert (entry["result"], entry["hash"], entry["duration_ms"]) == ({"title": "this"}, "h", 90_000)
    assert (job["status"], job["current_stage"], job["percentage"]) == ("queued", "content-generation", 40)
    assert (await claimed(system)).job_id == asked.job_id


async def test_the_same_choice_again_changes_nothing_and_another_is_refused(system: System, asked: Claim) -> None:
    first = await system.selections.choose(OWNER, asked.job_id, Choice(ME, 0))
    assert await system.selections.choose(OWNER, asked.job_id, Choice(ME, 0)) == first
    for other in (Choice(ME, 1), Choice(ME, edited={"title": "this"})):
        with pytest.raises(SelectionRefused, match="Another option was chosen before"):
            await system.selections.choose(OWNER, asked.job_id, other)


@pytest.mark.parametrize("option", [-1, 2, 10**9])
async def test_an_option_that_is_not_there_is_refused_and_the_job_still_waits(
    system: System, asked: Claim, option: int
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await system.selections.choose(OWNER, asked.job_id, Choice(ME, option))
    [fault] = refused.value.faults
    assert (fault.path, fault.message) == ("choice", "must be the number of an option, from 0 to 1")
    assert (await job_of(system, asked.job_id))["status"] == JobStatus.AWAITING_SELECTION


async def test_after_the_deadline_what_is_recommended_was_chosen(
    system: System, asked: Claim, clock: MovableClock
) -> None:
    clock.move(HOUR)
    with pytest.raises(SelectionRefused, match="The deadline for this selection has passed"):
        await system.selections.choose(OWNER, asked.job_id, Choice(ME, 0))
    job = await job_of(system, asked.job_id)
    assert (job["status"], job["selection"]["chosen"]["by"]) == ("queued", DEADLINE)
    assert job["checkpoints"]["selection"]["result"] == {"title": "that"}


async def test_without_a_deadline_it_waits_for_ever(system: System, make_bulk: MakeBulk, clock: MovableClock) -> None:
    await make_bulk(1, pipeline=BLOG)
    claim = await ask(system, clock, None)
    clock.move(timedelta(days=1000))
    assert await system.selections.choose_overdue() == 0
    await system.selections.choose(OWNER, claim.job_id, Choice(ME, 0))


async def test_who_does_not_own_it_and_what_does_not_wait(system: System, asked: Claim) -> None:
    with pytest.raises(NotFound):
        await system.selections.choose("somebody", asked.job_id, Choice(ME, 0))
    with pytest.raises(NotFound):
        await system.selections.choose(OWNER, JobId(ObjectId()), Choice(ME, 0))
    with pytest.raises(NotFound):
        await system.selections.approve("somebody", asked.bulk_id, "somebody")
    other = await claimed(system)
    with pytest.raises(MoveRefused, match="processing"):
        await system.selections.choose(OWNER, other.job_id, Choice(ME, 0))


async def test_of_many_who_choose_at_once_one_is_heard(system: System, asked: Claim) -> None:
    async def choose(option: int) -> Any:
        try:
            return await system.selections.choose(OWNER, asked.job_id, Choice(ME, option % 2))
        except SelectionRefused:
            return None

    answers = await asyncio.gather(*map(choose, range(8)))
    chosen = (await job_of(system, asked.job_id))["selection"]["chosen"]["choice"]
    assert {answer["selection"]["chosen"]["choice"] for answer in answers if answer} == {chosen}
    assert len([answer for answer in answers if answer]) == 4
    assert (await system.lookup.bulk(OWNER, asked.bulk_id))["intent"] is None


async def test_approving_chooses_what_is_recommended_for_all_that_wait(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await make_bulk(3, pipeline=BLOG)
    for _ in range(2):
        await ask(system, clock)
    assert await system.selections.approve(OWNER, bulk_id, ME) == 2
    assert await system.selections.approve(OWNER, bulk_id, ME) == 0
    jobs = await system.store.collection("generation_jobs").find({"bulk_job_id": bulk_id})
    chosen = [job["selection"]["chosen"]["choice"] for job in jobs if job["selection"]]
    assert chosen == [1, 1]


@pytest.mark.parametrize("by", [ME, DEADLINE])
async def test_choices_that_are_more_than_a_document_takes_are_made_in_turn(
    system: System, make_bulk: MakeBulk, clock: MovableClock, by: str
) -> None:
    bulk_id = await make_bulk(6, pipeline=BLOG)
    for _ in range(6):
        await ask(system, clock, options=[{"title": "x" * (3 * 2**20)}])
    clock.move(2 * HOUR if by == DEADLINE else timedelta(0))
    chosen = system.selections.choose_overdue() if by == DEADLINE else system.selections.approve(OWNER, bulk_id, ME)
    assert await chosen == 6
    assert (await system.lookup.bulk(OWNER, bulk_id))["intent"] is None
    await assert_at_rest(system.store)


async def test_a_deadline_that_cannot_be_kept_in_one_bulk_is_kept_in_the_others(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    broken, whole = [await make_bulk(1, pipeline=BLOG) for _ in range(2)]
    for _ in range(2):
        await ask(system, clock)
    await system.store.collection("bulk_jobs").delete_one({"_id": broken})
    clock.move(HOUR)
    assert await system.selections.choose_overdue() == 1
    assert (await claimed(system)).bulk_id == whole


async def test_a_choice_in_a_paused_bulk_waits_with_it(system: System, asked: Claim) -> None:
    await system.controls.pause(OWNER, asked.bulk_id, Pause())
    await system.selections.choose(OWNER, asked.job_id, Choice(ME, 0))
    assert await system.queue.claim("w") is None
    await system.controls.resume(OWNER, asked.bulk_id)
    assert (await claimed(system)).job_id == asked.job_id


async def test_cancelling_the_bulk_cancels_what_waits_for_a_choice(system: System, asked: Claim) -> None:
    await system.controls.cancel(OWNER, asked.bulk_id)
    assert (await job_of(system, asked.job_id))["status"] == JobStatus.CANCELLED
    with pytest.raises(MoveRefused):
        await system.selections.choose(OWNER, asked.job_id, Choice(ME, 0))
    await assert_at_rest(system.store)


async def test_a_bulk_of_which_all_wait_is_not_over_and_costs_no_claims(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await make_bulk(1, pipeline=BLOG)
    await ask(system, clock)
    assert await system.queue.claim("w") is None
    assert not await system.queue.has_work()
    bulk = await system.lookup.bulk(OWNER, bulk_id)
    assert (bulk["status"], bulk["remaining_items"]) == (BulkStatus.PROCESSING, 1)


async def test_one_who_carries_a_choice_out_late_changes_nothing_of_a_later_question(
    system: System, asked: Claim, clock: MovableClock
) -> None:
    """A helper that slept through it: the job failed, was begun again at an earlier stage, and asks anew."""
    bulks = system.store.collection("bulk_jobs")
    bulk = await system.lookup.bulk(OWNER, asked.bulk_id)
    job = await job_of(system, asked.job_id)
    each = [system.selections._chosen(job["selection"], Choice(ME, 0))]
    epoch = bulk["epoch"] + 1
    intent = {"id": "i", "kind": Intent.SELECT, "epoch": epoch, "at": clock.now(), "job_ids": [asked.job_id]}
    stood = {**bulk, "epoch": epoch, "intent": {**intent, "each": each}}
    await bulks.update_one({"_id": asked.bulk_id}, {"$set": {"epoch": epoch, "intent": stood["intent"]}})
    await system.intents.carry_out(stood)
    await system.queue.finish(await claimed(system), Failed("No.", definite=True))
    await system.controls.retry_job(OWNER, asked.job_id, from_stage="selection")
    await ask(system, clock)
    await system.intents.carry_out(stood)
    assert (await job_of(system, asked.job_id))["status"] == JobStatus.AWAITING_SELECTION


async def test_a_job_is_begun_again_only_at_a_stage_that_it_has_come_to(system: System, asked: Claim) -> None:
    await system.selections.choose(OWNER, asked.job_id, Choice(ME, 0))
    await system.queue.finish(await claimed(system), Failed("No.", definite=True))
    for stage in ("publishing", "nonsense"):
        with pytest.raises(InvalidInput) as refused:
            await system.controls.retry_job(OWNER, asked.job_id, from_stage=stage)
        assert refused.value.faults[0].message == (
            "must be a stage that the job has come to: idea-generation, selection, content-generation"
        )
    job = await system.controls.retry_job(OWNER, asked.job_id, from_stage="idea-generation")
    assert await system.controls.retry_job(OWNER, asked.job_id, from_stage="idea-generation") == job
    with pytest.raises(MoveRefused, match="queued"):
        await system.controls.retry_job(OWNER, asked.job_id, from_stage="selection")
    assert (job["checkpoints"], job["selection"], job["call_number"]) == ({}, None, 3)
    again = await claimed(system)
    await system.queue.finish(again, Completed("made", {}))
