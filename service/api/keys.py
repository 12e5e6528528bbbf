"""The routes of API keys: one's own, listed, made and revoked. A key's text is answered once, when it is made."""

from __future__ import annotations

from fastapi import APIRouter

from service.auth.callers import Reader, Writer
from service.deps import Parts
from service.rules import key_rules
from service.schemas.key_models import KeyCreate, KeyList, KeyMade, KeyRevoked

router = APIRouter(prefix="/api/keys", tags=["keys"])


@router.get("")
async def list_keys(caller: Reader, parts: Parts) -> KeyList:
    """Those that were revoked or have expired too, for 90 days."""
    return KeyList(keys=list(await key_rules.list_own(parts, caller)))


@router.post("")
async def create_key(body: KeyCreate, caller: Writer, parts: Parts) -> KeyMade:
    """None that may do more, or lasts longer, than that of the caller."""
    key, text = await key_rules.create(parts, caller, body)
    return KeyMade(key=key, text=text)


@router.delete("/{key_id}")
async def revoke_key(key_id: str, caller: Writer, parts: Parts) -> KeyRevoked:
    """It stops working at once; what it has made stays."""
    await key_rules.revoke(parts, caller, key_id)
    return KeyRevoked()
