"""Notices: which an owner sees, how many are unread, and that keeping one twice changes nothing. On both stores."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from bson import ObjectId

from jobs.documents import BulkId, JobId
from jobs.errors import InvalidInput
from jobs.events import Event, EventType
from jobs.notification.notices import MOST_COUNTED, is_shown
from jobs.storage.paging import Page
from jobs.system import System
from tests.jobs.conftest import OWNER
from tests.support.clock import MovableClock

BULK = BulkId(ObjectId("a" * 24))
COMPLETED = EventType.BULK_COMPLETED


def an_event(number: int, at: datetime, kind: EventType = COMPLETED, by: str | None = None) -> Event:
    return Event(f"{BULK}-{number}-told", kind, at, by, BULK, JobId(ObjectId("b" * 24)), number, {"name": "Summer"})


def ids(page: Page) -> list[str]:
    return [str(notice["_id"]).split("-")[1] for notice in page.documents]


@pytest.mark.parametrize(
    ("kind", "by", "shown"),
    [
        (EventType.BULK_COMPLETED, None, True),
        (EventType.BULK_PAUSED, "pressrun", True),
        (EventType.BULK_PAUSED, "person", False),
        (EventType.BULK_CANCELLED, "person", False),
        (EventType.BULK_CANCELLED, "admin", True),
        (EventType.BULK_PROGRESS, None, False),
        (EventType.JOB_FAILED, None, False),
        (EventType.JOB_AWAITING, None, True),
    ],
)
async def test_an_owner_is_shown_what_they_have_not_done_themselves(
    kind: EventType, by: str | None, shown: bool, system: System, clock: MovableClock
) -> None:
    event = an_event(1, clock.now(), kind, by)
    await system.notices.keep(event, OWNER)
    assert is_shown(event) == shown
    assert (len((await system.notices.list(OWNER)).documents), await system.notices.unread(OWNER)) == (shown, shown)


async def test_a_notice_tells_what_its_event_does(system: System, clock: MovableClock) -> None:
    event = an_event(1, clock.now())
    await system.notices.keep(event, OWNER)
    (notice,) = (await system.notices.list(OWNER)).documents
    assert (notice["_id"], notice["type"], notice["at"], notice["by"]) == (event.id, "bulk.completed", event.at, None)
    assert (notice["bulk_job_id"], notice["job_id"], notice["generation"]) == (BULK, event.job_id, 1)
    assert (notice["data"], notice["read_at"]) == ({"name": "Summer"}, None)


async def test_to_keep_a_notice_again_does_not_make_it_unread(system: System, clock: MovableClock) -> None:
    event = an_event(1, clock.now())
    await system.notices.keep(event, OWNER)
    assert await system.notices.mark_read(OWNER, [event.id]) == 1
    await system.notices.keep(event, OWNER)
    (notice,) = (await system.notices.list(OWNER)).documents
    assert (notice["read_at"], await system.notices.unread(OWNER)) == (clock.now(), 0)


async def test_notices_are_listed_newest_first_page_by_page_and_back(system: System, clock: MovableClock) -> None:
    at = clock.now()
    for number in range(1, 6):
        await system.notices.keep(an_event(number, at + timedelta(seconds=number // 2)), OWNER)
    clock.move(timedelta(minutes=1))
    first = await system.notices.list(OWNER, limit=2)
    second = await system.notices.list(OWNER, 2, first.next_cursor)
    third = await system.notices.list(OWNER, 2, second.next_cursor)
    assert [ids(page) for page in (first, second, third)] == [["5", "4"], ["3", "2"], ["1"]]
    assert (first.previous_cursor, third.next_cursor) == (None, None)
    assert ids(await system.notices.list(OWNER, 2, third.previous_cursor)) == ["3", "2"]


@pytest.mark.parametrize("cursor", ["", "x", "AAAA", "AAAAAAAAAAAo__________________________8"])
async def test_a_cursor_that_was_not_given_is_refused(cursor: str, system: System) -> None:
    with pytest.raises(InvalidInput):
        await system.notices.list(OWNER, cursor=cursor)


async def test_notices_are_marked_one_by_one_and_up_to_a_moment(system: System, clock: MovableClock) -> None:
    at = clock.now()
    for number in range(1, 5):
        await system.notices.keep(an_event(number, at + timedelta(seconds=number)), OWNER)
    assert await system.notices.mark_read(OWNER, [an_event(4, at).id, "no such"]) == 1
    assert await system.notices.mark_read(OWNER, up_to=at + timedelta(seconds=2)) == 2
    assert await system.notices.unread(OWNER) == 1
    assert await system.notices.mark_read(OWNER) == 1
    assert await system.notices.mark_read(OWNER) == 0


async def test_somebody_elses_notices_are_neither_seen_nor_counted_nor_marked(
    system: System, clock: MovableClock
) -> None:
    event = an_event(1, clock.now())
    await system.notices.keep(event, "another")
    assert (await system.notices.list(OWNER)).documents == []
    assert await system.notices.unread(OWNER) == 0
    assert await system.notices.mark_read(OWNER, [event.id]) == 0
    assert await system.notices.unread("another") == 1


async def test_unread_notices_are_counted_up_to_a_hundred(system: System, clock: MovableClock) -> None:
    for number in range(MOST_COUNTED + 3):
        await system.notices.keep(an_event(number, clock.now()), OWNER)
    assert await system.notices.unread(OWNER) == MOST_COUNTED
