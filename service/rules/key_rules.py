"""What may be done with API keys, for the API and the pages alike: everybody sees and makes their own alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from jobs.callers.keys import WHAT, KeyId, Scope
from jobs.documents import parse_id
from jobs.storage.bson_json import plain
from jobs.storage.store import Document
from jobs.system import System
from service.auth.caller import Caller
from service.auth.callers import ORDER
from service.refusals import Forbidden
from service.schemas.key_models import KeyCreate, KeyState


def scopes_for(caller: Caller) -> Sequence[Scope]:
    """Those that a new key may have. Who is an admin because the settings say so, and not the key, passes on no more
    than the key has: the new one counts as an admin's just as long."""
    if not caller.may_write:
        return ()
    widest = caller.key.scope if caller.key is not None else caller.scope
    return ORDER[: ORDER.index(widest) + 1]


async def create(parts: System, caller: Caller, wanted: KeyCreate) -> tuple[KeyState, str]:
    """The key and, this once, its text. Raises `Forbidden` for one that could do more, or for longer, than that of the
    caller, and `TooMany`."""
    allowed = scopes_for(caller)
    if wanted.scope not in allowed:
        raise Forbidden(f"You may make keys of the scopes {', '.join(allowed)} alone.")
    expires_at = _expiry(parts.clock.now(), caller, wanted.expires_days)
    stored, text = await parts.keys.create(str(caller.user), wanted.scope, wanted.name, caller.email, expires_at)
    return _state(stored, caller), text


async def list_own(parts: System, caller: Caller) -> Sequence[KeyState]:
    """Newest first, and last those that are over."""
    return [_state(key, caller) for key in await parts.keys.of(caller.user)]


async def revoke(parts: System, caller: Caller, text: str) -> None:
    """Safe to repeat. Raises `NotFound`, also for somebody else's."""
    await parts.keys.revoke(KeyId(parse_id(text, WHAT)), caller.user)


def _expiry(now: datetime, caller: Caller, days: int | None) -> datetime | None:
    last = caller.key.expires_at if caller.key is not None else None
    if days is None:
        return last
    expires_at = now + timedelta(days=days)
    if last is not None and expires_at > last:
        raise Forbidden(f"Your own key expires at {last:%Y-%m-%d %H:%M} UTC, and can make none that lasts longer.")
    return expires_at


def _state(key: Document, caller: Caller) -> KeyState:
    current = caller.key is not None and caller.key.key_id == key["_id"]
    told = {name: plain(key.get(name)) for name in KeyState.model_fields if name not in ("id", "current")}
    return KeyState.model_validate({**told, "id": str(key["_id"]), "current": current})
