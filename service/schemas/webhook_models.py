"""What clients may say of webhooks, and what they are answered. None is made here."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StringConstraints

from jobs.events import EventType
from jobs.notification.addressed import DeliveryState
from jobs.notification.endpoints import LONGEST_DESCRIPTION, EndpointKind
from outbound.urls import LONGEST_URL
from service.schemas import values
from service.schemas.answers import Model, Moment
from service.schemas.values import Body

EndpointUrl = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=LONGEST_URL)]
Events = Annotated[list[EventType], Field(min_length=1, max_length=50)]
Description = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, max_length=LONGEST_DESCRIPTION)]
DEFAULT_EVENTS = tuple(one for one in EventType if one is not EventType.BULK_PROGRESS)


class EndpointCreate(Body):
    """`url`: https; it is checked at once, and again whenever something is sent there. `events`: all but
    `bulk.progress`, unless they are named."""

    url: EndpointUrl
    events: Events = list(DEFAULT_EVENTS)
    description: Description = ""


class EndpointChange(Body):
    """What is left out stays as it is."""

    url: EndpointUrl | None = None
    events: Events | None = None
    description: Description | None = None
    enabled: StrictBool | None = None


class ReplayRange(Body):
    """Deliveries made from `since` to before `until` (now, unless it is named); `only_failed`: of these the dead."""

    since: values.Moment
    until: values.Moment | None = None
    only_failed: StrictBool = True


class EndpointState(Model):
    """`kind` bulks: its secret signs what goes to the URLs that single bulks name. `disabled_by`: recipient, where it
    answered 410. `old_secret_valid_until`: until then what is sent is signed with an older secret too."""

    id: str
    kind: EndpointKind
    url: str
    events: list[str]
    description: str
    enabled: bool
    disabled_at: Moment | None
    disabled_by: Literal["owner", "recipient"] | None
    created_at: Moment
    rotated_at: Moment | None
    old_secret_valid_until: Moment | None


class EndpointList(Model):
    endpoints: list[EndpointState]


class EndpointAnswer(Model):
    endpoint: EndpointState


class EndpointChanged(Model):
    success: Literal[True] = True
    endpoint: EndpointState


class EndpointSecret(Model):
    """`secret` is shown this once."""

    success: Literal[True] = True
    endpoint: EndpointState
    secret: str


class EndpointRemoved(Model):
    success: Literal[True] = True
    message: str = "Endpoint removed"


class AttemptState(Model):
    """`answer` is the head of what was answered; `error` is null where it was taken."""

    at: Moment
    seconds: float
    status: int | None
    answer: str
    error: str | None


class DeliverySummary(Model):
    """`due_at`: when it is tried next; null where it is not. `last` is the last attempt."""

    id: str
    event_id: str
    type: str
    endpoint_id: str | None
    url: str | None
    bulk_job_id: str | None
    job_id: str | None
    state: DeliveryState
    due_at: Moment | None
    tries: int
    last: AttemptState | None
    created_at: Moment
    ended_at: Moment | None


class DeliveryPage(Model):
    deliveries: list[DeliverySummary]
    next_cursor: str | None


class DeliveryDetail(Model):
    delivery: DeliverySummary
    attempts: list[AttemptState]


class DeliveryQueued(Model):
    success: Literal[True] = True
    message: str
    delivery: DeliverySummary


class Replayed(Model):
    success: Literal[True] = True
    message: str
    replayed: int
