"""`dedupe`: the same request in flight, or within a bulk, runs once, and its result is shared (spec §5)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from jobs.checkpoints import Reached
from jobs.claims import Claim
from jobs.controls import Pause
from jobs.documents import BulkId, BulkRequest
from jobs.expenses import Expense
from jobs.outcomes import Awaiting, Completed, Failed, HandedBack, Outcome, Retry
from jobs.selections import Choice
from jobs.storage.store import Document
from jobs.system import System
from jobs.twins import LOOK_AGAIN, twin_key
from tests.jobs.conftest import LEASE, OWNER
from tests.jobs.test_queue import claimed
from tests.support.clock import MovableClock
from tests.support.invariants import assert_at_rest

SAME = {"topic": "T", "dedupe": True}


async def submit(system: System, *items: dict[str, Any], owner: str = OWNER, parallelism: int = 1) -> BulkId:
    request = BulkRequest(mode="topic", items=items, delay=timedelta(0), parallelism=parallelism)
    return (await system.creation.create(owner, request)).bulk_id


async def end(system: System, claim: Claim, outcome: Outcome | None = None) -> None:
    shared = Completed(claim.twin["result"], {}, Expense(settled=True)) if claim.twin else Completed("made", {})
    await system.queue.finish(claim, outcome or shared)


async def test_a_request_that_stands_twice_in_a_bulk_runs_once(system: System) -> None:
    bulk_id = await submit(system, SAME, SAME, {"topic": "other", "dedupe": True})
    first = await claimed(system)
    assert first.twin is None
    await end(system, first)
    second = await claimed(system)
    assert (second.job["queue_position"], (second.twin or {}).get("_id")) == (2, first.job_id)
    await end(system, second)
    third = await claimed(system)
    assert third.twin is None
    await end(system, third)
    jobs = await system.store.collection("generation_jobs").find({"bulk_job_id": bulk_id})
    assert [job["result"] for job in jobs] == ["made", "made", "made"]
    await assert_at_rest(system.store)


async def test_a_twin_in_another_bulk_waits_for_the_one_in_flight_and_gets_its_result(
    system: System, clock: MovableClock
) -> None:
    await submit(system, SAME)
    await submit(system, {**SAME, "external_id": "mine"}, {"topic": "other"})
    leader = await claimed(system)
    other = await claimed(system)
    assert other.job["topic"] == "other"
    await end(system, leader)
    await end(system, other)
    assert await system.queue.claim("w1") is None
    clock.move(LOOK_AGAIN)
    follower = await claimed(system)
    assert (follower.twin or {}).get("_id") == leader.job_id
    await end(system, follower)
    await assert_at_rest(system.store)
    assert await system.store.collection("limits").find({"_id": {"$regex": "^twin:"}}) == []


async def test_many_twins_that_wait_hold_nobody_up(system: System, clock: MovableClock) -> None:
    await submit(system, SAME)
    await submit(system, *[SAME] * 49)
    leader = await claimed(system)
    await submit(system, {"topic": "other"}, owner="another tenant")
    await submit(system, {"topic": "other"})
    await end(system, await claimed(system))
    await end(system, await claimed(system))
    await end(system, leader)
    clock.move(LOOK_AGAIN)
    assert ((await claimed(system)).twin or {}).get("_id") == leader.job_id


async def begin(system: System, outcome: Outcome) -> Claim:
    """The next job, which has paid for its first stage, and is to go on."""
    claim = await claimed(system)
    entry = {"hash": "h", "status": "completed", "result": 1}
    await system.checkpoints.keep(claim, Reached("validation", entry, "context-building", 10), Expense(settled=True))
    await system.queue.finish(claim, outcome)
    return claim


ASKED: Document = {"stage": "selection", "hash": "h", "options": [{}], "recommended": 0, "until": None}
GOES_ON = {
    "waits for a choice": Awaiting({**ASKED, "then": "context-building", "percentage": 20}, Expense()),
    "is tried again": Retry("No.", timedelta(minutes=5), counted=True, definite=False, expense=Expense()),
}


@pytest.mark.parametrize("outcome", GOES_ON.values(), ids=GOES_ON)
async def test_a_twin_waits_for_one_that_has_begun_and_is_to_go_on(
    system: System, clock: MovableClock, outcome: Outcome
) -> None:
    await submit(system, SAME, SAME)
    await submit(system, SAME)
    leader = await begin(system, outcome)
    for _ in range(4):
        assert await system.queue.claim("w") is None
        clock.move(LOOK_AGAIN)
    if isinstance(outcome, Awaiting):
        await system.selections.choose(OWNER, leader.job_id, Choice("me", 0))
    clock.move(timedelta(minutes=5))
    claim = await claimed(system)
    assert claim.job_id == leader.job_id
    await end(system, claim)
    clock.move(LOOK_AGAIN)
    for _ in range(2):
        twin = await claimed(system)
        assert (twin.twin or {}).get("_id") is not None
        await end(system, twin)
    await assert_at_rest(system.store)


async def test_one_that_has_begun_in_a_paused_bulk_holds_no_twin_up(system: System) -> None:
    first = await submit(system, SAME)
    await begin(system, HandedBack("paused", Expense()))
    await system.controls.pause(OWNER, first, Pause())
    other = await submit(system, SAME)
    claim = await claimed(system)
    assert (claim.bulk_id, claim.twin) == (other, None)
    await end(system, claim)
    await assert_at_rest(system.store)


async def test_where_the_one_in_flight_fails_its_twin_runs_itself(system: System, clock: MovableClock) -> None:
    await submit(system, SAME)
    await submit(system, SAME)
    leader = await claimed(system)
    assert await system.queue.claim("w1") is None
    await end(system, leader, Failed("no", definite=True))
    clock.move(LOOK_AGAIN)
    follower = await claimed(system)
    assert follower.twin is None
    await end(system, follower)
    await assert_at_rest(system.store)


async def test_what_is_over_in_another_bulk_is_not_shared(system: System) -> None:
    await submit(system, SAME)
    await end(system, await claimed(system))
    await submit(system, SAME)
    assert (await claimed(system)).twin is None


async def test_a_lost_leader_gives_its_place_up(system: System, clock: MovableClock) -> None:
    await submit(system, SAME, SAME, parallelism=2)
    await claimed(system)
    assert await system.queue.claim("w2") is None
    await system.sweep.run()
    clock.move(LEASE)
    await system.sweep.run()
    again = await claimed(system)
    assert again.twin is None
    await end(system, again)
    clock.move(LOOK_AGAIN)
    assert (await claimed(system)).twin is not None


@pytest.mark.parametrize(
    "other",
    [{"topic": "U"}, {"tone": "dry"}, {"params": {"colour": "red"}}, {"userId": "somebody"}, {"mode": "spin"}],
)
def test_what_makes_another_request_of_it(other: Document) -> None:
    job = {"topic": "T", "dedupe": True, "mode": "topic", "userId": "owner"}
    bulk = {"tenant": "t", "pipeline": "article", "options": {}}
    key = twin_key(job, bulk)
    assert key is not None
    assert key != twin_key(job | other, bulk)
    for elsewhere in ({"tenant": "another"}, {"pipeline": "blog"}, {"options": {"ideas": 3}}):
        assert key != twin_key(job, bulk | elsewhere)
    assert twin_key(job | {"external_id": "7"}, bulk) == key
    published = bulk | {"options": {"publish_to": "shop"}}
    assert twin_key(job | {"external_id": "7"}, published) != twin_key(job | {"external_id": "8"}, published)
    assert twin_key(job | {"dedupe": False}, bulk) is None
