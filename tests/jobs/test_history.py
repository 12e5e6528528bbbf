"""What jobs of a kind usually take, and what is foreseen of a request therefore."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from jobs.capacity.limits import Limits
from jobs.documents import BulkRequest, bucket_of
from jobs.estimation.history import MOST_JOBS, Usual, forecast
from jobs.estimation.timings import Timing
from jobs.expenses import Expense
from jobs.outcomes import Awaiting, Completed, Failed
from jobs.pipelines import ARTICLE, BLOG, PLAIN
from jobs.selections import Choice
from jobs.system import System
from tests.jobs.conftest import OWNER
from tests.jobs.test_queue import claimed
from tests.support.clock import MovableClock

USUAL = Usual([Timing({"a": seconds}) for seconds in (10.0, 12.0, 14.0, 16.0, 20.0)] * 4, 0.5)


def took(seconds: float, cost: float | None = 0.5, pipeline: str = "article", **meta: Any) -> Completed:
    """A job whose two stages took so long together."""
    half = round(seconds * 500)
    stages = [{"name": name, "status": "completed", "duration_ms": half} for name in ("a", "b")]
    usage = {"input_tokens": 1, "output_tokens": 1, "cost": cost}
    expense = Expense(cost or 0.0, settled=True, untold=cost is None)
    return Completed("text", {"pipeline": pipeline, "stages": stages, "usage": usage, **meta}, expense)


async def run(system: System, *outcomes: Completed | Failed | Awaiting, **fields: Any) -> None:
    items = [{"topic": f"Topic {number}"} for number in range(len(outcomes))]
    given = {"mode": "topic", "items": items, "delay": timedelta(0), "max_retries": 0, **fields}
    await system.creation.create(OWNER, BulkRequest(**given))
    for outcome in outcomes:
        await system.queue.finish(await claimed(system), outcome)


async def usual(system: System, pipeline: str = "article") -> tuple[list[float], float | None] | None:
    """The seconds that each of the last jobs took, and the median cost."""
    found = await system.history.usual(pipeline, "topic")
    return (sorted(timing.seconds for timing in found.timings), found.cost) if found else None


async def test_of_nothing_nothing_is_known(system: System) -> None:
    assert await usual(system) is None
    await run(system, Failed("no", definite=True), Completed("text", {"pipeline": "article"}))
    assert await usual(system) is None


async def test_one_job_says_what_it_took(system: System) -> None:
    await run(system, took(12))
    assert await usual(system) == ([12.0], 0.5)


async def test_only_jobs_of_the_same_pipeline_and_mode_count(system: System) -> None:
    await run(system, took(12))
    await run(system, took(30, pipeline="plain"), pipeline=PLAIN)
    await run(system, took(40), mode="keywords")
    assert await usual(system) == ([12.0], 0.5)
    assert await usual(system, "plain") == ([30.0], 0.5)
    assert await usual(system, "blog") is None


async def test_a_result_that_was_shared_took_no_time_of_its_own(system: System) -> None:
    await run(system, took(12), took(500, shared_from="another"))
    assert await usual(system) == ([12.0], 0.5)


async def test_what_is_older_than_a_week_is_forgotten(system: System, clock: MovableClock) -> None:
    await run(system, took(12))
    clock.move(timedelta(hours=2))
    await run(system, took(14))
    clock.move(timedelta(days=6, hours=23))
    assert await usual(system) == ([14.0], 0.5)
    clock.move(timedelta(hours=2))
    assert await usual(system) is None


async def test_only_the_last_jobs_count(system: System, clock: MovableClock) -> None:
    await run(system, took(99))
    clock.move(timedelta(seconds=1))
    await run(system, *[took(5)] * MOST_JOBS)
    assert await usual(system) == ([5.0] * MOST_JOBS, 0.5)


async def test_jobs_whose_cost_was_not_told_say_nothing_about_it(system: System) -> None:
    await run(system, took(5, None), took(5, 0.1), took(5, 0.3), took(5, 0.9))
    assert await usual(system) == ([5.0] * 4, 0.3)
    await run(system, took(5, None, "plain"), pipeline=PLAIN)
    assert await usual(system, "plain") == ([5.0], None)


async def test_the_time_that_a_person_took_to_choose_does_not_count(system: System) -> None:
    question = {
        "stage": "b", "hash": "h", "options": [{"title": "x"}], "recommended": 0, "until": None, "then": "a",
        "percentage": 10,
    }  # fmt: skip
    await run(system, Awaiting(question), pipeline=BLOG)
    waiting = await system.store.collection("generation_jobs").find_one({})
    assert waiting is not None
    await system.selections.choose(OWNER, waiting["_id"], Choice("person", 0))
    await system.queue.finish(await claimed(system), took(8, pipeline="blog"))
    assert await usual(system, "blog") == ([4.0], 0.5)


def request(count: int = 10, **fields: Any) -> BulkRequest:
    given = {"items": [{"topic": "x"}] * count, "delay": timedelta(seconds=5), **fields}
    return BulkRequest(mode="topic", **given)


def seconds(asked: BulkRequest, limits: Limits = Limits(), slots: int = 0) -> tuple[int, int]:  # noqa: B008 - frozen
    found = forecast(asked, "tenant", USUAL, limits, slots)
    return found.seconds_low, found.seconds_high


ALONE = request(10)
FIVE_AT_ONCE = request(10, parallelism=5)


def test_jobs_one_at_a_time_take_their_times_and_the_delays_between() -> None:
    assert ALONE.pipeline == ARTICLE
    low, high = seconds(ALONE)
    assert low < 10 * 14.4 + 9 * 5 < high < 2 * low
    without, _ = seconds(request(10, delay=timedelta(0)))
    assert low - without == pytest.approx(45, abs=1)


def test_the_range_of_one_job_is_that_of_its_kind() -> None:
    low, high = seconds(request(1))
    assert 6 <= low <= 11
    assert 18 <= high <= 27


@pytest.mark.parametrize(
    ("limits", "slots"),
    [
        (Limits(tenant_max_running=1), 0),
        (Limits(max_running=1), 0),
        (Limits(parallel=0), 0),
        (Limits(parallel=bucket_of("tenant")), 0),
        (Limits(), 1),
    ],
)
def test_where_but_one_may_run_at_once_more_do_not_help(limits: Limits, slots: int) -> None:
    assert seconds(FIVE_AT_ONCE, limits, slots) == seconds(ALONE)


def test_what_may_run_at_once_shortens_it_as_far_as_the_limits_let_it() -> None:
    alone, two, five = seconds(ALONE), seconds(FIVE_AT_ONCE, Limits(max_running=2)), seconds(FIVE_AT_ONCE)
    assert alone[0] > two[0] > five[0]
    assert alone[1] > two[1] > five[1]


def test_the_starts_of_many_at_once_are_apart() -> None:
    together, apart = (request(10, parallelism=10, stagger=timedelta(seconds=each)) for each in (0, 10))
    assert seconds(apart)[0] >= 90 + 6
    assert seconds(together)[1] < 50


@pytest.mark.parametrize(
    ("asked", "rate", "held_back"),
    [
        (request(10, delay=timedelta(0)), 2, 240),
        (request(10, delay=timedelta(0)), 20, 0),
        (request(2, items=[{"components": ["a", "b"]}] * 2), 1, 180),
    ],
)
def test_no_call_comes_before_the_rate_lets_it(asked: BulkRequest, rate: int, held_back: int) -> None:
    free, limited = seconds(asked), seconds(asked, Limits(requests_per_minute=rate))
    assert limited[0] >= held_back
    assert (limited == free) == (held_back == 0)


def test_a_kind_that_often_fails_takes_longer() -> None:
    failing = Usual([Timing({"a": 14.0}, failed=[14.0]), *USUAL.timings], None)
    assert forecast(ALONE, "tenant", failing, Limits(), 0).seconds_high > seconds(ALONE)[1]


def test_the_cost_is_that_of_a_usual_job_times_their_number() -> None:
    assert forecast(request(3), "tenant", USUAL, Limits(), 0).cost == 1.5
    assert forecast(request(3), "tenant", Usual(USUAL.timings, None), Limits(), 0).cost is None
