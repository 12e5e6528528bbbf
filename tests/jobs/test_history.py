"""What jobs of a kind usually take, and what is foreseen of a request therefore."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from jobs.documents import BulkRequest, bucket_of
from jobs.expenses import Expense
from jobs.history import MOST_JOBS, Forecast, Usual, forecast
from jobs.limits import Limits
from jobs.outcomes import Awaiting, Completed, Failed
from jobs.pipelines import ARTICLE, BLOG, PLAIN
from jobs.selections import Choice
from jobs.system import System
from tests.jobs.conftest import OWNER
from tests.jobs.test_queue import claimed
from tests.support.clock import MovableClock

USUAL = Usual(10.0, 20.0, 0.5)


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


async def test_of_nothing_nothing_is_known(system: System) -> None:
    assert await system.history.usual("article", "topic") is None
    await run(system, Failed("no", definite=True), Completed("text", {"pipeline": "article"}))
    assert await system.history.usual("article", "topic") is None


async def test_one_job_says_what_it_took(system: System) -> None:
    await run(system, took(12))
    assert await system.history.usual("article", "topic") == Usual(12.0, 12.0, 0.5)


async def test_the_slowest_and_the_quickest_tenth_are_left_out(system: System) -> None:
    await run(system, *[took(seconds) for seconds in range(1, 12)])
    assert await system.history.usual("article", "topic") == Usual(2.0, 10.0, 0.5)


async def test_only_jobs_of_the_same_pipeline_and_mode_count(system: System) -> None:
    await run(system, took(12))
    await run(system, took(30, pipeline="plain"), pipeline=PLAIN)
    await run(system, took(40), mode="keywords")
    assert await system.history.usual("article", "topic") == Usual(12.0, 12.0, 0.5)
    assert await system.history.usual("plain", "topic") == Usual(30.0, 30.0, 0.5)
    assert await system.history.usual("blog", "topic") is None


async def test_a_result_that_was_shared_took_no_time_of_its_own(system: System) -> None:
    await run(system, took(12), took(500, shared_from="another"))
    assert await system.history.usual("article", "topic") == Usual(12.0, 12.0, 0.5)


async def test_what_is_older_than_a_week_is_forgotten(system: System, clock: MovableClock) -> None:
    await run(system, took(12))
    clock.move(timedelta(hours=2))
    await run(system, took(14))
    clock.move(timedelta(days=6, hours=23))
    assert await system.history.usual("article", "topic") == Usual(14.0, 14.0, 0.5)
    clock.move(timedelta(hours=2))
    assert await system.history.usual("article", "topic") is None


async def test_only_the_last_jobs_count(system: System, clock: MovableClock) -> None:
    await run(system, took(99))
    clock.move(timedelta(seconds=1))
    await run(system, *[took(5)] * MOST_JOBS)
    assert await system.history.usual("article", "topic") == Usual(5.0, 5.0, 0.5)


async def test_jobs_whose_cost_was_not_told_say_nothing_about_it(system: System) -> None:
    await run(system, took(5, None), took(5, 0.1), took(5, 0.3), took(5, 0.9))
    assert await system.history.usual("article", "topic") == Usual(5.0, 5.0, 0.3)
    await run(system, took(5, None, "plain"), pipeline=PLAIN)
    assert await system.history.usual("plain", "topic") == Usual(5.0, 5.0, None)


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
    assert await system.history.usual("blog", "topic") == Usual(4.0, 4.0, 0.5)


def request(count: int = 10, **fields: Any) -> BulkRequest:
    given = {"items": [{"topic": "x"}] * count, "delay": timedelta(seconds=5), **fields}
    return BulkRequest(mode="topic", **given)


@pytest.mark.parametrize(
    ("asked", "limits", "expected"),
    [
        (request(1), Limits(), Forecast(10, 20, 0.5)),
        (request(10), Limits(), Forecast(145, 245, 5.0)),
        (request(10, parallelism=5), Limits(), Forecast(25, 45, 5.0)),
        (request(10, parallelism=5), Limits(max_running=2), Forecast(70, 120, 5.0)),
        (request(10, parallelism=5), Limits(tenant_max_running=1), Forecast(145, 245, 5.0)),
        (request(10, parallelism=5), Limits(parallel=0), Forecast(145, 245, 5.0)),
        (request(3, parallelism=100, stagger=timedelta(seconds=1)), Limits(), Forecast(12, 22, 1.5)),
        (request(10, delay=timedelta(0)), Limits(requests_per_minute=2), Forecast(250, 260, 5.0)),
        (request(10, delay=timedelta(0)), Limits(requests_per_minute=20), Forecast(100, 200, 5.0)),
        (request(2, items=[{"components": ["a", "b"]}] * 2), Limits(requests_per_minute=1), Forecast(190, 200, 1.0)),
    ],
)
def test_a_request_takes_its_turns_its_delays_and_what_the_rate_allows(
    asked: BulkRequest, limits: Limits, expected: Forecast
) -> None:
    assert asked.pipeline == ARTICLE
    assert forecast(asked, "tenant", USUAL, limits) == expected


def test_a_tenant_that_parallel_running_is_off_for_runs_one_at_a_time() -> None:
    limits = Limits(parallel=bucket_of("tenant"))
    assert forecast(request(10, parallelism=5), "tenant", USUAL, limits) == Forecast(145, 245, 5.0)


def test_no_cost_is_foreseen_where_none_is_known() -> None:
    assert forecast(request(2), "tenant", Usual(1.0, 2.0, None), Limits()) == Forecast(7, 9, None)
