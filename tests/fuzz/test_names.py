"""Whatever stands where a key, an id, a cursor or an event's id is expected: it is known, or refused in the one way."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message

from jobs.documents import BulkId, parse_id
from service.live.events import BulkSubject
from service.live.positions import event_id, moment_of
from tests.fuzz.budget import tried
from tests.fuzz.mutating import damaged
from tests.fuzz.world import USER, World, client_of
from tests.service.operations import OPERATIONS, Operation
from tests.service.requesting import BULKS, bulk, refused

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
BYTES = st.binary(max_size=200).map(lambda raw: raw.replace(b"\r", b"").replace(b"\n", b""))
SCHEMES = (b"", b"Bearer", b"Bearer ", b"bearer pressrun_", b"Bearer  pressrun_", b"Basic ", b"\tBearer ", b"Bearer\t")
HEADS = st.sampled_from(SCHEMES)
ODD_IDS = ("%00", "0" * 24, "\u0660" * 24, "x" * 3_000, "6B027BDFE484BDA5C9F5777D", "6b027bdfe484bda5c9f5777d ")
LISTS = ("/api/bulk-generate", "/api/jobs", "/api/templates", "/api/selections", "/api/notifications")


def check(answer: httpx2.Response, *expected: int) -> None:
    if answer.status_code != 200:
        assert answer.status_code in expected, answer.text
        refused(answer, answer.status_code)


@tried(200)
@given(head=HEADS, rest=BYTES)
async def test_no_made_up_key_is_anybodys(world: World, head: bytes, rest: bytes) -> None:
    answer = await world.nobody.get(BULKS, headers=[(b"Authorization", head + rest)])
    assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized"})


@tried(100)
@given(data=st.data())
async def test_no_part_of_a_key_is_as_good_as_the_key(world: World, data: st.DataObject) -> None:
    whole = world.admin.headers["authorization"].encode()
    tampered = data.draw(damaged(whole).filter(lambda text: text.split() != whole.split() and b"\n" not in text))
    answer = await world.nobody.get(BULKS, headers=[(b"Authorization", tampered)])
    assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized"})


@tried(40)
@given(first=BYTES, second=BYTES)
async def test_two_keys_are_not_added_up(world: World, first: bytes, second: bytes) -> None:
    headers = [(b"Authorization", b"Bearer " + first), (b"Authorization", b"Bearer " + second)]
    assert (await world.nobody.get(BULKS, headers=headers)).status_code == 401


@tried(60)
@given(key=BYTES)
async def test_an_idempotency_key_of_any_bytes_makes_one_bulk_or_is_refused(world: World, key: bytes) -> None:
    answers = [await world.admin.post(BULKS, json=bulk(), headers=[(b"Idempotency-Key", key)]) for _ in range(2)]
    check(answers[0], 400)
    assert answers[0].text == answers[1].text


@pytest.mark.parametrize("url", LISTS)
@tried(40)
@given(data=st.data())
async def test_a_cursor_of_any_text_leads_somewhere_or_is_refused(world: World, url: str, data: st.DataObject) -> None:
    first = (await world.admin.get(url, params={"limit": 1})).json().get("next_cursor") or "6b027bdfe484bda5c9f5777d"
    cursor = data.draw(TEXT | damaged(first.encode()).map(lambda raw: raw.decode("latin-1")))
    check(await world.admin.get(url, params={"cursor": cursor, "limit": 1}), 400)


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if "{" in one.path], ids=lambda one: one.name)
@tried(12)
@given(data=st.data())
async def test_an_id_of_any_text_leads_to_nothing(world: World, operation: Operation, data: st.DataObject) -> None:
    text = data.draw(TEXT.filter(lambda text: text not in {".", ".."}) | st.sampled_from(ODD_IDS))
    names = dict.fromkeys(world.known, quote(text, safe=""))
    body = None if operation.body is None or operation.form else operation.body
    answer = await world.admin.request(operation.method, operation.path.format(**names), json=body)
    check(answer, 400, 404, 405, 409)
    assert answer.status_code != 200 or operation.path.endswith("{tenant}"), answer.text


@tried(300)
@given(data=st.data())
def test_an_event_id_of_any_text_is_a_moment_of_its_subject_or_none(data: st.DataObject) -> None:
    subject = BulkSubject(USER, BulkId(parse_id("6b027bdfe484bda5c9f5777d", "bulk job")))
    good = event_id(subject, datetime(2026, 3, 1, tzinfo=UTC))
    text = data.draw(TEXT | damaged(good.encode()).map(lambda raw: raw.decode("latin-1")))
    found = moment_of(text, subject)
    assert found is None or found.tzinfo is UTC


@tried(60)
@given(names=st.lists(st.tuples(TEXT, TEXT), max_size=8))
async def test_a_query_of_any_names_changes_no_answer_it_does_not_concern(
    world: World, names: list[tuple[str, str]]
) -> None:
    plain = (await world.admin.get("/api/pipelines")).json()
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in names)
    assert (await world.admin.get(f"/api/pipelines?{query}")).json() == plain


@tried(40)
@given(user=BYTES)
async def test_the_name_of_a_user_is_no_way_in_where_keys_are_asked_for(world: World, user: bytes) -> None:
    async with client_of(world.app) as client:
        answer = await client.get(BULKS, headers=[(b"X-Pressrun-User", user)])
    assert answer.status_code == 401


@tried(60)
@given(data=st.data())
async def test_a_stream_is_resumed_with_any_event_id(world: World, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(["/api/bulk-generate/{bulk_id}/events", "/api/jobs/{job_id}/events"]))
    there = {name: values[0] for name, values in world.known.items()}
    status, first = await begun(world, path.format(**there), data.draw(BYTES))
    assert status == 200
    assert b"event: snapshot" in first


async def begun(world: World, path: str, last_event_id: bytes) -> tuple[int, bytes]:
    """The status of a stream, and what it says first; then its reader hangs up."""
    told: list[Message] = []
    has_begun = asyncio.Event()

    async def receive() -> Message:
        await has_begun.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        told.append(message)
        if b"event:" in message.get("body", b""):
            has_begun.set()

    headers = [(b"host", b"127.0.0.1"), (b"authorization", world.admin.headers["authorization"].encode())]
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b""}
    await world.app({**scope, "headers": [*headers, (b"last-event-id", last_event_id)]}, receive, send)
    return told[0]["status"], b"".join(message.get("body", b"") for message in told)
