"""What a running keeps while it goes on: fenced, safe to repeat, and known to whoever takes the job back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jobs.checkpoints import Reached
from jobs.claims import Claim
from jobs.expenses import Expense, Tokens, charge
from jobs.leases import LeaseLost
from jobs.outcomes import Completed, HandedBack
from jobs.pipelines import ARTICLE
from jobs.storage.store import Document
from jobs.system import System
from tests.jobs.conftest import LEASE, OWNER, MakeBulk
from tests.jobs.test_queue import claimed, reclaim
from tests.support.clock import MovableClock

SPENT = Expense(told=0.25, tokens=Tokens(3, 4), settled=True)


def reached(stage: str = "validation", then: str = "context-building", percentage: int = 14) -> Reached:
    return Reached(stage, {"hash": "h", "status": "completed", "result": {"a": 1}}, then, percentage)


async def job_of(system: System, claim: Claim) -> Document:
    return await system.lookup.job(OWNER, claim.job_id)


async def test_a_checkpoint_is_kept_with_what_was_spent_and_begins_the_lease_anew(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    await make_bulk(1)
    claim = await claimed(system)
    clock.move(timedelta(seconds=7))
    for _ in range(2):  # as after a lost answer
        assert await system.checkpoints.keep(claim, reached(), SPENT) == clock.now()
    job = await job_of(system, claim)
    assert job["checkpoints"] == {"validation": {"hash": "h", "status": "completed", "result": {"a": 1}}}
    assert (job["current_stage"], job["percentage"]) == ("context-building", 14)
    assert job["lease"]["until"] == clock.now() + LEASE
    assert job["lease"]["spent"]["told"] == 0.25


@pytest.mark.parametrize("what", ["keep", "keep_paid", "send_back", "look"])
async def test_a_stale_worker_changes_nothing_of_a_job_that_another_runs(
    system: System, make_bulk: MakeBulk, clock: MovableClock, what: str
) -> None:
    await make_bulk(1)
    stale = await claimed(system, "stale")
    await reclaim(system, clock)
    fresh = await claimed(system, "fresh")
    before = await job_of(system, fresh)
    writes = {
        "keep": lambda: system.checkpoints.keep(stale, reached(), SPENT),
        "keep_paid": lambda: system.checkpoints.keep_paid(stale, "validation", "part", {"hash": "h"}, SPENT),
        "send_back": lambda: system.checkpoints.send_back(stale, "validation", ["validation"], {}, 0, SPENT),
        "look": lambda: system.checkpoints.look(stale, stale.job["lease"]["taken_at"]),
    }
    with pytest.raises(LeaseLost):
        await writes[what]()
    assert await job_of(system, fresh) == before


async def test_a_retry_begins_with_what_was_kept_and_a_completed_job_keeps_nothing(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    await make_bulk(1)
    claim = await claimed(system)
    await system.checkpoints.keep(claim, reached(), Expense())
    await system.checkpoints.keep_paid(claim, "component-generation", "intro", {"hash": "x", "content": "I"}, SPENT)
    await system.queue.finish(claim, HandedBack("paused", SPENT))
    again = await claimed(system)
    assert (list(again.job["checkpoints"]), list(again.job["paid"])) == (["validation"], ["component-generation"])
    assert (again.job["cost"], again.generator) == (0.25, "default")
    await system.queue.finish(again, Completed("made", {}, Expense(settled=True)))
    job = await job_of(system, again)
    assert (job["checkpoints"], job["paid"], job["current_stage"], job["percentage"]) == ({}, {}, None, 100)
    assert job["usage"] == {"input_tokens": 3, "output_tokens": 4}


async def test_what_a_dead_worker_has_told_is_counted(system: System, make_bulk: MakeBulk, clock: MovableClock) -> None:
    await make_bulk(1, cost_per_job=1.0)
    claim = await claimed(system)
    await system.checkpoints.keep(claim, reached(), SPENT)
    await reclaim(system, clock)
    job = await job_of(system, claim)
    assert (job["cost"], job["owed"]) == (1.0, 0.75)  # what is set aside, for a call that may have been paid for
    assert job["attempts"][0]["usage"] == {"input_tokens": 3, "output_tokens": 4}
    again = await claimed(system)
    await system.queue.finish(again, Completed("made", {}, Expense(told=0.5, settled=True)))
    assert (await job_of(system, again))["cost"] == pytest.approx(0.75)


async def test_what_is_sent_back_is_forgotten_from_there_on(system: System, make_bulk: MakeBulk) -> None:
    await make_bulk(1)
    claim = await claimed(system)
    for stage, then in zip(ARTICLE.stage_names[:4], ARTICLE.stage_names[1:5], strict=True):
        await system.checkpoints.keep(claim, reached(stage, then), SPENT)
    why = {"by": "quality-validation", "findings": ["too short"], "first": None}
    await system.checkpoints.send_back(
        claim, "component-generation", ["component-generation", "template-assembly"], why, 28, SPENT
    )
    job = await job_of(system, claim)
    assert list(job["checkpoints"]) == ["validation", "context-building"]
    assert (job["current_stage"], job["percentage"], job["sent_back"]) == ("component-generation", 28, why)


@pytest.mark.parametrize(
    ("expense", "set_aside", "owed", "change", "owed_after"),
    [
        (Expense(), 1.0, 0.4, 0.0, 0.4),  # nothing was called
        (Expense(open=True), 1.0, 0.4, 0.6, 1.0),
        (Expense(told=0.3, settled=True), 1.0, 0.4, -0.1, 0.0),
        (Expense(told=0.3, settled=True, untold=True), 1.0, 0.0, 1.0, 0.0),
        (Expense(told=0.3, settled=True, open=True), 1.0, 0.0, 1.0, 0.7),
        (Expense(told=1.3, settled=True, open=True), 1.0, 0.0, 1.3, 0.0),
    ],
)
def test_what_a_running_makes_of_its_jobs_cost(
    expense: Expense, set_aside: float, owed: float, change: float, owed_after: float
) -> None:
    charged = charge(expense, {"lease": {"cost": set_aside}, "owed": owed})
    assert charged.change == pytest.approx(change)
    assert charged.owed == pytest.approx(owed_after)
