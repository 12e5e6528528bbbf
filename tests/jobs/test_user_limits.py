"""What one user may do: never one more, whoever asks at once and wherever, and a refusal costs nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from jobs.callers.user_limits import UserLimits
from jobs.controls import Pause
from jobs.creation import Created, Creation, IdempotencyKey
from jobs.documents import BulkRequest
from jobs.errors import TooManyOpenBulks, TooManySends, TooManySubmissions
from jobs.storage.store import Store
from jobs.system import Rules, System, assemble
from tests.jobs.conftest import OWNER
from tests.support.clock import MovableClock

Limited = Callable[..., System]


def one() -> BulkRequest:
    return BulkRequest(mode="topic", items=[{"topic": "T"}])


def key(text: str) -> IdempotencyKey:
    return IdempotencyKey(text, "hash")


@pytest.fixture
def limited(system: System, store: Store, clock: MovableClock) -> Limited:
    """Another replica each time."""
    return lambda **limits: assemble(store, clock, Rules(user=UserLimits(**limits)))


async def at_once(creation: Creation, many: int) -> list[Created | BaseException]:
    return await asyncio.gather(*(creation.create(OWNER, one()) for _ in range(many)), return_exceptions=True)


def accepted(answers: list[Created | BaseException]) -> int:
    return sum(isinstance(answer, Created) for answer in answers)


async def bulks(system: System) -> int:
    return await system.store.collection("bulk_jobs").count({})


async def test_no_minute_has_more_submissions_than_are_allowed(limited: Limited, clock: MovableClock) -> None:
    creation = limited(submissions_per_minute=3).creation
    for seconds in (20, 20, 0):
        await creation.create(OWNER, one())
        clock.move(timedelta(seconds=seconds))
    with pytest.raises(TooManySubmissions) as refused:
        await creation.create(OWNER, one())
    said = "More than 3 submissions a minute are not allowed: wait a little, and send this one again."
    assert (str(refused.value), refused.value.retry_after) == (said, timedelta(seconds=20))
    clock.move(refused.value.retry_after)
    await creation.create(OWNER, one())
    with pytest.raises(TooManySubmissions) as again:
        await creation.create(OWNER, one())
    assert again.value.retry_after == timedelta(seconds=20)


async def test_a_replica_counts_what_others_have_let_in_and_each_user_alone(limited: Limited) -> None:
    await limited(submissions_per_minute=1).creation.create(OWNER, one())
    other = limited(submissions_per_minute=1).creation
    with pytest.raises(TooManySubmissions):
        await other.create(OWNER, one())
    await other.create("somebody else", one())


async def test_of_many_at_once_no_more_come_through_than_are_allowed(limited: Limited) -> None:
    system = limited(submissions_per_minute=4)
    assert accepted(await at_once(system.creation, 12)) == 4
    assert await bulks(system) == 4


async def test_a_repeat_of_a_key_is_answered_and_not_counted(limited: Limited) -> None:
    creation = limited(submissions_per_minute=2, open_bulks=2).creation
    first = await creation.create(OWNER, one(), key("a"))
    for _ in range(5):
        assert (await creation.create(OWNER, one(), key("a"))).bulk_id == first.bulk_id
    await creation.create(OWNER, one(), key("b"))
    with pytest.raises(TooManySubmissions):
        await creation.create(OWNER, one(), key("c"))
    assert (await creation.create(OWNER, one(), key("a"))).bulk_id == first.bulk_id


async def test_one_key_sent_many_times_at_once_is_one_submission(limited: Limited) -> None:
    creation = limited(submissions_per_minute=2).creation
    created = await asyncio.gather(*(creation.create(OWNER, one(), key("a")) for _ in range(10)))
    assert len({answer.bulk_id for answer in created}) == 1
    await creation.create(OWNER, one(), key("b"))


async def test_a_key_that_was_refused_can_be_used_later(limited: Limited, clock: MovableClock) -> None:
    system = limited(submissions_per_minute=1)
    await system.creation.create(OWNER, one())
    with pytest.raises(TooManySubmissions):
        await system.creation.create(OWNER, one(), key("a"))
    assert await system.store.collection("creations").count({}) == 0
    clock.move(timedelta(minutes=1))
    await system.creation.create(OWNER, one(), key("a"))


async def test_a_submission_that_died_before_it_was_stored_costs_one_count_and_its_key_none_again(
    limited: Limited, clock: MovableClock
) -> None:
    system = limited(submissions_per_minute=2)
    await system.user_counts.count_submission(
        OWNER, (await system.creation.create(OWNER, one())).bulk_id, key("a").mark
    )
    await system.creation.create(OWNER, one(), key("a"))
    with pytest.raises(TooManySubmissions):
        await system.creation.create(OWNER, one())
    clock.move(timedelta(minutes=1))
    await system.creation.create(OWNER, one())


async def test_so_many_bulks_may_be_open_and_one_more_when_one_has_ended(limited: Limited) -> None:
    system = limited(open_bulks=2)
    first = await system.creation.create(OWNER, one())
    await system.creation.create(OWNER, one())
    await system.creation.create("somebody else", one())
    with pytest.raises(TooManyOpenBulks) as refused:
        await system.creation.create(OWNER, one())
    said = "No more than 2 open bulk jobs are allowed, and you have 2: let some end, or cancel them."
    assert str(refused.value) == said
    await system.controls.cancel(OWNER, first.bulk_id)
    await system.creation.create(OWNER, one())
    with pytest.raises(TooManyOpenBulks):
        await system.creation.create(OWNER, one())


async def test_bulks_of_long_ago_are_open_until_they_end(limited: Limited, clock: MovableClock) -> None:
    system = limited(open_bulks=3, submissions_per_minute=3)
    created = [await system.creation.create(OWNER, one()) for _ in range(2)]
    clock.move(timedelta(hours=2))
    await system.controls.pause(OWNER, created[0].bulk_id, Pause())
    await system.creation.create(OWNER, one())
    with pytest.raises(TooManyOpenBulks):
        await system.creation.create(OWNER, one())


async def test_of_many_at_once_no_more_are_open_than_are_allowed(limited: Limited, clock: MovableClock) -> None:
    system = limited(open_bulks=5)
    await system.creation.create(OWNER, one())
    clock.move(timedelta(minutes=2))
    await system.creation.create(OWNER, one())
    assert accepted(await at_once(system.creation, 12)) == 3
    assert await bulks(system) == 5


async def test_without_limits_nothing_is_counted(limited: Limited) -> None:
    system = limited()
    assert accepted(await at_once(system.creation, 5)) == 5
    await system.user_counts.count_send(OWNER)
    assert await system.store.collection("user_counts").count({}) == 0


async def test_so_many_messages_a_minute_may_be_asked_for(limited: Limited, clock: MovableClock) -> None:
    counts = limited(sends_per_minute=2).user_counts
    await counts.count_send(OWNER)
    clock.move(timedelta(seconds=15))
    await counts.count_send(OWNER)
    with pytest.raises(TooManySends) as refused:
        await counts.count_send(OWNER)
    assert refused.value.retry_after == timedelta(seconds=45)
    clock.move(refused.value.retry_after)
    await counts.count_send(OWNER)
