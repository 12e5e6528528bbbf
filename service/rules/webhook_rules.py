"""What may be done with webhook endpoints, for the API and the pages alike: the guard judges their URLs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from jobs.documents import UserId, parse_id
from jobs.errors import Fault, InvalidInput, NotFound
from jobs.events import EventType
from jobs.notification.delivery_log import Logged
from jobs.notification.endpoints import Change, Endpoint, EndpointId, EndpointKind
from jobs.system import System
from service.url_check import UrlCheck

OF_BULKS = "bulks"
"""Names the owner's endpoint of single bulks, whose id is not known before it is made."""


async def create(
    parts: System, owner: UserId, check: UrlCheck, url: str, events: Sequence[EventType], description: str
) -> tuple[Endpoint, str]:
    """The endpoint, and its secret this once. Raises `InvalidInput`, `TooMany` and `NoEncryptionKey`."""
    judged = await check.registered(url, "url")
    return await parts.endpoints.create(owner, judged, _types(events), description)


async def change(
    parts: System,
    owner: UserId,
    endpoint_id: EndpointId,
    check: UrlCheck,
    *,
    url: str | None = None,
    events: Sequence[EventType] | None = None,
    description: str | None = None,
    enabled: bool | None = None,
) -> Endpoint:
    """What is None stays. Raises `NotFound` and `InvalidInput`."""
    await parts.endpoints.find(owner, endpoint_id)  # nobody learns what the guard thinks by way of another's endpoint
    judged = await check.registered(url, "url") if url is not None else None
    types = _types(events) if events is not None else None
    return await parts.endpoints.change(owner, endpoint_id, Change(judged, types, description, enabled))


async def endpoint_of(parts: System, owner: UserId, text: str) -> Endpoint:
    """By its id, or that of single bulks. Raises `NotFound`, also where nothing was sent for a single bulk yet."""
    if text != OF_BULKS:
        return await parts.endpoints.find(owner, endpoint_id_of(text))
    for one in await parts.endpoints.list(owner):
        if one.kind is EndpointKind.BULKS:
            return one
    raise NotFound("endpoint")


async def rotate(parts: System, owner: UserId, text: str) -> tuple[Endpoint, str]:
    """A new secret, shown this once; that of single bulks is made where there is none, so that a receiver can know it
    beforehand. Raises `NotFound`, `NoEncryptionKey`, and `TooMany` where five are valid already."""
    found = await (parts.endpoints.of_bulks(owner) if text == OF_BULKS else endpoint_of(parts, owner, text))
    return await parts.endpoints.rotate(owner, found.id)


async def test(parts: System, owner: UserId, text: str) -> Logged:
    """Raises `NotFound`, `MoveRefused` where it is disabled, and `TooManySends`."""
    endpoint = await endpoint_of(parts, owner, text)
    await parts.user_counts.count_send(owner)
    return await parts.delivery_log.test(owner, endpoint)


async def replay(parts: System, owner: UserId, delivery_id: str) -> Logged:
    """Raises `NotFound`, also where its endpoint was removed, `MoveRefused` where that is disabled, `TooManySends`."""
    delivery = await parts.delivery_log.find(owner, delivery_id)
    endpoint = await parts.endpoints.find(owner, endpoint_id_of(delivery.endpoint_id)) if delivery.endpoint_id else None
    await parts.user_counts.count_send(owner)
    return await parts.delivery_log.replay(owner, delivery_id, endpoint)


async def replay_range(
    parts: System, owner: UserId, endpoint: Endpoint, since: datetime, until: datetime | None, *, only_failed: bool
) -> int:
    """How many are sent again. Raises `InvalidInput`, `MoveRefused` and `TooManySends`."""
    end = until or parts.clock.now()
    if end <= since:
        raise InvalidInput("The request is not valid.", (Fault("until", "must be later than since"),))
    await parts.user_counts.count_send(owner)
    return await parts.delivery_log.replay_range(owner, endpoint, since, end, only_failed=only_failed)


def endpoint_id_of(text: str) -> EndpointId:
    return EndpointId(parse_id(text, "endpoint"))


def _types(events: Sequence[EventType]) -> Sequence[str]:
    """Each once, in the order in which they are documented."""
    return [one.value for one in EventType if one in events]
