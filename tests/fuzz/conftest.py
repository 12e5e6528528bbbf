"""One world for all tests, begun anew for each: what one has changed is not in another's way."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fuzz.world import World, inhabited


@pytest.fixture(scope="session")
async def shared_world() -> AsyncIterator[World]:
    made = await inhabited()
    yield made
    await made.close()


@pytest.fixture
async def world(shared_world: World) -> World:
    await shared_world.begin_anew()
    return shared_world
