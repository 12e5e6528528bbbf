"""When a bulk will have ended, from what is stored of it and of its kind."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from jobs.capacity.scopes import GENERATOR
from jobs.checkpoints import Reached
from jobs.controls import Pause
from jobs.documents import Budget, BulkId, FailurePolicy, RunBetween
from jobs.estimation.forecasts import KIND_KEPT, per_hour
from jobs.estimation.timings import Pace
from jobs.expenses import Expense
from jobs.outcomes import Awaiting, Completed, Failed, Retry
from jobs.pipelines import BLOG, CONTENT
from jobs.system import System
from tests.jobs.conftest import OWNER
from tests.jobs.foretelling import STAGE, Submit, foreseen, run, submitted, told, took
from tests.jobs.test_bulk_hours import until
from tests.jobs.test_queue import claimed
from tests.support.clock import MovableClock


@pytest.fixture
def submit(system: System) -> Submit:
    return partial(submitted, system)


@pytest.fixture(autouse=True)
async def worker(system: System) -> None:
    await system.workers.beat("w1", slots=10, version="1", jobs=[])


async def pace_of(system: System, bulk_id: BulkId) -> Pace:
    pace = await system.forecasts.pace(await system.lookup.bulk(OWNER, bulk_id))
    assert pace is not None
    return pace


async def test_nothing_is_guessed_where_nothing_was_measured(
    system: System, submit: Submit, clock: MovableClock
) -> None:
    bulk_id = await submit()
    assert await foreseen(system, bulk_id) is None
    await system.queue.finish(await claimed(system), Failed("no", definite=True))
    assert await foreseen(system, bulk_id) is None
    assert await system.forecasts.pace(await system.lookup.bulk(OWNER, bulk_id)) is None


async def test_the_range_holds_what_its_own_jobs_promise_and_says_on_what_it_rests(
    system: System, submit: Submit, clock: MovableClock
) -> None:
    bulk_id = await submit(10)
    await run(system, clock, 100, 120, 110, 90)
    low, high, basis = await told(system, bulk_id, clock)
    assert 450 < low < 630 < high < 1000
    assert basis == "4 articles done, 1 min 45 s each at the median (1 min 33 s to 1 min 57 s); one at a time"


async def test_it_narrows_and_comes_nearer_with_each_job(system: System, submit: Submit, clock: MovableClock) -> None:
    bulk_id = await submit(12)
    widths, ends = [], []
    for _ in range(5):
        await run(system, clock, 100, 110)
        low, high, _ = await told(system, bulk_id, clock)
        widths.append(high - low)
        ends.append(high)
    assert widths == sorted(widths, reverse=True)
    assert ends == sorted(ends, reverse=True)


async def test_other_bulks_of_the_kind_tell_of_one_that_has_none_done(
    system: System, submit: Submit, clock: MovableClock
) -> None:
    await submit(5, owner="another")
    await run(system, clock, 100, 100, 100, 100, 100)
    low, high, basis = await told(system, await submit(3), clock)
    assert low < 300 < high
    assert basis == "none done yet; the last 5 of its kind took 1 min 40 s each; one at a time"
    assert await foreseen(system, await submit(3, pipeline=BLOG)) is None


async def test_its_own_jobs_do_not_count_twice(system: System, submit: Submit, clock: MovableClock) -> None:
    bulk_id = await submit(4)
    await run(system, clock, 100, 100)
    pace = await pace_of(system, bulk_id)
    assert (pace.done, pace.done_before) == ([100, 100], [])


async def test_a_shared_result_took_no_time_of_its_own(system: System, submit: Submit, clock: MovableClock) -> None:
    bulk_id = await submit(4)
    await run(system, clock, 100)
    await system.queue.finish(await claimed(system), took(500, shared_from="another"))
    assert (await pace_of(system, bulk_id)).done == [100]


async def test_the_last_jobs_of_a_long_bulk_count(system: System, submit: Submit, clock: MovableClock) -> None:
    bulk_id = await submit(450)
    jobs = system.store.collection("generation_jobs")
    ended = {"status": "completed", "completed_at": clock.now(), "result_meta": took(30).meta}
    await jobs.update_many({"queue_position": {"$lte": 400}}, {"$set": ended})
    await jobs.update_many({"queue_position": {"$lte": 340}}, {"$set": {"result_meta": took(300).meta}})
    later = {"completed_at": clock.now() + timedelta(seconds=1)}
    await jobs.update_many({"queue_position": {"$gt": 350, "$lte": 400}}, {"$set": later})
    await system.settling.reconcile(bulk_id)
    assert (await pace_of(system, bulk_id)).done == [30] * 50


async def test_an_ended_or_paused_bulk_has_none(system: System, submit: Submit, clock: MovableClock) -> None:
    bulk_id = await submit(3)
    await run(system, clock, 100)
    assert await foreseen(system, bulk_id) is not None
    await system.controls.pause(OWNER, bulk_id, Pause())
    assert await foreseen(system, bulk_id) is None
    await system.controls.resume(OWNER, bulk_id)
    assert await foreseen(system, bulk_id) is not None
    await run(system, clock, 100, 100)
    assert await foreseen(system, bulk_id) is None


async def test_what_does_not_fit_in_its_hours_is_foretold_for_the_next(
    system: System, submit: Submit, clock: MovableClock
) -> None:
    bulk_id = await submit(10)
    await run(system, clock, 100, 120, 110, 90)
    low, high, _ = await told(system, bulk_id, clock)
    for minutes in (30, 10, 5):
        until(clock, 22)
        await system.workers.beat("w1", slots=10, version="1", jobs=[])
        between = RunBetween("22:00", f"22:{minutes:02}", "UTC")
        await system.controls.change(OWNER, bulk_id, {"run_between": between})
        await system.controls.resume_due()
        found = await told(system, bulk_id, clock)
        a_day, length = timedelta(days=1).total_seconds(), minutes * 60
        assert found[:2] == tuple(end % length + end // length * a_day for end in (low, high))
        assert found[2].endswith(f"; one at a time; only between 22:00 and 22:{minutes:02} in UTC")


async def test_hours_that_are_too_few_for_a_year_tell_of_no_end(
    system: System, submit: Submit, clock: MovableClock
) -> None:
    bulk_id = await submit(1000)
    await run(system, clock, 100, 120, 110, 90)
    until(clock, 22)
    await system.workers.beat("w1", slots=10, version="1", jobs=[])
    await system.controls.change(OWNER, bulk_id, {"run_between": RunBetween("22:00", "22:01", "UTC")})
    assert await foreseen(system, bulk_id) is None


async def test_what_waits_without_a_known_end_has_none(system: System, submit: Submit, clock: MovableClock) -> None:
    canary = await submit(5, failure_policy=FailurePolicy(canary=4))
    await run(system, clock, 100)
    assert await foreseen(system, canary) is None
    await system.controls.cancel(OWNER, canary)
    bulk_id = await submit(5)
    limits = system.store.collection("limits")
    await limits.update_one({"_id": GENERATOR + CONTENT}, {"$set": {"down": True}})
    assert await foreseen(system, bulk_id) is None
    await limits.update_one({"_id": GENERATOR + CONTENT}, {"$set": {"down": False}})
    assert await foreseen(system, bulk_id) is not None
    await system.workers.leave("w1")
    clock.move(timedelta(seconds=3))
    assert await foreseen(system, bulk_id) is None


async def test_a_used_up_budget_has_no_known_end(system: System, submit: Submit, clock: MovableClock) -> None:
    await submit(1)
    await run(system, clock, 100)
    assert await foreseen(system, await submit(3, budget=Budget(cost=0.5, cost_per_job=1.0))) is None


async def test_tries_that_failed_and_those_to_come_are_in_it(
    system: System, submit: Submit, clock: MovableClock
) -> None:
    bulk_id = await submit(20)
    await run(system, clock, 100, 100, 100)
    _, free, _ = await told(system, bulk_id, clock)
    for _ in range(2):
        retry = Retry("busy", timedelta(minutes=30), counted=True, definite=False)
        await system.queue.finish(await claimed(system), retry)
    low, high, basis = await told(system, bulk_id, clock)
    assert low > 1800
    assert high > free
    assert basis.endswith("40 % tried again")


async def test_a_choice_that_is_to_be_made_is_taken_as_made(
    system: System, submit: Submit, clock: MovableClock
) -> None:
    question = {
        "stage": "selection", "hash": "h", "options": [{"title": "x"}], "recommended": 0, "until": None,
        "then": "content-generation", "percentage": 40,
    }  # fmt: skip
    stages = [{"name": name, "duration_ms": 50_000} for name in ("idea-generation", "content-generation")]
    meta = {"pipeline": "blog", "stages": stages}
    bulk_id = await submit(4, pipeline=BLOG)
    await system.queue.finish(await claimed(system), Completed("text", meta, Expense()))
    before = await told(system, bulk_id, clock)
    claim = await claimed(system)
    has_ideas = Reached("idea-generation", {"at": clock.now(), "duration_ms": 50_000}, "selection", 20)
    await system.checkpoints.keep(claim, has_ideas, Expense())
    await system.queue.finish(claim, Awaiting(question))
    after = await told(system, bulk_id, clock)
    assert after[0] < before[0]  # half of one of three is done
    assert after[2].endswith("as if the one that waits for a person had been chosen for now")


async def test_what_is_left_of_a_running_job_goes_by_its_stage_and_how_long_it_lasts(
    system: System, submit: Submit, clock: MovableClock
) -> None:
    bulk_id = await submit(8)
    await run(system, clock, *[100.0] * 6)
    claim = await claimed(system)
    pace = await pace_of(system, bulk_id)
    rests = []
    for _ in range(3):
        bulk = await system.lookup.bulk(OWNER, bulk_id)
        job = (await system.lookup.jobs_of(bulk, 1, after_position=6))[0]
        assert job["_id"] == claim.job_id
        rests.append(pace.rest(job | {"current_stage": STAGE}, bulk["stages"], clock.now()).range)
        clock.move(timedelta(seconds=45))
    assert rests[0].low < 100 < rests[0].high
    assert rests[0].high - 45 > rests[1].low
    assert rests[2].high < rests[1].high < rests[0].high


async def test_the_pace_of_a_kind_is_kept_for_a_while(system: System, submit: Submit, clock: MovableClock) -> None:
    await submit(2, owner="another")
    assert await system.forecasts.pace_of_kind("article", "topic") is None
    await run(system, clock, 10)
    assert await system.forecasts.pace_of_kind("article", "topic") is None
    clock.move(KIND_KEPT)
    assert await system.forecasts.pace_of_kind("article", "topic") is not None


async def test_articles_an_hour_are_counted_from_the_start_to_the_end_or_now(
    system: System, submit: Submit, clock: MovableClock
) -> None:
    bulk_id = await submit(2)
    assert per_hour(await system.lookup.bulk(OWNER, bulk_id), clock.now()) is None
    await run(system, clock, 360)
    assert per_hour(await system.lookup.bulk(OWNER, bulk_id), clock.now()) == pytest.approx(10)
    await run(system, clock, 360)
    clock.move(timedelta(hours=10))
    assert per_hour(await system.lookup.bulk(OWNER, bulk_id), clock.now()) == pytest.approx(10)
