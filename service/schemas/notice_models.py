"""What clients may say of notices, and what they are answered. None is made here."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from jobs.events import EventType
from service.schemas import values
from service.schemas.answers import Identifier, Model, Moment
from service.schemas.values import Body

NoticeId = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=100)]


class NoticesRead(Body):
    """Which: these, or all that are not newer than `up_to`; without either, all."""

    ids: Annotated[list[NoticeId], Field(min_length=1, max_length=100)] | None = None
    up_to: values.Moment | None = None


class NoticeState(Model):
    """`id` is that of the event, as webhooks tell it. `by`: pressrun, person or admin; null where it just ended.
    `data`: how the bulk or the article stood then; `{name, reason}` of a schedule that has paused itself, which is told
    here alone and has no bulk."""

    id: str
    type: EventType | Literal["schedule.paused"]
    at: Moment
    bulk_job_id: Identifier | None
    job_id: Identifier | None
    schedule_id: Identifier | None = None
    generation: int | None
    by: str | None
    data: dict[str, Any]
    read_at: Moment | None


class NoticeList(Model):
    """`unread` counts all of the caller's, to a hundred."""

    notices: list[NoticeState]
    unread: int
    next_cursor: str | None


class NoticesMarked(Model):
    """`marked`: how many of them were unread. `unread`: how many still are, to a hundred."""

    success: Literal[True] = True
    marked: int
    unread: int
