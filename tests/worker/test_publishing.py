"""Publishing to real servers: what they are sent, what becomes of their answers, and that nothing secret is told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from jobs.documents import JobId
from jobs.notification.targets import Targets
from jobs.storage.encryption import Cipher
from jobs.system import System
from outbound.client import Outbound
from tests.outbound.serving import Server, endless, message, says, silence
from tests.support.clock import MovableClock
from tests.worker.conftest import Logged
from tests.worker.publishing_to import TARGET, is_signed, publishing_to, registered
from tests.worker.working import OWNER
from worker.failures import StageFailed
from worker.publishing import Publishing, Sender

pytestmark = pytest.mark.parametrize("store", ["embedded"], indirect=True)

SENDER = Sender(OWNER, JobId(ObjectId("665f1c2ab4d1e0a1b2c3d4e5")), "publishing")
BODY = {"title": "Tee ☕ für zwei", "content": "# Tea\n"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server(says(message(b'{"url": "https://cms.example/tea", "id": 7}', 201, JSON))) as server:
        yield server


async def failure(publishing: Publishing, body: dict[str, Any] = BODY) -> StageFailed:
    with pytest.raises(StageFailed) as failed:
        await publishing.publish(SENDER, TARGET, body)
    assert failed.value.error.endswith(".")
    assert "t0k3n" not in failed.value.error
    assert "whsec" not in failed.value.error
    return failed.value


async def test_a_target_can_verify_what_it_is_sent(system: System, server: Server) -> None:
    secret = await registered(system, server, OWNER)
    told = await publishing_to(system, server).publish(SENDER, TARGET, BODY)
    asked = await server.until_asked()
    assert asked.line == "POST /publish?token=t0k3n HTTP/1.1"
    assert Webhook(secret).verify(asked.body, asked.headers) == BODY
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["webhook-id"] == asked.headers["idempotency-key"]
    assert asked.headers["webhook-id"].startswith("665f1c2ab4d1e0a1b2c3d4e5-publishing-")
    assert told == {"url": "https://cms.example/tea", "id": 7}
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(asked.body + b" ", asked.headers)


async def test_a_repeat_carries_the_same_id_and_another_body_or_stage_another(system: System, server: Server) -> None:
    await registered(system, server, OWNER)
    publishing = publishing_to(system, server)
    other = Sender(OWNER, SENDER.job_id, "teasing")
    for sender, body in ((SENDER, BODY), (SENDER, dict(reversed(BODY.items()))), (SENDER, {}), (other, BODY)):
        await publishing.publish(sender, TARGET, body)
    first, again, *others = [asked.headers["webhook-id"] for asked in server.asked]
    assert first == again
    assert len({first, *others}) == 3


async def test_after_a_rotation_both_secrets_sign_for_a_day_and_then_the_new_one_alone(
    system: System, server: Server, clock: MovableClock
) -> None:
    old = await registered(system, server, OWNER)
    publishing = publishing_to(system, server)
    _, new = await system.targets.rotate(OWNER, TARGET)
    await publishing.publish(SENDER, TARGET, BODY)
    for secret in (old, new):
        assert Webhook(secret).verify(server.asked[0].body, server.asked[0].headers) == BODY
    clock.move(timedelta(hours=24))
    await publishing.publish(SENDER, TARGET, BODY)
    assert is_signed(server.asked[1], new)
    assert not is_signed(server.asked[1], old)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", {}),
        (b"thanks", {}),
        (b"[1]", {}),
        (b"null", {}),
        (b"\xff\xfe", {}),
        (b"[" * 50_000, {}),
        (b'{"id": "a-1", "more": "' + b"x" * 1000 + b'"}', {"id": "a-1"}),
        (b'{"id": true, "url": "javascript:alert(1)"}', {}),
        (b'{"id": "", "url": 7}', {}),
        (b'{"id": "a\\nb", "url": "https://x.example/\\ud800"}', {}),
        (b'{"id": "' + b"x" * 201 + b'", "url": "https://x.example/' + b"x" * 2048 + b'"}', {}),
        (b'{"id": 9007199254740993}', {}),
        (b'{"id": "' + b"x" * 2**21 + b'"}', {}),
    ],
)
async def test_an_answer_is_taken_for_what_it_is_worth(system: System, body: bytes, told: dict[str, Any]) -> None:
    async with Server(says(message(body, headers=JSON))) as server:
        await registered(system, server, OWNER)
        assert await publishing_to(system, server).publish(SENDER, TARGET, BODY) == told


async def test_what_was_taken_is_published_though_its_answer_cannot_be_unpacked(system: System) -> None:
    async with Server(says(message(b"?", headers={"Content-Encoding": "br"}))) as server:
        await registered(system, server, OWNER)
        assert await publishing_to(system, server).publish(SENDER, TARGET, BODY) == {}


@pytest.mark.parametrize(
    ("status", "permanent", "counted"),
    [
        *((status, True, True) for status in (301, 302, 307, 400, 401, 403, 404, 405, 410, 413, 415, 422)),
        *((status, False, True) for status in (408, 409, 425, 500, 501, 507)),
        *((status, False, False) for status in (429, 502, 503, 504)),
    ],
)
async def test_a_status_says_whether_another_try_would_help(
    system: System, status: int, permanent: bool, counted: bool
) -> None:
    async with Server(says(message(b"", status, {"Location": "https://x.example/"}))) as server:
        await registered(system, server, OWNER)
        failed = await failure(publishing_to(system, server))
        assert (failed.permanent, failed.counted, failed.wait) == (permanent, counted, None)
        assert str(status) in failed.error
        assert server.connections == 1


@pytest.mark.parametrize("status", [429, 503])
async def test_a_target_that_asks_for_time_gets_it(system: System, status: int) -> None:
    async with Server(says(message(b"", status, {"Retry-After": "120"}))) as server:
        await registered(system, server, OWNER)
        assert (await failure(publishing_to(system, server))).wait == timedelta(minutes=2)


async def test_a_target_that_hangs_is_tried_again_under_the_same_id(system: System) -> None:
    async with Server(silence) as server:
        await registered(system, server, OWNER)
        failed = await failure(publishing_to(system, server, within=timedelta(milliseconds=200)))
        await server.until_hung_up()
        assert (failed.permanent, failed.counted) == (False, True)
        assert "did not answer in full within 0.2 s" in failed.error
        server.answer = says(message())
        await publishing_to(system, server).publish(SENDER, TARGET, BODY)
        assert len({asked.headers["webhook-id"] for asked in server.asked}) == 1


async def test_an_answer_without_end_is_cut(system: System) -> None:
    async with Server(endless(message(b"", length=2**30), b"x" * 65_536)) as server:
        await registered(system, server, OWNER)
        assert await publishing_to(system, server).publish(SENDER, TARGET, BODY) == {}
        await server.until_hung_up()


async def test_a_target_that_is_not_there_is_waited_for(system: System, server: Server) -> None:
    async with Server(silence) as gone:
        await registered(system, gone, OWNER)
    failed = await failure(publishing_to(system, gone))
    assert (failed.permanent, failed.counted) == (False, False)
    assert "cannot be reached" in failed.error


async def test_a_target_that_the_guard_refuses_by_now_gets_nothing(system: System, server: Server) -> None:
    await registered(system, server, OWNER)
    failed = await failure(Publishing(Outbound(), system.targets, system.clock, timedelta(seconds=5)))
    assert failed.permanent
    assert "must begin with https://" in failed.error
    assert server.connections == 0


async def test_a_target_that_was_removed_or_is_somebody_elses_is_no_target(system: System, server: Server) -> None:
    await registered(system, server, "other")
    publishing = publishing_to(system, server)
    failed = await failure(publishing)
    assert (failed.error, failed.permanent) == ("There is no target 'site' any more: register it, then retry.", True)
    await registered(system, server, OWNER)
    await system.targets.remove(OWNER, TARGET)
    assert (await failure(publishing)).permanent
    assert server.connections == 0


async def test_a_worker_without_the_right_key_signs_nothing_and_another_may(system: System, server: Server) -> None:
    await registered(system, server, OWNER)
    for keys in (["another key"], []):
        targets = Targets(system.store, system.clock, Cipher(keys))
        failed = await failure(Publishing(Outbound(), targets, system.clock, timedelta(seconds=5)))
        assert not failed.permanent
        assert "PRESSRUN_ENCRYPTION__KEYS" in failed.error


async def test_what_no_json_can_say_is_not_sent(system: System, server: Server) -> None:
    await registered(system, server, OWNER)
    with pytest.raises(ValueError, match="JSON"):
        await publishing_to(system, server).publish(SENDER, TARGET, {"score": float("nan")})
    assert server.connections == 0


async def test_nothing_secret_is_logged(system: System, server: Server, logged: Logged) -> None:
    secret = await registered(system, server, OWNER)
    publishing = publishing_to(system, server)
    await publishing.publish(SENDER, TARGET, BODY)
    server.answer = says(message(b"", 500))
    await failure(publishing)
    assert [entry["event"] for entry in logged] == ["published"]
    for hidden in (secret, "t0k3n", json.dumps(BODY["content"])):
        assert hidden not in repr(logged)
