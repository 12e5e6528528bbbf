"""The routes of webhooks: endpoints, what was sent to them, and having it sent again. What shows a URL, which may be a
secret, needs the scope write."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from jobs.notification.addressed import DeliveryState
from service.auth.callers import Writer
from service.deps import CheckUrl, Parts
from service.rendering.webhooks import attempts_of, delivery_summary, endpoint_state
from service.rules import webhook_rules
from service.schemas.webhook_models import (
    DeliveryDetail,
    DeliveryPage,
    DeliveryQueued,
    EndpointAnswer,
    EndpointChange,
    EndpointChanged,
    EndpointCreate,
    EndpointList,
    EndpointRemoved,
    EndpointSecret,
    Replayed,
    ReplayRange,
)

router = APIRouter(prefix="/api/webhooks", tags=["webhooks"])


@router.get("")
async def list_endpoints(caller: Writer, parts: Parts) -> EndpointList:
    """With their URLs, without their secrets."""
    return EndpointList(endpoints=[endpoint_state(one) for one in await parts.endpoints.list(caller.user)])


@router.post("")
async def create_endpoint(body: EndpointCreate, caller: Writer, parts: Parts, check: CheckUrl) -> EndpointSecret:
    """What is sent there is signed with the secret, as Standard Webhooks has it."""
    endpoint, secret = await webhook_rules.create(parts, caller.user, check, body.url, body.events, body.description)
    return EndpointSecret(endpoint=endpoint_state(endpoint), secret=secret)


@router.get("/deliveries/{delivery_id}")
async def get_delivery(delivery_id: str, caller: Writer, parts: Parts) -> DeliveryDetail:
    """With every attempt."""
    logged = await parts.delivery_log.find(caller.user, delivery_id)
    return DeliveryDetail(delivery=delivery_summary(logged), attempts=attempts_of(logged))


@router.post("/deliveries/{delivery_id}/replay")
async def replay_delivery(delivery_id: str, caller: Writer, parts: Parts) -> DeliveryQueued:
    """Sent again, under the same id: a receiver that has it already can tell."""
    logged = await webhook_rules.replay(parts, caller.user, delivery_id)
    return DeliveryQueued(message="Delivery queued", delivery=delivery_summary(logged))


@router.get("/{endpoint_id}")
async def get_endpoint(endpoint_id: str, caller: Writer, parts: Parts) -> EndpointAnswer:
    """With its URL, without its secrets."""
    endpoint = await parts.endpoints.find(caller.user, webhook_rules.endpoint_id_of(endpoint_id))
    return EndpointAnswer(endpoint=endpoint_state(endpoint))


@router.patch("/{endpoint_id}")
async def change_endpoint(
    endpoint_id: str, body: EndpointChange, caller: Writer, parts: Parts, check: CheckUrl
) -> EndpointChanged:
    """What is still to be sent goes to the new URL; while it is disabled, nothing new is, and what was ends as dead."""
    wanted = webhook_rules.endpoint_id_of(endpoint_id)
    changes = body.model_dump(exclude_unset=True)
    endpoint = await webhook_rules.change(parts, caller.user, wanted, check, **changes)
    return EndpointChanged(endpoint=endpoint_state(endpoint))


@router.delete("/{endpoint_id}")
async def remove_endpoint(endpoint_id: str, caller: Writer, parts: Parts) -> EndpointRemoved:
    """What is still to be sent there ends as dead."""
    await parts.endpoints.remove(caller.user, webhook_rules.endpoint_id_of(endpoint_id))
    return EndpointRemoved()


@router.post("/{endpoint_id}/rotate")
async def rotate_endpoint(endpoint_id: str, caller: Writer, parts: Parts) -> EndpointSecret:
    """A new secret. For 24 hours each message is signed with both. The id `bulks` is that of single bulks' URLs."""
    endpoint, secret = await webhook_rules.rotate(parts, caller.user, endpoint_id)
    return EndpointSecret(endpoint=endpoint_state(endpoint), secret=secret)


@router.post("/{endpoint_id}/test")
async def test_endpoint(endpoint_id: str, caller: Writer, parts: Parts) -> DeliveryQueued:
    """An event of the type `webhook.test` is sent there, within 15 seconds."""
    logged = await webhook_rules.test(parts, caller.user, endpoint_id)
    return DeliveryQueued(message="Test queued", delivery=delivery_summary(logged))


@router.get("/{endpoint_id}/deliveries")
async def list_deliveries(
    endpoint_id: str,
    caller: Writer,
    parts: Parts,
    state: DeliveryState | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=300)] = None,
) -> DeliveryPage:
    """Newest first."""
    endpoint = await webhook_rules.endpoint_of(parts, caller.user, endpoint_id)
    page = await parts.delivery_log.page(caller.user, endpoint, limit=limit, state=state, cursor=cursor)
    return DeliveryPage(deliveries=[delivery_summary(one) for one in page.deliveries], next_cursor=page.next_cursor)


@router.post("/{endpoint_id}/replay")
async def replay_deliveries(endpoint_id: str, body: ReplayRange, caller: Writer, parts: Parts) -> Replayed:
    """Those of a range of time that are dead or, where that is wanted, were delivered, are sent again."""
    endpoint = await webhook_rules.endpoint_of(parts, caller.user, endpoint_id)
    count = await webhook_rules.replay_range(
        parts, caller.user, endpoint, body.since, body.until, only_failed=body.only_failed
    )
    return Replayed(message=f"{count} deliver{'y' if count == 1 else 'ies'} queued", replayed=count)
