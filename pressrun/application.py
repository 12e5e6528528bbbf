"""The database of the application in front, connected where it keeps its sessions there. Nothing is written to it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from jobs.callers.app_sessions import AppSessions
from jobs.clock import Clock
from jobs.configuration.access import AuthMode
from jobs.configuration.settings import Settings, wrong_setting
from jobs.errors import StoreRefused
from jobs.storage.mongo import MongoStore

CONNECTIONS = 10


@contextlib.asynccontextmanager
async def app_sessions(
    settings: Settings, clock: Clock, *, embedded: bool = False
) -> AsyncIterator[AppSessions | None]:
    """None where the settings name no such database. It is not asked anything: it may be away.

    Raises `WrongSettings` for an address that cannot be used, and where there would be none: the embedded store has no
    server that the application could share.
    """
    auth = settings.auth
    if auth.mode is not AuthMode.SESSIONS or auth.database is None:
        yield None
        return
    if auth.database_uri is None and embedded:
        raise wrong_setting("AUTH__DATABASE_URI", "must be set: the embedded store has no sessions of an application")
    uri = auth.database_uri or settings.mongodb.uri
    try:
        store = MongoStore.connect(uri.get_secret_value(), auth.database, CONNECTIONS, "pressrun-sessions")
    except StoreRefused as error:
        raise wrong_setting("AUTH__DATABASE_URI", error.reason) from None
    try:
        yield AppSessions(store, clock)
    finally:
        await store.close()
