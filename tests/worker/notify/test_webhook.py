"""Webhooks sent to real servers: what they are sent, what becomes of their answers, and that nothing secret is told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from jobs.notification.deliveries import LONGEST_ANSWER, Delivery
from jobs.notification.endpoints import Change, Endpoint, EndpointId, Endpoints
from jobs.storage.encryption import Cipher
from jobs.system import System
from outbound.allowed import parse_allowed
from outbound.client import Outbound
from tests.outbound.serving import Answer, Server, endless, message, says, silence
from tests.support.clock import MovableClock
from tests.support.deliveries import OWNER, claimed, planned
from tests.worker.conftest import Logged, events
from tests.worker.publishing_to import is_signed
from worker.notify.sending import SendFailed, Sent
from worker.notify.webhook import WebhookSender

pytestmark = pytest.mark.parametrize("store", ["embedded"], indirect=True)
PATH = "/hook?token=t0k3n"
WITHIN = timedelta(seconds=20)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server(says(message(b"thanks", 202))) as server:
        yield server


def sender_for(system: System, server: Server, *, within: timedelta = WITHIN) -> WebhookSender:
    outbound = Outbound(parse_allowed([server.url]))
    return WebhookSender(outbound, system.endpoints, system.clock, "https://press.example", within)


async def an_endpoint(system: System, server: Server) -> tuple[Endpoint, str]:
    return await system.endpoints.create(OWNER, f"{server.url}{PATH}", ["bulk.completed"])


async def for_endpoint(system: System, endpoint_id: EndpointId) -> Delivery:
    await planned(system, f"endpoint-{endpoint_id}", endpoint_id=endpoint_id)
    return await claimed(system)


async def a_delivery(system: System, server: Server) -> Delivery:
    endpoint, _ = await an_endpoint(system, server)
    return await for_endpoint(system, endpoint.id)


async def failure(sender: WebhookSender, delivery: Delivery) -> SendFailed:
    with pytest.raises(SendFailed) as failed:
        await sender.send(delivery)
    assert failed.value.sentence.endswith(".")
    for secret in ("t0k3n", "whsec", "/hook"):
        assert secret not in failed.value.sentence
    return failed.value


async def test_a_receiver_can_verify_what_it_is_sent(system: System, server: Server) -> None:
    endpoint, secret = await an_endpoint(system, server)
    delivery = await for_endpoint(system, endpoint.id)
    assert await sender_for(system, server).send(delivery) == Sent(202, "thanks")
    asked = await server.until_asked()
    assert asked.line == f"POST {PATH} HTTP/1.1"
    told: Any = Webhook(secret).verify(asked.body, asked.headers)
    assert (told["type"], told["data"]["bulk_job_id"]) == ("bulk.completed", str(delivery.bulk_job_id))
    assert told["data"]["links"]["page"] == f"https://press.example/bulks/{delivery.bulk_job_id}"
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["webhook-id"] == delivery.body["id"]


async def test_every_try_has_the_same_id_and_body_and_a_time_of_its_own(
    system: System, server: Server, clock: MovableClock
) -> None:
    delivery = await a_delivery(system, server)
    for _ in range(2):
        await sender_for(system, server).send(delivery)
        clock.move(timedelta(minutes=5))
    first, second = server.asked
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 300


async def test_after_a_rotation_both_secrets_sign_for_a_day_and_then_the_new_one_alone(
    system: System, server: Server, clock: MovableClock
) -> None:
    endpoint, old = await an_endpoint(system, server)
    delivery = await for_endpoint(system, endpoint.id)
    _, new = await system.endpoints.rotate(OWNER, endpoint.id)
    await sender_for(system, server).send(delivery)
    clock.move(timedelta(hours=24))
    await sender_for(system, server).send(delivery)
    assert [(is_signed(asked, new), is_signed(asked, old)) for asked in server.asked] == [(True, True), (True, False)]


async def test_a_bulks_own_url_is_signed_with_the_owners_secret_for_bulks(system: System, server: Server) -> None:
    await planned(system, "url-1", url=f"{server.url}{PATH}")
    await sender_for(system, server).send(await claimed(system))
    _, signing = await system.endpoints.signing(OWNER, (await system.endpoints.of_bulks(OWNER)).id)
    assert is_signed(server.asked[0], signing.secrets[0])


@pytest.mark.parametrize("status", [301, 307, 400, 401, 404, 409, 422, 429, 500, 502, 503])
async def test_any_other_status_is_a_failure_that_may_pass_with_the_head_of_its_answer(
    system: System, server: Server, status: int
) -> None:
    server.answer = says(message(b"no " * 1000, status, {"Location": "https://x.example/"}))
    failed = await failure(sender_for(system, server), await a_delivery(system, server))
    assert (failed.status, failed.permanent, len(failed.answer)) == (status, False, LONGEST_ANSWER)
    assert failed.answer.startswith("no no ")
    assert server.connections == 1


async def test_what_a_receiver_asks_for_is_told_up_to_a_day(system: System, server: Server) -> None:
    for value, wait in (("120", timedelta(minutes=2)), ("7200", timedelta(hours=2)), ("9999999", timedelta(hours=24))):
        server.answer = says(message(b"", 503, {"Retry-After": value}))
        assert (await failure(sender_for(system, server), await a_delivery(system, server))).retry_after == wait


async def test_a_receiver_that_is_gone_disables_its_endpoint_and_gets_nothing_more(
    system: System, server: Server, logged: Logged
) -> None:
    endpoint, _ = await an_endpoint(system, server)
    server.answer = says(message(b"bye", 410))
    sender = sender_for(system, server)
    for status, said in ((410, "410"), (None, "This endpoint is disabled.")):
        failed = await failure(sender, await for_endpoint(system, endpoint.id))
        assert (failed.status, failed.permanent) == (status, True)
        assert said in failed.sentence
    disabled = (await system.endpoints.find(OWNER, endpoint.id)).disabled
    assert disabled is not None
    assert disabled.by_recipient
    assert server.connections == 1
    assert len(events(logged, "endpoint_disabled")) == 1


async def test_a_bulks_own_url_that_is_gone_ends_that_delivery_alone(system: System, server: Server) -> None:
    server.answer = says(message(b"", 410))
    await planned(system, "url-1", url=server.url)
    assert (await failure(sender_for(system, server), await claimed(system))).permanent
    assert (await system.endpoints.of_bulks(OWNER)).disabled is None


async def test_an_endpoint_that_was_removed_or_disabled_meanwhile_gets_nothing(system: System, server: Server) -> None:
    for forget in ("remove", "disable"):
        endpoint, _ = await an_endpoint(system, server)
        delivery = await for_endpoint(system, endpoint.id)
        if forget == "remove":
            await system.endpoints.remove(OWNER, endpoint.id)
        else:
            await system.endpoints.change(OWNER, endpoint.id, Change(enabled=False))
        assert (await failure(sender_for(system, server), delivery)).permanent
    assert server.connections == 0


async def test_a_new_url_holds_for_what_waits_already(system: System, server: Server) -> None:
    endpoint, _ = await system.endpoints.create(OWNER, "https://gone.example/", ["bulk.completed"])
    delivery = await for_endpoint(system, endpoint.id)
    await system.endpoints.change(OWNER, endpoint.id, Change(url=f"{server.url}/new"))
    await sender_for(system, server).send(delivery)
    assert server.asked[0].line == "POST /new HTTP/1.1"


async def test_a_receiver_that_hangs_is_left(system: System, server: Server) -> None:
    server.answer = silence
    failed = await failure(
        sender_for(system, server, within=timedelta(milliseconds=200)), await a_delivery(system, server)
    )
    await server.until_hung_up()
    assert (failed.permanent, failed.status) == (False, None)
    assert "did not answer in full within 0.2 s" in failed.sentence


@pytest.mark.parametrize(
    ("answer", "head"),
    [
        (endless(message(b"", 200, length=2**30), b"x" * 65_536), "x" * LONGEST_ANSWER),
        (says(message(b"", 204)), ""),
        (says(message(b"\xff\xfe\xff", 200)), "\ufffd"),
        (says(message(b"?", headers={"Content-Encoding": "br"})), ""),
    ],
    ids=["endless", "empty", "no text", "packed"],
)
async def test_what_was_taken_was_taken_whatever_was_said_with_it(
    system: System, server: Server, answer: Answer, head: str
) -> None:
    server.answer = answer
    assert (await sender_for(system, server).send(await a_delivery(system, server))).answer == head


@pytest.mark.parametrize(
    "answer",
    [
        endless(message(b"", 500, length=2**30), b"x" * 65_536),
        endless(message(b"start", 500, length=100), b"", 0.01),
        says(message(b"cut", 500, length=100)),
        says(message(b"packed", 500, {"Content-Encoding": "gzip"})),
    ],
    ids=["endless", "hangs", "cut", "packed"],
)
async def test_a_status_counts_whatever_becomes_of_the_rest_of_its_answer(
    system: System, server: Server, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outbound.answers.HEAD_WITHIN", timedelta(milliseconds=100))
    server.answer = answer
    failed = await failure(sender_for(system, server), await a_delivery(system, server))
    assert failed.status == 500
    assert len(failed.answer) <= LONGEST_ANSWER


async def test_an_address_that_the_guard_refuses_by_now_gets_nothing(system: System, server: Server) -> None:
    sender = WebhookSender(Outbound(), system.endpoints, system.clock)
    failed = await failure(sender, await a_delivery(system, server))
    assert not failed.permanent
    assert "must begin with https://" in failed.sentence
    assert server.connections == 0


async def test_a_worker_without_the_right_key_signs_nothing_and_another_may(system: System, server: Server) -> None:
    delivery = await a_delivery(system, server)
    for keys in (["another key"], []):
        endpoints = Endpoints(system.store, system.clock, Cipher(keys))
        failed = await failure(WebhookSender(Outbound(), endpoints, system.clock), delivery)
        assert not failed.permanent
        assert "PRESSRUN_ENCRYPTION__KEYS" in failed.sentence


async def test_nothing_secret_is_logged(system: System, server: Server, logged: Logged) -> None:
    endpoint, secret = await an_endpoint(system, server)
    server.answer = says(message(json.dumps({"token": "t0k3n"}).encode(), 410))
    await failure(sender_for(system, server), await for_endpoint(system, endpoint.id))
    assert logged
    for hidden in (secret, "t0k3n"):
        assert hidden not in repr(logged)
