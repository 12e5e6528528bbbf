"""From an event to its deliveries: which webhooks are told, each once; other channels are asked as well."""

from __future__ import annotations

from collections.abc import Sequence

from jobs.documents import UserId
from jobs.events import Event, EventType
from jobs.notification.addressed import Addressed, Channel
from jobs.notification.endpoints import Change
from jobs.notification.planning import Planning
from jobs.notification.webhook_recipients import WebhookRecipients
from jobs.storage.store import Document
from jobs.system import System
from tests.support.deliveries import OWNER, an_event, claimed

URL = "https://hooks.example/"
OWN_URL = "https://own.example/"
BULK: Document = {"notify": None}


def bulk_with(url: str) -> Document:
    return {"notify": {"webhook_url": url, "email": None, "progress": []}}


def planning(system: System) -> Planning:
    return Planning(system.deliveries, system.clock, [WebhookRecipients(system.endpoints)])


async def told(system: System, bulk: Document, type: EventType = EventType.BULK_COMPLETED) -> list[Document]:
    event = an_event(system.clock.now(), type=type)
    for _ in range(2):
        await planning(system).plan(event, OWNER, bulk)
    found = await system.store.collection("deliveries").find({"event_id": event.id}, sort=[("_id", 1)])
    await system.store.collection("deliveries").delete_many({})
    return found


async def test_endpoints_are_told_what_they_want_and_nobody_elses(system: System) -> None:
    wants, _ = await system.endpoints.create(OWNER, URL, ["bulk.completed", "job.failed"])
    await system.endpoints.create(OWNER, URL, ["bulk.paused"])
    await system.endpoints.create("other", URL, ["bulk.completed"])
    (delivery,) = await told(system, BULK)
    assert (delivery["endpoint_id"], delivery["userId"], delivery["channel"]) == (wants.id, OWNER, "webhook")
    assert delivery["_id"] == f"{delivery['event_id']}.endpoint-{wants.id}"
    assert await told(system, BULK, EventType.BULK_CANCELLED) == []


async def test_several_endpoints_have_a_delivery_each(system: System) -> None:
    made = [(await system.endpoints.create(OWNER, URL, ["bulk.completed"]))[0].id for _ in range(3)]
    assert sorted(one["endpoint_id"] for one in await told(system, BULK)) == sorted(made)


async def test_a_disabled_endpoint_is_told_nothing_though_a_bulk_names_its_url(system: System) -> None:
    endpoint, _ = await system.endpoints.create(OWNER, URL, ["bulk.completed"])
    await system.endpoints.change(OWNER, endpoint.id, Change(enabled=False))
    assert await told(system, BULK) == []
    assert await told(system, bulk_with(URL)) == []


async def test_a_bulks_own_url_is_told_of_everything(system: System) -> None:
    for type in EventType:
        (delivery,) = await told(system, bulk_with(OWN_URL), type)
        assert (delivery["url"], delivery["endpoint_id"]) == (OWN_URL, None)
    first, second = [(await told(system, bulk_with(f"{OWN_URL}{path}")))[0]["recipient"] for path in "ab"]
    assert first != second


async def test_a_bulks_own_url_that_is_an_endpoints_is_told_once_and_by_way_of_that(system: System) -> None:
    endpoint, _ = await system.endpoints.create(OWNER, URL, ["bulk.completed"])
    for type in (EventType.BULK_COMPLETED, EventType.BULK_PROGRESS):
        (delivery,) = await told(system, bulk_with(URL), type)
        assert (delivery["endpoint_id"], delivery["url"]) == (endpoint.id, None)


async def test_a_bulk_without_wishes_of_its_own_is_told_of_to_endpoints_alone(system: System) -> None:
    for bulk in ({}, {"notify": None}, {"notify": {"webhook_url": None, "email": "a@shop.example"}}):
        assert await told(system, bulk) == []


class Collected:
    """A channel that collects: implements `Recipients` and `Digests`."""

    def __init__(self) -> None:
        self.events: list[str] = []

    async def of(self, event: Event, owner: UserId, bulk: Document) -> Sequence[Addressed]:
        at_once = Addressed(Channel.EMAIL, "mail", address="a@shop.example")
        return [at_once, Addressed(Channel.EMAIL, "daily", address="b@shop.example", digest="today")]

    async def collect(self, event: Event, owner: UserId, to: Addressed, bulk: Document) -> None:
        assert (owner, to.digest, bulk) == (OWNER, "today", BULK)
        self.events.append(event.id)


async def test_what_is_to_be_collected_is_given_to_the_digests_and_the_rest_is_planned(system: System) -> None:
    channel = Collected()
    event = an_event(system.clock.now())
    await Planning(system.deliveries, system.clock, [channel], channel).plan(event, OWNER, BULK)
    assert channel.events == [event.id]
    assert (await claimed(system)).address == "a@shop.example"
    assert await system.store.collection("deliveries").count({}) == 1
