"""A user's mail preferences: judged, kept, shown; and what the link in a mail does. No route or page is known here."""

from __future__ import annotations

from dataclasses import asdict

from jobs.notification.mailboxes import Mailbox
from jobs.notification.preferences import Preference, Way
from jobs.storage.bson_json import plain
from jobs.system import System
from service.auth.caller import Caller
from service.rules.bulk_rules import BulkRules
from service.schemas.notification_models import PreferencesGiven, PreferencesState, UndeliveredMail


async def state_of(caller: Caller, parts: System, rules: BulkRules) -> PreferencesState:
    return await _shown(await parts.preferences.read(caller.user), caller, parts, rules)


async def change(body: PreferencesGiven, caller: Caller, parts: System, rules: BulkRules) -> PreferencesState:
    """Raises `InvalidInput`. Who is known to have an address may take its unsubscribing back so."""
    email = rules.notify.address(body.email, caller.email, "email") if body.email is not None else None
    wanted = Preference(email, body.ways())
    await parts.preferences.write(caller.user, wanted)
    if email is not None and rules.notify.is_own(email, caller.email):
        mailbox = await parts.mailboxes.find(caller.user, email)
        if mailbox is not None and mailbox.unsubscribed_at is not None:
            await parts.mailboxes.subscribe(mailbox)
    return await _shown(wanted, caller, parts, rules)


async def undelivered(caller: Caller, parts: System) -> list[UndeliveredMail]:
    """What could not be delivered, the newest first."""
    found = await parts.dead_mails.newest(caller.user)
    return [UndeliveredMail.model_validate(plain(asdict(mail))) for mail in found]


async def unsubscribe(token: str, parts: System, *, again: bool = False) -> Mailbox:
    """By the link in a mail; `again`: mail is wanted again. Safe to repeat. Raises `NotFound`."""
    mailbox = await parts.mailboxes.by_token(token)
    return await (parts.mailboxes.subscribe(mailbox) if again else parts.mailboxes.unsubscribe(mailbox))


async def _shown(wanted: Preference, caller: Caller, parts: System, rules: BulkRules) -> PreferencesState:
    mailbox = await parts.mailboxes.find(caller.user, wanted.email) if wanted.email is not None else None
    return PreferencesState(
        email=wanted.email,
        at_once=[kind for kind, way in wanted.events.items() if way is Way.AT_ONCE],
        daily=[kind for kind, way in wanted.events.items() if way is Way.DAILY],
        own_address=caller.email,
        unsubscribed=mailbox is not None and mailbox.unsubscribed_at is not None,
        mails=rules.notify.mails,
    )
