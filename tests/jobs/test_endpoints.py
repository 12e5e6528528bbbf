"""Webhook endpoints: whose they are, how many, what changes, and what becomes of their secrets. On both stores."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from bson import ObjectId

from jobs.errors import NoEncryptionKey, NotFound, SecretUnreadable, TooMany
from jobs.notification.endpoints import MOST, Change, Disabled, EndpointId, EndpointKind, Endpoints
from jobs.storage.encryption import Cipher
from jobs.system import System
from tests.support.clock import MovableClock

OWNER = "owner"
OTHER = "other"
URL = "https://hooks.example/pressrun?token=t0k3n"
EVENTS = ["bulk.completed", "job.failed"]


async def created(system: System, owner: str = OWNER, url: str = URL) -> EndpointId:
    endpoint, _ = await system.endpoints.create(owner, url, EVENTS)
    return endpoint.id


async def secrets_of(system: System, endpoint_id: EndpointId) -> list[str]:
    _, signing = await system.endpoints.signing(OWNER, endpoint_id)
    return list(signing.secrets)


async def test_an_endpoint_is_as_it_was_made_and_its_secret_is_stored_encrypted(
    system: System, clock: MovableClock
) -> None:
    endpoint, secret = await system.endpoints.create(OWNER, URL, EVENTS, "Ours")
    assert (endpoint.kind, endpoint.url, endpoint.events, endpoint.description) == (
        EndpointKind.ENDPOINT,
        URL,
        EVENTS,
        "Ours",
    )
    assert (endpoint.disabled, endpoint.created_at, endpoint.rotated_at) == (None, clock.now(), None)
    (stored,) = await system.store.collection("endpoints").find({})
    assert secret.removeprefix("whsec_") not in repr(stored)
    assert await secrets_of(system, endpoint.id) == [secret]
    assert "t0k3n" not in repr(endpoint)
    assert secret not in repr(endpoint)


async def test_an_owner_sees_their_own_and_nobody_elses(system: System, clock: MovableClock) -> None:
    first = await created(system)
    clock.move(timedelta(seconds=1))
    second = await created(system)
    theirs = await created(system, OTHER)
    assert [one.id for one in await system.endpoints.list(OWNER)] == [first, second]
    for ask in (system.endpoints.find, system.endpoints.signing, system.endpoints.rotate, system.endpoints.remove):
        with pytest.raises(NotFound, match="no such endpoint"):
            await ask(OWNER, theirs)
    with pytest.raises(NotFound):
        await system.endpoints.change(OWNER, theirs, Change(url="https://evil.example/"))
    assert not await system.endpoints.disable_gone(OWNER, theirs, URL)
    assert (await system.endpoints.find(OTHER, theirs)).disabled is None


async def test_no_owner_gets_more_than_twenty_however_many_are_made_at_once(system: System) -> None:
    for _ in range(MOST - 3):
        await created(system)
    await system.endpoints.of_bulks(OWNER)
    results = await asyncio.gather(*(created(system) for _ in range(8)), return_exceptions=True)
    assert [type(result) for result in results if isinstance(result, BaseException)] == [TooMany] * 5
    assert len(await system.endpoints.list(OWNER)) == MOST + 1
    await system.endpoints.remove(OWNER, (await system.endpoints.list(OWNER))[5].id)
    await created(system)
    with pytest.raises(TooMany, match="as many endpoints as there can be: 20 are allowed"):
        await created(system)


async def test_a_change_leaves_what_it_does_not_name(system: System, clock: MovableClock) -> None:
    endpoint_id = await created(system)
    changed = await system.endpoints.change(OWNER, endpoint_id, Change(events=["bulk.paused"], description="New"))
    assert (changed.url, changed.events, changed.description) == (URL, ["bulk.paused"], "New")
    changed = await system.endpoints.change(OWNER, endpoint_id, Change(enabled=False))
    assert changed.disabled == Disabled(clock.now(), by_recipient=False)
    assert await system.endpoints.change(OWNER, endpoint_id, Change()) == changed
    changed = await system.endpoints.change(OWNER, endpoint_id, Change(url="https://new.example/", enabled=True))
    assert (changed.url, changed.disabled) == ("https://new.example/", None)
    assert await system.endpoints.find(OWNER, endpoint_id) == changed


async def test_a_recipient_that_is_gone_disables_its_endpoint_unless_that_has_moved(
    system: System, clock: MovableClock
) -> None:
    endpoint_id = await created(system)
    assert not await system.endpoints.disable_gone(OWNER, endpoint_id, "https://before.example/")
    assert await system.endpoints.disable_gone(OWNER, endpoint_id, URL)
    at = clock.now()
    clock.move(timedelta(hours=1))
    assert not await system.endpoints.disable_gone(OWNER, endpoint_id, URL)
    assert (await system.endpoints.find(OWNER, endpoint_id)).disabled == Disabled(at, by_recipient=True)
    assert not await system.endpoints.disable_gone(OWNER, EndpointId(ObjectId()), URL)


async def test_an_old_secret_signs_for_a_day_after_its_rotation(system: System, clock: MovableClock) -> None:
    endpoint, first = await system.endpoints.create(OWNER, URL, EVENTS)
    rotated, second = await system.endpoints.rotate(OWNER, endpoint.id)
    assert (rotated.rotated_at, rotated.old_secret_valid_until) == (clock.now(), clock.now() + timedelta(hours=24))
    assert await secrets_of(system, endpoint.id) == [second, first]
    clock.move(timedelta(hours=24))
    assert await secrets_of(system, endpoint.id) == [second]


async def test_two_rotations_at_once_lose_no_secret(system: System) -> None:
    endpoint, first = await system.endpoints.create(OWNER, URL, EVENTS)
    rotated = await asyncio.gather(*(system.endpoints.rotate(OWNER, endpoint.id) for _ in range(3)))
    assert sorted(await secrets_of(system, endpoint.id)) == sorted([first, *(secret for _, secret in rotated)])


async def test_that_of_single_bulks_is_made_once_however_many_need_it_first(system: System) -> None:
    made = await asyncio.gather(*(system.endpoints.of_bulks(OWNER) for _ in range(8)))
    assert len({one.id for one in made}) == 1
    (listed,) = await system.endpoints.list(OWNER)
    assert (listed.kind, listed.url, listed.events) == (EndpointKind.BULKS, "", [])
    signing = await system.endpoints.signing_for_bulks(OWNER, URL)
    _, second = await system.endpoints.rotate(OWNER, listed.id)
    again = await system.endpoints.signing_for_bulks(OWNER, URL)
    assert (signing.url, again.secrets) == (URL, [second, *signing.secrets])


async def test_that_of_single_bulks_can_neither_be_changed_nor_removed(system: System) -> None:
    endpoint = await system.endpoints.of_bulks(OWNER)
    with pytest.raises(NotFound):
        await system.endpoints.change(OWNER, endpoint.id, Change(enabled=False))
    with pytest.raises(NotFound):
        await system.endpoints.remove(OWNER, endpoint.id)
    assert await system.endpoints.list(OWNER) == [endpoint]


async def test_without_a_key_no_secret_is_made_or_read(system: System, clock: MovableClock) -> None:
    keyless = Endpoints(system.store, clock, Cipher(()))
    for make in (keyless.create(OWNER, URL, EVENTS), keyless.of_bulks(OWNER), keyless.signing_for_bulks(OWNER, URL)):
        with pytest.raises(NoEncryptionKey, match="PRESSRUN_ENCRYPTION__KEYS"):
            await make
    assert await keyless.list(OWNER) == []
    endpoint_id = await created(system)
    with pytest.raises(NoEncryptionKey):
        await keyless.signing(OWNER, endpoint_id)
    with pytest.raises(SecretUnreadable):
        await Endpoints(system.store, clock, Cipher(["another key"])).signing(OWNER, endpoint_id)
