"""What is kept for one reader: the latest state of each document, a snapshot instead of too many, and no more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from service.live.answers import QueueUpdate
from service.live.events import Event, EventKind, Message, QueueSubject
from service.live.subscriptions import MOST_PENDING, Subscription
from service.schemas.system_answers import ByPriority

NOW = datetime(2026, 11, 22, tzinfo=UTC)
A_WHILE = timedelta(seconds=5)
NONE = ByPriority(high=0, normal=0, low=0)
MODEL = QueueUpdate(
    pending=0,
    processing=0,
    completed=0,
    failed=0,
    total=0,
    by_priority=NONE,
    throughput=0,
    max_concurrency=1,
    active=[],
    recent=[],
    rev=1,
)


class Source:
    def __init__(self) -> None:
        self.asked: list[Subscription] = []
        self.quiet: datetime | None = None

    def add(self, reader: Subscription) -> None:
        self.asked.append(reader)

    def quiet_until(self) -> datetime | None:
        return self.quiet


def event(key: str, rev: int, kind: EventKind = EventKind.JOB) -> Event:
    return Event(kind, key, rev, MODEL)


def subscription(source: Source, since: datetime | None = None) -> Subscription:
    return Subscription("me", QueueSubject("me"), since, source)


async def test_later_states_of_a_document_take_the_place_of_earlier_ones() -> None:
    reader = subscription(Source())
    reader.put([event("a", 1), event("b", 1)], NOW)
    last = event("a", 2)
    reader.put([last], NOW + A_WHILE)
    batch = await reader.batch(A_WHILE)
    assert [(told.id, told.rev) for told in batch.events] == [("b", 1), ("a", 2)]
    assert batch.told_until == NOW + A_WHILE


async def test_a_snapshot_takes_the_place_of_all_before_it() -> None:
    reader = subscription(Source())
    snapshot, later = event("bulk", 9, EventKind.SNAPSHOT), event("a", 3)
    reader.put([event("a", 1), event("b", 1)], NOW)
    reader.put([snapshot], NOW)
    reader.put([later], NOW)
    assert (await reader.batch(A_WHILE)).events == [snapshot, later]


async def test_who_is_too_far_behind_is_given_a_snapshot_and_nothing_is_kept_for_it() -> None:
    source = Source()
    reader = subscription(source, since=NOW)
    for number in range(MOST_PENDING):
        reader.put([event(str(number), 1)], NOW)
        reader.put([event(str(number), 2)], NOW)
    assert source.asked == []
    reader.put([event("one more", 1)], NOW)
    assert source.asked == [reader]
    assert reader.since is None
    batch = await reader.batch(timedelta(0))
    assert (batch.events, batch.told_until) == ([], None)


async def test_a_silent_reader_moves_on_with_a_quiet_source_and_never_over_what_is_under_way() -> None:
    source = Source()
    reader = subscription(source)
    reader.put([event("a", 1)], NOW)
    assert (await reader.batch(A_WHILE)).told_until == NOW
    assert (await reader.batch(timedelta(0))).told_until == NOW
    source.quiet = NOW + A_WHILE
    assert (await reader.batch(timedelta(0))).told_until == NOW + A_WHILE


async def test_an_event_is_made_text_of_once_for_each_renderer_however_many_are_told() -> None:
    made: list[str] = []

    class Lines:
        def __init__(self, name: str, text: str | None) -> None:
            self.name = name
            self._text = text

        def render(self, event: Event) -> Message | None:
            made.append(self.name)
            return Message(self._text, "row") if self._text is not None else None

    told = event("a", 1)
    two, silent = Lines("two", "<p>\n</p>"), Lines("silent", None)
    assert told.frame(two) == told.frame(two) == b"event: row\ndata: <p>\ndata: </p>\n"
    assert told.frame(silent) == told.frame(silent) == b""
    assert made == ["two", "silent"]
