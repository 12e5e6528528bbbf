"""Deliveries over the API: tests, pages, single ones with their attempts, and sending them again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from jobs.system import System
from outbound.allowed import parse_allowed
from service.app import create_app
from service.url_check import UrlCheck
from tests.outbound.asking import Names
from tests.service.requesting import faults, get, on_embedded, post, refused, settings
from tests.service.webhooking import NAMES, WEBHOOKS, created, delivery_to, iso
from tests.support.clock import MovableClock
from tests.support.deliveries import attempt, claimed


@pytest.fixture
def app(system: System) -> FastAPI:
    """Without authentication, and with names of its own."""
    app = create_app(settings(), system)
    app.state.url_check = UrlCheck(parse_allowed(["http://127.0.0.1:9"]), Names(NAMES))
    return app


async def test_a_test_is_queued_and_then_claimed(api: httpx2.AsyncClient, system: System) -> None:
    endpoint_id = await created(api)
    queued = await post(api, f"{WEBHOOKS}/{endpoint_id}/test")
    assert queued["message"] == "Test queued"
    assert (queued["delivery"]["type"], queued["delivery"]["state"]) == ("webhook.test", "pending")
    delivery = await claimed(system)
    assert (delivery.id, str(delivery.endpoint_id)) == (queued["delivery"]["id"], endpoint_id)


async def test_deliveries_are_listed_page_by_page_and_by_state(
    api: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    endpoint_id = await created(api)
    path = f"{WEBHOOKS}/{endpoint_id}/deliveries"
    made = []
    for error in (None, "It said no.", None):
        made.append(await delivery_to(system, endpoint_id, error=error))
        clock.move(timedelta(seconds=1))
    first = await get(api, path, limit=2)
    second = await get(api, path, limit=2, cursor=first["next_cursor"])
    shown = [one["id"] for page in (first, second) for one in page["deliveries"]]
    assert (shown, second["next_cursor"]) == (made[::-1], None)
    (dead,) = (await get(api, path, state="dead"))["deliveries"]
    assert (dead["id"], dead["last"]["error"], dead["due_at"]) == (made[1], "It said no.", None)
    assert faults(await api.get(path, params={"state": "lost"})).keys() == {"state"}
    assert faults(await api.get(path, params={"limit": 101})).keys() == {"limit"}
    assert faults(await api.get(path, params={"cursor": "x"})) == {
        "cursor": "must be a cursor that this route has given"
    }


async def test_a_delivery_is_shown_with_its_attempts(
    api: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    endpoint_id = await created(api)
    delivery_id = await delivery_to(system, endpoint_id, error="It said no.")
    shown = await get(api, f"{WEBHOOKS}/deliveries/{delivery_id}")
    assert shown["attempts"] == [
        {"at": iso(clock), "seconds": 0.5, "status": 500, "answer": "told", "error": "It said no."}
    ]
    assert shown["delivery"] == {
        "id": delivery_id,
        "event_id": delivery_id.partition(".")[0],
        "type": "bulk.completed",
        "endpoint_id": endpoint_id,
        "url": None,
        "bulk_job_id": delivery_id.partition("-")[0],
        "job_id": None,
        "state": "dead",
        "due_at": None,
        "tries": 1,
        "last": shown["attempts"][0],
        "created_at": iso(clock),
        "ended_at": iso(clock),
    }


async def test_one_is_sent_again_and_so_is_a_range(
    api: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    endpoint_id = await created(api)
    since = iso(clock)
    dead = await delivery_to(system, endpoint_id, error="It said no.")
    await delivery_to(system, endpoint_id)
    clock.move(timedelta(seconds=1))
    queued = await post(api, f"{WEBHOOKS}/deliveries/{dead}/replay")
    assert (queued["message"], queued["delivery"]["state"]) == ("Delivery queued", "pending")
    await system.deliveries.dead(await claimed(system), attempt(system, "again"))
    path = f"{WEBHOOKS}/{endpoint_id}/replay"
    one = await post(api, path, {"since": since})
    assert one == {"success": True, "message": "1 delivery queued", "replayed": 1}
    again = await post(api, path, {"since": since, "until": iso(clock), "only_failed": False})
    assert again == {"success": True, "message": "1 delivery queued", "replayed": 1}
    assert (await post(api, path, {"since": since, "only_failed": False}))["message"] == "0 deliveries queued"


async def test_nothing_is_sent_again_to_what_is_disabled_or_gone(api: httpx2.AsyncClient, system: System) -> None:
    endpoint_id = await created(api)
    dead = await delivery_to(system, endpoint_id, error="It said no.")
    await api.patch(f"{WEBHOOKS}/{endpoint_id}", json={"enabled": False})
    for path, body in (
        (f"deliveries/{dead}/replay", None),
        (f"{endpoint_id}/replay", {"since": "2020-01-01T00:00:00Z"}),
        (f"{endpoint_id}/test", None),
    ):
        answer = await api.post(f"{WEBHOOKS}/{path}", json=body)
        assert refused(answer, 409).startswith("A webhook endpoint that is disabled cannot be ")
    await api.delete(f"{WEBHOOKS}/{endpoint_id}")
    assert refused(await api.post(f"{WEBHOOKS}/deliveries/{dead}/replay"), 404) == "There is no such endpoint."


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({}, {"since"}),
        ({"since": "yesterday"}, {"since"}),
        ({"since": 1}, {"since"}),
        ({"since": "2026-01-02T00:00:00Z", "until": "2026-01-02T00:00:00Z"}, {"until"}),
        ({"since": "2026-01-02T00:00:00Z", "only_failed": "no"}, {"only_failed"}),
    ],
)
@on_embedded
async def test_a_bad_range_is_refused(api: httpx2.AsyncClient, body: dict[str, Any], paths: set[str]) -> None:
    endpoint_id = await created(api)
    assert faults(await api.post(f"{WEBHOOKS}/{endpoint_id}/replay", json=body)).keys() == paths
