"""Where the application's sessions are looked for, by the settings."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.configuration.settings import WrongSettings, load_settings
from pressrun.application import app_sessions
from tests.support.clock import MovableClock

SECRETS = ["a-secret-of-the-application-0123456789"]


async def looked_for(*, embedded: bool = False, **auth: Any) -> bool:
    settings = load_settings({"auth": {"mode": "sessions", "secrets": SECRETS, **auth}}, {})
    async with app_sessions(settings, MovableClock(), embedded=embedded) as sessions:
        return sessions is not None


async def test_only_where_the_settings_name_a_database_and_take_sessions() -> None:
    assert await looked_for(database="shop")
    assert await looked_for(database="shop", database_uri="mongodb://127.0.0.1:9", embedded=True)
    assert not await looked_for()
    assert not await looked_for(mode="keys", database="shop")


async def test_beside_the_embedded_store_the_server_must_be_named() -> None:
    with pytest.raises(WrongSettings) as stopped:
        await looked_for(database="shop", embedded=True)
    assert [fault.path for fault in stopped.value.faults] == ["PRESSRUN_AUTH__DATABASE_URI"]
