"""Webhook endpoints and their deliveries as the API's tests make them. No tests here."""

from __future__ import annotations

from typing import Any

import httpx2

from jobs.documents import parse_id
from jobs.notification.endpoints import EndpointId
from jobs.system import System
from tests.outbound.asking import PUBLIC
from tests.service.requesting import post
from tests.support.clock import MovableClock
from tests.support.deliveries import attempt, claimed, planned

WEBHOOKS = "/api/webhooks"
URL = "https://hooks.example/pressrun"
NAMES = {"hooks.example": [[PUBLIC]], "inside.example": [[PUBLIC, "10.0.0.7"]]}


async def created(client: httpx2.AsyncClient, **fields: Any) -> str:
    made = await post(client, WEBHOOKS, {"url": URL, **fields})
    endpoint_id: str = made["endpoint"]["id"]
    return endpoint_id


async def delivery_to(system: System, endpoint_id: str, *, error: str | None = None, settle: bool = True) -> str:
    found = EndpointId(parse_id(endpoint_id, "endpoint"))
    delivery_id = await planned(system, f"endpoint-{endpoint_id}", endpoint_id=found)
    if settle:
        end = system.deliveries.delivered if error is None else system.deliveries.dead
        await end(await claimed(system), attempt(system, error))
    return delivery_id


def iso(clock: MovableClock) -> str:
    return clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
