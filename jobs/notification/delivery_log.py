"""What owners see of their webhooks' deliveries, and how they have them sent again. Nothing is claimed or sent here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from secrets import token_hex

from jobs.clock import Clock
from jobs.documents import BulkId, JobId, UserId
from jobs.errors import MoveRefused, NotFound
from jobs.notification.addressed import Channel, DeliveryState, delivery_of
from jobs.notification.deliveries import Attempt, DeliveryId, to_be_sent_again
from jobs.notification.endpoints import Endpoint, EndpointKind
from jobs.notification.webhook_recipients import to_endpoint
from jobs.storage.paging import Order, Place, Question
from jobs.storage.store import Document, Store

NEWEST_FIRST = Order("created_at", -1)
TEST = "webhook.test"
WHAT = "delivery"
SHOWN = (
    "event_id", "type", "endpoint_id", "url", "bulk_job_id", "job_id", "state", "due_at", "tries", "lease",
    "attempts", "created_at", "ended_at",
)  # fmt: skip


@dataclass(frozen=True)
class Logged:
    """A delivery as its owner sees it. `due_at`: when it is tried next, None where it is not. `tries` that have no
    attempt were broken off, as their worker died. `url` is that of its bulk, None where it went to an endpoint."""

    id: DeliveryId
    event_id: str
    type: str
    endpoint_id: str | None
    url: str | None
    bulk_job_id: BulkId | None
    job_id: JobId | None
    state: DeliveryState
    due_at: datetime | None
    tries: int
    attempts: Sequence[Attempt]
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class LogPage:
    """`next_cursor` is None on the last page, `previous_cursor` on the first."""

    deliveries: Sequence[Logged]
    next_cursor: str | None
    previous_cursor: str | None


class DeliveryLog:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._deliveries = store.collection("deliveries")
        self._clock = clock

    async def page(
        self,
        owner: UserId,
        endpoint: Endpoint,
        *,
        limit: int,
        state: DeliveryState | None = None,
        cursor: str | None = None,
    ) -> LogPage:
        """Newest first. Raises `InvalidInput` for a cursor that this did not make."""
        wanted = _of(owner, endpoint)
        if state is not None:
            wanted["state"] = state.value
        asked = Question(wanted, NEWEST_FIRST, limit, Place.read(cursor))
        found = await self._deliveries.find(asked.filter, projection=SHOWN, sort=asked.toward.sort, limit=limit + 1)
        page = asked.page(found)
        return LogPage([_read(one) for one in page.documents], page.next_cursor, page.previous_cursor)

    async def find(self, owner: UserId, delivery_id: str) -> Logged:
        """Raises `NotFound`, also for somebody else's and for what is no webhook's."""
        return _read(await self._stored(owner, delivery_id))

    async def replay(self, owner: UserId, delivery_id: str, endpoint: Endpoint | None) -> Logged:
        """Have it sent again, at once and under the id of its event, with all tries before it. One that waits for its
        next try has it now; one that is being sent stays as it is. `endpoint`: where it goes, None for a bulk's own
        URL. Raises `NotFound`, and `MoveRefused` where the endpoint is disabled."""
        if endpoint is not None:
            _check_enabled(endpoint, "sent to again")
        stored = await self._stored(owner, delivery_id)
        if stored["lease"] is None:
            now = self._clock.now()
            unchanged = {"_id": stored["_id"], "state": stored["state"], "lease": None}
            stored = await self._deliveries.find_one_and_update(unchanged, to_be_sent_again(now)) or stored
        return _read(stored)

    async def replay_range(
        self, owner: UserId, endpoint: Endpoint, since: datetime, until: datetime, *, only_failed: bool
    ) -> int:
        """How many of an endpoint's deliveries, made from `since` to before `until`, are sent again: those that are
        dead and, unless `only_failed`, those that were delivered. Raises `MoveRefused` where it is disabled."""
        _check_enabled(endpoint, "sent to again")
        states = (
            [DeliveryState.DEAD.value] if only_failed else [DeliveryState.DEAD.value, DeliveryState.DELIVERED.value]
        )
        wanted = {**_of(owner, endpoint), "state": {"$in": states}, "created_at": {"$gte": since, "$lt": until}}
        return await self._deliveries.update_many(wanted, to_be_sent_again(self._clock.now()))

    async def test(self, owner: UserId, endpoint: Endpoint) -> Logged:
        """Send the endpoint an event of the type `webhook.test`. Raises `MoveRefused` where it is disabled, and
        `NotFound` for that of single bulks."""
        _check_enabled(endpoint, "tested")
        if endpoint.kind is EndpointKind.BULKS:
            raise NotFound("endpoint")
        now = self._clock.now()
        body: Document = {
            "id": f"test-{token_hex(12)}",
            "type": TEST,
            "at": now,
            "by": None,
            "generation": None,
            "data": {},
        }
        document = delivery_of(body, owner, to_endpoint(endpoint), now)
        await self._deliveries.insert_one(dict(document))
        return _read(document)

    async def _stored(self, owner: UserId, delivery_id: str) -> Document:
        mine = {"_id": delivery_id, "userId": owner, "channel": Channel.WEBHOOK.value}
        found = await self._deliveries.find_one(mine, projection=SHOWN)
        if found is None:
            raise NotFound(WHAT)
        return found


def _of(owner: UserId, endpoint: Endpoint) -> Document:
    """Those of single bulks have no endpoint of their own."""
    endpoint_id = endpoint.id if endpoint.kind is EndpointKind.ENDPOINT else None
    return {"userId": owner, "endpoint_id": endpoint_id, "channel": Channel.WEBHOOK.value}


def _check_enabled(endpoint: Endpoint, verb: str) -> None:
    if endpoint.disabled is not None:
        raise MoveRefused("webhook endpoint", "disabled", verb)


def _read(stored: Document) -> Logged:
    state = DeliveryState(stored["state"])
    return Logged(
        id=DeliveryId(stored["_id"]),
        event_id=stored["event_id"],
        type=stored["type"],
        endpoint_id=str(stored["endpoint_id"]) if stored["endpoint_id"] is not None else None,
        url=stored["url"],
        bulk_job_id=stored["bulk_job_id"],
        job_id=stored["job_id"],
        state=state,
        due_at=stored["due_at"] if state is DeliveryState.PENDING else None,
        tries=stored["tries"],
        attempts=[
            Attempt(entry["at"], entry["seconds"], entry["status"], entry["answer"], entry["error"])
            for entry in stored["attempts"]
        ],
        created_at=stored["created_at"],
        ended_at=stored["ended_at"],
    )
