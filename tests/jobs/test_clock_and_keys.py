"""The database's clock as told from here, and API keys as they are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from bson import ObjectId

from jobs.clock import DatabaseClock
from jobs.errors import NotFound
from jobs.keys import Scope
from jobs.system import System

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
        await system.keys.revoke(ObjectId())


@pytest.mark.parametrize("text", ["", "pressrun_", "pressrun_" + "x" * 500, "other", "pressrun_\x00"])
async def test_what_is_no_key_finds_nobody(system: System, text: str) -> None:
    assert await system.keys.find(text) is None
