"""The routes about what is mailed to a user. What they do: `service/rules/mail_preferences.py`, for pages as well."""

from __future__ import annotations

from fastapi import APIRouter

from service.auth.callers import Reader, Writer
from service.deps import Parts, Rules
from service.rules.mail_preferences import change, state_of, undelivered
from service.schemas.notification_models import (
    MailQueued,
    PreferencesChanged,
    PreferencesGiven,
    PreferencesState,
    UndeliveredMails,
)

router = APIRouter(prefix="/api/notifications", tags=["notifications"])


@router.get("/preferences")
async def get_preferences(caller: Reader, parts: Parts, rules: Rules) -> PreferencesState:
    """What is mailed, and where to."""
    return await state_of(caller, parts, rules)


@router.put("/preferences")
async def change_preferences(body: PreferencesGiven, caller: Writer, parts: Parts, rules: Rules) -> PreferencesChanged:
    """Holds for what happens from now on. An address of the caller's own that had unsubscribed has mail again."""
    return PreferencesChanged(preferences=await change(body, caller, parts, rules))


@router.get("/mail")
async def list_undelivered_mail(caller: Reader, parts: Parts) -> UndeliveredMails:
    """The last 50 mails that could not be delivered, the newest first."""
    return UndeliveredMails(mails=await undelivered(caller, parts))


@router.post("/mail/{delivery_id}/replay")
async def replay_mail(delivery_id: str, caller: Writer, parts: Parts) -> MailQueued:
    """One that could not be delivered is sent again, within seconds."""
    await parts.dead_mails.send_again(caller.user, delivery_id)
    return MailQueued()
