"""What owners see of their deliveries and have sent again: their own, by page and state, one or a range of time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jobs.errors import InvalidInput, MoveRefused, NotFound
from jobs.notification.addressed import Channel, DeliveryState
from jobs.notification.delivery_log import TEST, Logged
from jobs.notification.endpoints import Change, Endpoint
from jobs.system import System
from tests.support.clock import MovableClock
from tests.support.deliveries import OWNER, attempt, claimed, planned, stored

URL = "https://hooks.example/"
SECOND = timedelta(seconds=1)


@pytest.fixture
async def endpoint(system: System) -> Endpoint:
    endpoint, _ = await system.endpoints.create(OWNER, URL, ["bulk.completed"])
    return endpoint


async def to(system: System, endpoint: Endpoint) -> str:
    return await planned(system, f"endpoint-{endpoint.id}", endpoint_id=endpoint.id)


async def ended(system: System, endpoint: Endpoint, state: DeliveryState) -> str:
    delivery_id = await to(system, endpoint)
    delivery = await claimed(system)
    assert delivery.id == delivery_id
    settle = system.deliveries.dead if state is DeliveryState.DEAD else system.deliveries.delivered
    await settle(delivery, attempt(system, "It said no." if state is DeliveryState.DEAD else None))
    return delivery_id


async def listed(system: System, endpoint: Endpoint, state: DeliveryState | None = None) -> list[str]:
    page = await system.delivery_log.page(OWNER, endpoint, limit=100, state=state)
    return [one.id for one in page.deliveries]


async def test_pages_show_each_delivery_once_the_newest_first(
    system: System, endpoint: Endpoint, clock: MovableClock
) -> None:
    made = []
    for number in range(5):
        made.append(await to(system, endpoint))
        clock.move(SECOND * (number % 2))  # two of the same moment
    seen: list[Logged] = []
    cursor = None
    while True:
        page = await system.delivery_log.page(OWNER, endpoint, limit=2, cursor=cursor)
        seen.extend(page.deliveries)
        cursor = page.next_cursor
        if cursor is None:
            break
    assert sorted(one.id for one in seen) == sorted(made)
    moments = [one.created_at for one in seen]
    assert moments == sorted(moments, reverse=True)


@pytest.mark.parametrize("cursor", ["", "x", "é", "MTIz", "eDp5", "OTk5OTk5OTk5OTk5OTk5OTk5OTk6eA", "_w"])
async def test_a_cursor_of_somebody_elses_making_is_refused(system: System, endpoint: Endpoint, cursor: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await system.delivery_log.page(OWNER, endpoint, limit=2, cursor=cursor)
    assert [fault.path for fault in refused.value.faults] == ["cursor"]


async def test_a_page_may_be_of_one_state(system: System, endpoint: Endpoint) -> None:
    dead = await ended(system, endpoint, DeliveryState.DEAD)
    delivered = await ended(system, endpoint, DeliveryState.DELIVERED)
    pending = await to(system, endpoint)
    states = {DeliveryState.DEAD: dead, DeliveryState.DELIVERED: delivered, DeliveryState.PENDING: pending}
    for state, expected in states.items():
        assert await listed(system, endpoint, state) == [expected]


async def test_each_endpoint_has_its_own_and_single_bulks_have_theirs(system: System, endpoint: Endpoint) -> None:
    other, _ = await system.endpoints.create(OWNER, URL, ["bulk.completed"])
    mine = await to(system, endpoint)
    of_bulk = await planned(system, "url-1", url=URL)
    await planned(system, "mail", channel=Channel.EMAIL, address="a@shop.example")
    assert await listed(system, endpoint) == [mine]
    assert await listed(system, other) == []
    assert await listed(system, await system.endpoints.of_bulks(OWNER)) == [of_bulk]


async def test_a_delivery_tells_its_attempts_and_when_the_next_is(
    system: System, endpoint: Endpoint, clock: MovableClock
) -> None:
    delivery_id = await to(system, endpoint)
    await system.deliveries.failed(await claimed(system), attempt(system, "It said no."), SECOND * 5)
    found = await system.delivery_log.find(OWNER, delivery_id)
    assert (found.state, found.tries, found.due_at) == (DeliveryState.PENDING, 1, clock.now() + SECOND * 5)
    assert [(one.status, one.answer, one.error) for one in found.attempts] == [(500, "told", "It said no.")]
    clock.move(SECOND * 5)
    await system.deliveries.delivered(await claimed(system), attempt(system))
    found = await system.delivery_log.find(OWNER, delivery_id)
    assert (found.state, found.due_at, found.ended_at) == (DeliveryState.DELIVERED, None, clock.now())
    assert len(found.attempts) == 2


async def test_what_is_somebody_elses_or_a_mail_is_not_there(system: System, endpoint: Endpoint) -> None:
    mine = await to(system, endpoint)
    mail = await planned(system, "mail", channel=Channel.EMAIL, address="a@shop.example")
    for owner, delivery_id in (("other", mine), (OWNER, mail), (OWNER, "no-such"), (OWNER, "")):
        with pytest.raises(NotFound, match="no such delivery"):
            await system.delivery_log.find(owner, delivery_id)
        with pytest.raises(NotFound):
            await system.delivery_log.replay(owner, delivery_id, None)


@pytest.mark.parametrize("state", [DeliveryState.DEAD, DeliveryState.DELIVERED])
async def test_a_replay_is_due_at_once_under_the_same_id_with_all_tries_before_it(
    system: System, endpoint: Endpoint, clock: MovableClock, state: DeliveryState
) -> None:
    delivery_id = await ended(system, endpoint, state)
    clock.move(timedelta(days=3))
    replayed = await system.delivery_log.replay(OWNER, delivery_id, endpoint)
    assert (replayed.state, replayed.due_at, replayed.tries) == (DeliveryState.PENDING, clock.now(), 0)
    again = await claimed(system)
    assert (again.id, again.tries) == (delivery_id, 1)
    assert len((await stored(system, delivery_id))["attempts"]) == 1


async def test_a_replay_brings_a_waiting_delivery_forward_and_leaves_one_that_is_being_sent(
    system: System, endpoint: Endpoint
) -> None:
    delivery_id = await to(system, endpoint)
    await system.deliveries.failed(await claimed(system), attempt(system, "It said no."), timedelta(hours=5))
    await system.delivery_log.replay(OWNER, delivery_id, endpoint)
    delivery = await claimed(system)
    before = await stored(system, delivery_id)
    await system.delivery_log.replay(OWNER, delivery_id, endpoint)
    assert await stored(system, delivery_id) == before
    assert await system.deliveries.delivered(delivery, attempt(system))


async def test_a_range_is_replayed_of_one_endpoint_from_its_beginning_to_before_its_end(
    system: System, endpoint: Endpoint, clock: MovableClock
) -> None:
    other, _ = await system.endpoints.create(OWNER, URL, ["bulk.completed"])
    await ended(system, endpoint, DeliveryState.DEAD)
    clock.move(SECOND)
    since = clock.now()
    dead = await ended(system, endpoint, DeliveryState.DEAD)
    delivered = await ended(system, endpoint, DeliveryState.DELIVERED)
    await ended(system, other, DeliveryState.DEAD)
    clock.move(SECOND)
    until = clock.now()
    await ended(system, endpoint, DeliveryState.DEAD)
    log = system.delivery_log
    assert await log.replay_range(OWNER, endpoint, since, until, only_failed=True) == 1
    assert await listed(system, endpoint, DeliveryState.PENDING) == [dead]
    assert await log.replay_range(OWNER, endpoint, since, until, only_failed=False) == 1
    assert sorted(await listed(system, endpoint, DeliveryState.PENDING)) == sorted([dead, delivered])
    assert await log.replay_range(OWNER, endpoint, since, until, only_failed=False) == 0
    assert await log.replay_range("other", endpoint, since, until, only_failed=False) == 0


async def test_nothing_is_sent_again_to_an_endpoint_that_is_disabled(system: System, endpoint: Endpoint) -> None:
    delivery_id = await ended(system, endpoint, DeliveryState.DEAD)
    disabled = await system.endpoints.change(OWNER, endpoint.id, Change(enabled=False))
    now = system.clock.now()
    with pytest.raises(MoveRefused, match="disabled cannot be sent to again"):
        await system.delivery_log.replay(OWNER, delivery_id, disabled)
    with pytest.raises(MoveRefused):
        await system.delivery_log.replay_range(OWNER, disabled, now - SECOND, now + SECOND, only_failed=True)
    with pytest.raises(MoveRefused, match="disabled cannot be tested"):
        await system.delivery_log.test(OWNER, disabled)
    assert await listed(system, endpoint, DeliveryState.DEAD) == [delivery_id]


async def test_a_test_is_a_delivery_of_its_own_type_each_with_an_id_of_its_own(
    system: System, endpoint: Endpoint
) -> None:
    tests = [await system.delivery_log.test(OWNER, endpoint) for _ in range(2)]
    assert len({one.event_id for one in tests}) == 2
    delivery = await claimed(system)
    assert (delivery.body["type"], delivery.endpoint_id) == (TEST, endpoint.id)
    assert "." not in delivery.body["id"]
    with pytest.raises(NotFound):
        await system.delivery_log.test(OWNER, await system.endpoints.of_bulks(OWNER))
