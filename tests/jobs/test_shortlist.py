"""The first bulks that may run: only a hint, so nothing that came since, or beyond them, may be missed for long."""

from __future__ import annotations

import pytest

from jobs.outcomes import Completed
from jobs.shortlist import KEPT, LENGTH
from jobs.system import System
from tests.jobs.conftest import MakeBulk
from tests.jobs.test_queue import claimed
from tests.support.clock import MovableClock

DONE = Completed("text", {})


async def test_what_was_submitted_since_the_list_was_read_is_found_when_the_list_has_nothing_left(
    system: System, make_bulk: MakeBulk
) -> None:
    first = await make_bulk(1)
    assert (await claimed(system)).bulk_id == first
    second = await make_bulk(1)
    assert (await claimed(system)).bulk_id == second


async def test_an_older_bulk_that_may_run_again_is_served_first_once_the_list_is_old(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    older, _ = await make_bulk(3), await make_bulk(3)
    bulks = system.store.collection("bulk_jobs")
    await bulks.update_one({"_id": older}, {"$set": {"due_at": clock.now() + KEPT}})
    await system.queue.finish(await claimed(system), DONE)
    clock.move(KEPT)
    assert (await claimed(system)).bulk_id == older


async def test_more_bulks_than_the_list_holds_are_served_in_order(system: System, make_bulk: MakeBulk) -> None:
    made = [await make_bulk(1) for _ in range(LENGTH + 3)]
    assert [(await claimed(system)).bulk_id for _ in made] == made
    assert await system.queue.claim("w1") is None


@pytest.mark.parametrize("workers", [2, 5])
async def test_workers_with_lists_of_their_own_take_each_job_once(
    system: System, make_bulk: MakeBulk, workers: int
) -> None:
    made = [await make_bulk(1) for _ in range(6)]
    assert await system.queue.has_work()
    claims = [await system.queue.claim(f"w{number % workers}") for number in range(8)]
    assert [claim.bulk_id for claim in claims if claim] == made
