"""What clients may say of notices and mail, and what they are answered. None is made here."""

from __future__ import annotations

from typing import Literal

from jobs.events import EventType
from jobs.preferences import Way
from service.answers import Model
from service.notify_rules import Email
from service.values import Body


class PreferencesGiven(Body):
    """All of them: a type that is not named is as at first. A null `email`: no mail but of bulks that name an
    address."""

    email: Email | None = None
    events: dict[EventType, Way] = {}


class PreferencesState(Model):
    """`own_address`: the one that is known to be the caller's. `unsubscribed`: the address wants no mail any more, by
    the link in one. `mails`: whether mail is sent here at all."""

    email: str | None
    events: dict[EventType, Way]
    own_address: str | None
    unsubscribed: bool
    mails: bool


class PreferencesChanged(Model):
    success: Literal[True] = True
    preferences: PreferencesState
