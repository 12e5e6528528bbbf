"""The database's clock as told from here, and API keys as they are kept."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from bson import ObjectId

from jobs.callers.keys import MOST, MOST_OVER_LISTED, KeyId, Scope
from jobs.clock import DatabaseClock
from jobs.documents import user_id
from jobs.errors import NotFound, TooMany
from jobs.storage.store import Store
from jobs.system import System
from tests.support.clock import MovableClock

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


async def test_the_clock_counts_on_from_the_databases_time_whatever_the_wall_clock_here_says() -> None:
    ticks = [100.0]

    async def read() -> datetime:
        return NOON

    clock = DatabaseClock(read, lambda: ticks[0])
    await clock.measure()
    ticks[0] += 90
    assert clock.now() == NOON + timedelta(seconds=90)


async def test_the_clock_believes_the_measurement_with_the_shortest_round_trip() -> None:
    ticks = [0.0]
    trips = iter([(4.0, timedelta(seconds=3)), (0.2, timedelta(0)), (2.0, timedelta(seconds=9))])

    async def read() -> datetime:
        took, error = next(trips)
        ticks[0] += took
        return NOON + timedelta(seconds=ticks[0]) + error

    clock = DatabaseClock(read, lambda: ticks[0])
    await clock.measure(samples=3)
    assert abs((clock.now() - NOON).total_seconds() - ticks[0]) <= 0.1


async def test_a_key_is_found_by_its_text_and_only_its_hash_is_kept(system: System) -> None:
    key, text = await system.keys.create("me", Scope.WRITE, "laptop")
    found = await system.keys.find(text)
    assert found is not None
    assert (found.user, found.scope) == ("me", Scope.WRITE)
    stored = (await system.keys.all())[0]
    assert text not in str(stored)
    assert (stored["_id"], stored["name"]) == (key["_id"], "laptop")


async def test_a_revoked_key_no_longer_works(system: System) -> None:
    key, text = await system.keys.create("me", Scope.READ)
    await system.keys.revoke(key["_id"])
    await system.keys.revoke(key["_id"])
    assert await system.keys.find(text) is None
    with pytest.raises(NotFound):
        await system.keys.revoke(KeyId(ObjectId()))


@pytest.mark.parametrize("text", ["", "pressrun_", "pressrun_" + "x" * 500, "other", "pressrun_\x00"])
async def test_what_is_no_key_finds_nobody(system: System, text: str) -> None:
    assert await system.keys.find(text) is None


async def test_a_key_that_has_expired_finds_nobody(system: System, clock: MovableClock) -> None:
    expires_at = clock.now() + timedelta(days=1)
    key, text = await system.keys.create("me", Scope.READ, expires_at=expires_at)
    found = await system.keys.find(text)
    assert found is not None
    assert (found.key_id, found.expires_at) == (key["_id"], expires_at)
    assert await system.keys.by_id(found.key_id) == found
    clock.move(timedelta(days=1))
    assert await system.keys.find(text) is None
    assert await system.keys.by_id(found.key_id) is None


async def test_the_use_of_a_key_is_noted_once_a_minute(system: System, clock: MovableClock) -> None:
    key, text = await system.keys.create("me", Scope.READ)
    first = clock.now()

    async def used() -> tuple[bool, datetime | None]:
        """Whether the next note is due, and what stands there."""
        found = await system.keys.find(text)
        assert found is not None
        return found.use_is_due, (await system.keys.all())[0]["last_used_at"]

    assert await used() == (True, None)
    await system.keys.note_use(key["_id"])
    clock.move(timedelta(seconds=59))
    await system.keys.note_use(key["_id"])
    assert await used() == (False, first)
    clock.move(timedelta(seconds=1))
    assert await used() == (True, first)
    await system.keys.note_use(key["_id"])
    assert await used() == (False, clock.now())


async def test_a_user_has_at_most_a_hundred_valid_keys(system: System, store: Store, clock: MovableClock) -> None:
    soon = clock.now() + timedelta(hours=1)
    made = [(await system.keys.create("me", Scope.READ, expires_at=soon))[0] for _ in range(MOST)]
    with pytest.raises(TooMany, match="as many API keys as there can be: 100 are allowed"):
        await system.keys.create("me", Scope.READ)
    await system.keys.create("another", Scope.READ)
    await system.keys.revoke(made[3]["_id"])
    await system.keys.create("me", Scope.READ)
    with pytest.raises(TooMany):
        await system.keys.create("me", Scope.READ)
    clock.move(timedelta(hours=1))
    for _ in range(2):
        await system.keys.create("me", Scope.READ)
    places = [key["place"] for key in await store.collection("api_keys").find({"userId": "me"}) if "place" in key]
    assert len(places) == len(set(places)) == 3


async def test_keys_from_before_there_were_places_count_too(system: System, store: Store) -> None:
    """A key of an earlier version has neither a place nor an expiry, and works on."""
    _, text = await system.keys.create("me", Scope.READ)
    old: dict[str, str] = dict.fromkeys(("place", "expires_at", "last_used_at"), "")
    await store.collection("api_keys").update_many({}, {"$unset": old})
    found = await system.keys.find(text)
    assert found is not None
    assert (found.expires_at, found.use_is_due) == (None, True)
    await system.keys.note_use(found.key_id)
    for _ in range(MOST - 1):
        await system.keys.create("me", Scope.READ)
    with pytest.raises(TooMany):
        await system.keys.create("me", Scope.READ)


async def test_many_requests_together_make_no_key_too_many(system: System) -> None:
    for _ in range(MOST - 2):
        await system.keys.create("me", Scope.READ)
    made = await asyncio.gather(*(system.keys.create("me", Scope.READ) for _ in range(6)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in made) == ["TooMany"] * 4 + ["tuple"] * 2


async def test_only_the_owner_takes_a_key_back_where_one_is_named(system: System) -> None:
    key, text = await system.keys.create("me", Scope.READ)
    with pytest.raises(NotFound):
        await system.keys.revoke(key["_id"], user_id("another"))
    assert await system.keys.find(text) is not None
    await system.keys.revoke(key["_id"], user_id("me"))
    assert await system.keys.find(text) is None


async def test_however_many_keys_are_over_those_that_are_valid_are_listed_first(
    system: System, clock: MovableClock
) -> None:
    first, _ = await system.keys.create("me", Scope.READ, expires_at=clock.now() + timedelta(days=2))
    for _ in range(MOST_OVER_LISTED + 1):
        clock.move(timedelta(seconds=1))
        over, _ = await system.keys.create("me", Scope.READ)
        await system.keys.revoke(over["_id"])
    second, _ = await system.keys.create("me", Scope.READ)
    listed = [key["_id"] for key in await system.keys.of(user_id("me"))]
    assert (listed[:3], len(listed)) == ([second["_id"], first["_id"], over["_id"]], 2 + MOST_OVER_LISTED)
    clock.move(timedelta(days=2))
    assert [key["_id"] for key in await system.keys.of(user_id("me"))][:2] == [second["_id"], over["_id"]]
    assert list(await system.keys.of(user_id("another"))) == []
