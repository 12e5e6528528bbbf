"""What clients may say of notices and mail, and what they are answered. None is made here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from jobs.events import EventType
from jobs.notification.preferences import AT_FIRST, Way
from service.schemas.answers import Model, Moment
from service.schemas.notify_rules import Email
from service.schemas.values import Body

EventTypes = Annotated[list[EventType], Field(max_length=2 * len(EventType))]


class PreferencesGiven(Body):
    """All of them. Which events are mailed at once, and which once a day; what is in neither is not mailed. Without
    both it is as at first. A null `email`: no mail but of bulks that name an address."""

    email: Email | None = None
    at_once: EventTypes | None = None
    daily: EventTypes | None = None

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        both = sorted({*(self.at_once or ())} & {*(self.daily or ())})
        if both:
            raise ValueError(f"{both[0]} is to be mailed at once and once a day: choose one")
        return self

    def ways(self) -> Mapping[EventType, Way]:
        if self.at_once is None and self.daily is None:
            return AT_FIRST
        named = {**dict.fromkeys(self.at_once or (), Way.AT_ONCE), **dict.fromkeys(self.daily or (), Way.DAILY)}
        return {kind: named.get(kind, Way.OFF) for kind in EventType}


class PreferencesState(Model):
    """`own_address`: the one that is known to be the caller's. `unsubscribed`: the address wants no mail any more, by
    the link in one. `mails`: whether mail is sent here at all."""

    email: str | None
    at_once: list[EventType]
    daily: list[EventType]
    own_address: str | None
    unsubscribed: bool
    mails: bool


class UndeliveredMail(Model):
    """`type` is that of the event it told of, or `digest`; `error`: why the last try failed."""

    id: str
    type: str
    address: str
    bulk_job_id: str | None
    job_id: str | None
    tries: int
    error: str | None
    created_at: Moment
    ended_at: Moment


class UndeliveredMails(Model):
    mails: list[UndeliveredMail]


class MailQueued(Model):
    success: Literal[True] = True
    message: str = "Mail queued"


class PreferencesChanged(Model):
    success: Literal[True] = True
    preferences: PreferencesState
