"""What a service process counts: requests by route, refusals by reason, the streams that are open."""

from __future__ import annotations

import httpx2
import pytest
from fastapi import FastAPI

from jobs.callers.user_limits import UserLimits
from jobs.documents import user_id
from jobs.storage.store import Store
from jobs.system import Rules, System, assemble
from service.app import create_app
from service.live.broadcast import Broadcast
from service.live.events import QueueSubject
from service.metrics import ServiceMetrics
from tests.service.conftest import As
from tests.service.requesting import BULKS, OWNER, bulk, on_embedded, settings, submit
from tests.support.clock import MovableClock


def count(app: FastAPI, name: str, **labels: str) -> float:
    metrics: ServiceMetrics = app.state.metrics
    return metrics.registry.get_sample_value(f"pressrun_{name}", labels) or 0.0


@on_embedded
async def test_requests_are_counted_by_the_route_and_not_by_the_address(app: FastAPI, api: httpx2.AsyncClient) -> None:
    for _ in range(2):
        await api.get(f"{BULKS}/{await submit(api)}")
    await api.get(f"{BULKS}/0123456789ab0123456789ab")
    await api.get("/nowhere/at/all")
    assert count(app, "http_requests_total", method="POST", route=BULKS, status="200") == 2
    assert count(app, "http_requests_total", method="GET", route=BULKS + "/{bulk_id}", status="200") == 2
    assert count(app, "http_requests_total", method="GET", route=BULKS + "/{bulk_id}", status="404") == 1
    assert count(app, "http_requests_total", method="GET", route="none", status="404") == 1
    assert count(app, "http_request_seconds_count", route=BULKS + "/{bulk_id}") == 3


@on_embedded
async def test_a_method_of_anybodys_choice_has_no_series_of_its_own(app: FastAPI, api: httpx2.AsyncClient) -> None:
    await api.request("BREW", "/api/queue")
    assert count(app, "http_requests_total", method="other", route="/api/queue", status="405") == 1


@on_embedded
@pytest.mark.parametrize(
    ("limits", "reason"),
    [({"submissions_per_minute": 1}, "submissions"), ({"open_bulks": 1}, "open_bulks")],
)
async def test_what_a_users_limits_refuse_is_counted_by_reason(
    limits: dict[str, int], reason: str, store: Store, clock: MovableClock, open_client: As, system: System
) -> None:
    app = create_app(settings(), assemble(store, clock, Rules(user=UserLimits(**limits))))
    client = open_client(app, {"X-Pressrun-User": OWNER})
    await submit(client)
    assert count(app, "refused_total", reason=reason) == 0
    assert (await client.post(BULKS, json=bulk())).status_code == 429
    assert count(app, "refused_total", reason=reason) == 1
    assert (await client.post("/jobs/new", data={"mode": "topic", "topic": "tea"})).status_code == 429
    assert count(app, "refused_total", reason=reason) == 2


@on_embedded
async def test_streams_are_counted_while_they_are_open(app: FastAPI, system: System) -> None:
    broadcast: Broadcast = app.state.broadcast
    owner = user_id(OWNER)
    readers = [broadcast.subscribe(owner, QueueSubject(owner), None, None) for _ in range(2)]
    assert (count(app, "streams_open", subject="queue"), count(app, "streams_open", subject="bulk")) == (2, 0)
    for reader in readers:
        broadcast.unsubscribe(reader)
    assert count(app, "streams_open", subject="queue") == 0
    await broadcast.stop()
