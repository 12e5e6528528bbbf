"""What one user may submit, and have sent to webhooks, by API and pages: refused with a time and a sentence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import httpx2
import pytest

from jobs.callers.user_limits import UserLimits
from jobs.storage.encryption import Cipher
from jobs.storage.store import Store
from jobs.system import Rules, System, assemble
from service.app import create_app
from tests.service.conftest import As
from tests.service.operations import TEN_TOPICS
from tests.service.page_forms import Shown
from tests.service.requesting import BULKS, JOBS, NOTHING, OWNER, bulk, get, post, refused, settings, stored, submit
from tests.service.webhooking import WEBHOOKS
from tests.support.clock import MovableClock

Limited = Callable[..., httpx2.AsyncClient]
TOO_MANY = "More than 2 submissions a minute are not allowed: wait a little, and send this one again."


@pytest.fixture
def limited(system: System, store: Store, clock: MovableClock, open_client: As) -> Limited:
    def client(user: str = OWNER, **limits: int) -> httpx2.AsyncClient:
        parts = assemble(store, clock, Rules(user=UserLimits(**limits), cipher=Cipher(["a key of the tests"])))
        return open_client(create_app(settings(), parts), {"X-Pressrun-User": user})

    return client


def seconds(response: httpx2.Response, sentence: str) -> int:
    """What `Retry-After` of a 429 says."""
    assert refused(response, 429) == sentence
    return int(response.headers["retry-after"])


async def test_every_way_to_submit_is_counted_together(limited: Limited, clock: MovableClock) -> None:
    client = limited(submissions_per_minute=8)
    bulk_id = await submit(client)
    await post(client, f"{BULKS}/{bulk_id}/again")
    await post(client, JOBS, {"mode": "topic", "topic": "tea"})
    template = await post(client, "/api/templates", {"name": "Teas", "request": bulk()})
    await post(client, f"/api/templates/{template['template']['id']}/submit")
    form = {"mode": "topic", "submit": "true"}
    assert (await client.post(f"{BULKS}/upload", data=form, files={"file": ("a.csv", TEN_TOPICS)})).status_code == 200
    pages = {
        f"/bulks/{bulk_id}/again": {},
        f"/templates/{template['template']['id']}/submit": {},
        "/jobs/new": {"mode": "topic", "topic": "tea"},
    }
    for page, filled in pages.items():
        assert (await client.post(page, data=filled)).status_code == 303
    clock.move(timedelta(milliseconds=1))
    answer = await client.post(BULKS, json=bulk())
    assert refused(answer, 429).startswith("More than 8 submissions")
    assert answer.headers["retry-after"] == "60"
    assert (await get(client, BULKS))["bulk_jobs"][0]["kind"] == "single"


async def test_what_is_looked_at_or_refused_is_not_counted(limited: Limited) -> None:
    client = limited(submissions_per_minute=1)
    for _ in range(3):
        await post(client, f"{BULKS}/validate", bulk())
        refused(await client.post(BULKS, json=bulk(9)), 400)
    await submit(client)


async def test_the_answer_says_in_how_many_seconds_it_may_be_sent_again(limited: Limited, clock: MovableClock) -> None:
    client = limited(submissions_per_minute=2)
    await submit(client)
    clock.move(timedelta(seconds=29, milliseconds=100))
    await submit(client)
    wait = seconds(await client.post(BULKS, json=bulk(), headers={"Idempotency-Key": "k"}), TOO_MANY)
    assert wait == 31
    clock.move(timedelta(seconds=wait))
    first = await client.post(BULKS, json=bulk(), headers={"Idempotency-Key": "k"})
    assert first.status_code == 200
    assert (await client.post(BULKS, json=bulk(), headers={"Idempotency-Key": "k"})).text == first.text
    await submit(limited("somebody else", submissions_per_minute=2))


async def test_an_admin_has_the_same_limits(limited: Limited) -> None:
    client = limited("developer", submissions_per_minute=2)
    for _ in range(2):
        await submit(client)
    seconds(await client.post(BULKS, json=bulk()), TOO_MANY)


async def test_open_bulks_are_limited_until_some_have_ended(limited: Limited, store: Store) -> None:
    client = limited(open_bulks=1)
    bulk_id = await submit(client)
    told = "No more than 1 open bulk jobs are allowed, and you have 1: let some end, or cancel them."
    assert seconds(await client.post(BULKS, json=bulk()), told) == 30
    await post(client, f"{BULKS}/{bulk_id}/cancel")
    await submit(client)
    assert await stored(store) == {"bulk_jobs": 2, "generation_jobs": 20, "creations": 0}


@pytest.mark.parametrize("page", ["/bulks/new", "/jobs/new", "/formats/new"])
async def test_a_page_says_so_and_keeps_what_was_typed(limited: Limited, store: Store, page: str) -> None:
    client = limited(submissions_per_minute=1)
    await submit(client)
    before = await stored(store)
    filled = {
        "/bulks/new": {"do": "submit", "from": "lines", "mode": "topic", "lines": "\n".join(["green tea"] * 10)},
        "/jobs/new": {"mode": "topic", "topic": "green tea"},
        "/formats/new": {"do": "submit", "source.text": "green tea", "format.faq": "on"},
    }[page]
    answer = await client.post(page, data=filled, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60"), answer.text
    shown = Shown(answer.text)
    assert "More than 1 submissions a minute are not allowed" in shown.words
    assert any("green tea" in value for value in shown.fields.values())
    assert await stored(store) == before != NOTHING


async def test_tests_and_replays_of_webhooks_are_limited_on_pages_too(limited: Limited) -> None:
    client = limited(sends_per_minute=2)
    endpoint = await post(client, WEBHOOKS, {"url": "http://127.0.0.1:9/"})
    url = f"{WEBHOOKS}/{endpoint['endpoint']['id']}"
    delivery = await post(client, f"{url}/test")
    await post(client, f"{url}/replay", {"since": "2026-01-01T00:00:00Z"})
    told = "More than 2 tests and replays of webhooks a minute are not allowed: wait a little, and try again."
    for again in (f"{url}/test", f"{WEBHOOKS}/deliveries/{delivery['delivery']['id']}/replay"):
        assert seconds(await client.post(again), told) == 60
    page = await client.post(f"/webhooks/{endpoint['endpoint']['id']}/test", headers={"HX-Request": "true"})
    assert page.status_code == 429
    assert told in page.text
