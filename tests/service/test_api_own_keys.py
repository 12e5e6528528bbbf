"""API keys by the API: one's own listed, made and revoked; none can do more than the one that it was made with."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.types import Message, Receive, Send
from starlette.types import Scope as AsgiScope
from structlog.typing import EventDict

from jobs.callers.keys import Scope
from jobs.errors import StoreUnavailable
from jobs.storage.store import Store
from jobs.system import System
from service.auth.keys import KeyUseNoted, caller_with
from tests.service.conftest import As, WithKey
from tests.service.requesting import BULKS, OWNER, faults, get, on_embedded, post, refused
from tests.support.clock import MovableClock

KEYS = "/api/keys"


async def made(client: httpx2.AsyncClient, **fields: Any) -> Any:
    return await post(client, KEYS, {"name": "ci", "scope": "read", **fields})


async def test_a_key_is_made_used_listed_and_revoked(
    with_key: WithKey, keyed_app: FastAPI, open_client: As, clock: MovableClock
) -> None:
    mine = await with_key()
    answer = await mine.post(KEYS, json={"name": " ci ", "scope": "write", "expires_days": 7})
    assert answer.headers["cache-control"] == "no-store"
    key, text = answer.json()["key"], answer.json()["text"]
    assert (key["name"], key["scope"], text.startswith(f"pressrun_{key['hint']}")) == ("ci", "write", True)
    assert (key["current"], key["last_used_at"], key["revoked_at"]) == (False, None, None)
    new = open_client(keyed_app, {"Authorization": f"Bearer {text}"})
    clock.move(timedelta(minutes=2))
    assert (await new.get(BULKS)).status_code == 200
    [first, second] = (await get(new, KEYS))["keys"]
    assert (first["id"], first["current"], second["current"]) == (key["id"], True, False)
    assert first["last_used_at"] > first["created_at"]
    assert first["expires_at"][:10] == (clock.now() - timedelta(minutes=2) + timedelta(days=7)).date().isoformat()
    assert text not in (await mine.get(KEYS)).text
    revoked = {"success": True, "message": "API key revoked"}
    for _ in range(2):
        assert (await mine.delete(f"{KEYS}/{key['id']}")).json() == revoked
    assert (await new.get(BULKS)).status_code == 401
    [valid, over] = (await get(mine, KEYS))["keys"]
    assert (valid["current"], over["id"], over["revoked_at"] is None) == (True, key["id"], False)


@pytest.mark.parametrize(
    ("own", "may"),
    [(Scope.READ, set()), (Scope.WRITE, {Scope.READ, Scope.WRITE}), (Scope.ADMIN, set(Scope))],
)
@on_embedded
async def test_no_key_makes_one_of_a_wider_scope(with_key: WithKey, own: Scope, may: set[Scope]) -> None:
    client = await with_key(OWNER, own)
    for scope in Scope:
        answer = await client.post(KEYS, json={"name": "n", "scope": scope})
        assert answer.status_code == (200 if scope in may else 403), scope
    assert len((await get(client, KEYS))["keys"]) == 1 + len(may)


@on_embedded
async def test_an_admin_by_the_settings_passes_on_no_more_than_the_key_has(with_key: WithKey) -> None:
    """Who is taken out of the settings is an admin by no key that was made before."""
    boss = await with_key("boss", Scope.WRITE)
    assert (await boss.get("/api/limits")).status_code == 200
    sentence = refused(await boss.post(KEYS, json={"name": "n", "scope": "admin"}), 403)
    assert sentence == "You may make keys of the scopes read, write alone."
    await made(boss, scope="write")


@on_embedded
async def test_no_key_makes_one_that_lasts_longer(
    system: System, keyed_app: FastAPI, open_client: As, clock: MovableClock
) -> None:
    ends = clock.now() + timedelta(days=10)
    _, text = await system.keys.create(OWNER, Scope.WRITE, expires_at=ends)
    client = open_client(keyed_app, {"Authorization": f"Bearer {text}"})
    told = ends.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert (await made(client))["key"]["expires_at"] == told
    assert (await made(client, expires_days=10))["key"]["expires_at"] == told
    assert (await made(client, expires_days=9))["key"]["expires_at"] < told
    sentence = refused(await client.post(KEYS, json={"name": "n", "scope": "read", "expires_days": 11}), 403)
    assert sentence == f"Your own key expires at {ends:%Y-%m-%d %H:%M} UTC, and can make none that lasts longer."


async def test_nobody_sees_or_revokes_anothers_key(with_key: WithKey) -> None:
    mine = await with_key()
    key_id = (await made(mine))["key"]["id"]
    for scope in (Scope.WRITE, Scope.ADMIN):
        other = await with_key("other", scope)
        assert key_id not in (await other.get(KEYS)).text
        assert refused(await other.delete(f"{KEYS}/{key_id}"), 404) == "There is no such API key."
    assert [key["revoked_at"] for key in (await get(mine, KEYS))["keys"]] == [None, None]


@on_embedded
async def test_the_address_that_the_operator_has_named_goes_with_the_keys_that_are_made(
    system: System, keyed_app: FastAPI, open_client: As
) -> None:
    _, text = await system.keys.create(OWNER, Scope.WRITE, email="ada@shop.example")
    new = (await made(open_client(keyed_app, {"Authorization": f"Bearer {text}"})))["text"]
    found = await system.keys.find(new)
    assert found is not None
    assert found.email == "ada@shop.example"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", " "),
        ("name", "n" * 101),
        ("name", 7),
        ("scope", "root"),
        ("scope", None),
        ("expires_days", 0),
        ("expires_days", 3651),
        ("expires_days", "7"),
        ("expires_days", 1.5),
        ("email", "a@b.example"),
    ],
)
@on_embedded
async def test_what_cannot_be_taken_is_said(api: httpx2.AsyncClient, store: Store, field: str, value: Any) -> None:
    body = {"name": "ci", "scope": "read", field: value}
    assert faults(await api.post(KEYS, json=body)).keys() == {field}
    assert await store.collection("api_keys").count({}) == 0


@on_embedded
async def test_one_too_many_is_a_conflict(api: httpx2.AsyncClient, system: System) -> None:
    for _ in range(100):
        await system.keys.create(OWNER, Scope.READ)
    sentence = refused(await api.post(KEYS, json={"name": "n", "scope": "read"}), 409)
    assert sentence == "This user has as many API keys as there can be: 100 are allowed."


@on_embedded
async def test_a_note_that_cannot_be_written_costs_nobody_the_answer(
    with_key: WithKey, system: System, monkeypatch: pytest.MonkeyPatch, logs: list[EventDict]
) -> None:
    client, noted = await with_key(), system.keys.note_use

    async def away(*_: object) -> None:
        raise StoreUnavailable("away")

    with monkeypatch.context() as broken:
        broken.setattr(system.keys, "note_use", away)
        assert (await client.get(BULKS)).status_code == 200
    assert [entry["event"] for entry in logs] == ["key_use_not_noted"]
    assert (await system.keys.all())[0]["last_used_at"] is None
    assert system.keys.note_use == noted
    await client.get(BULKS)
    assert (await system.keys.all())[0]["last_used_at"] is not None


@on_embedded
async def test_the_use_is_noted_after_the_first_part_of_an_answer_that_goes_on(system: System) -> None:
    """As of a stream, which may be open for hours, and whose reader waits for nothing."""
    _, text = await system.keys.create(OWNER, Scope.READ)
    owner = await system.keys.find(text)
    assert owner is not None
    seen: list[tuple[str, bool]] = []

    async def noted() -> bool:
        return (await system.keys.all())[0]["last_used_at"] is not None

    async def stream(scope: AsgiScope, receive: Receive, send: Send) -> None:
        caller_with(Request(scope), owner, (), by_cookie=False)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(2):
            await send({"type": "http.response.body", "body": b"part", "more_body": True})

    async def sent(message: Message) -> None:
        seen.append((message["type"].rpartition(".")[2], await noted()))

    async def received() -> Message:
        return {"type": "http.disconnect"}

    await KeyUseNoted(stream, system.keys)({"type": "http", "headers": []}, received, sent)
    assert seen == [("start", False), ("body", False), ("body", True)]


@on_embedded
async def test_a_browser_that_has_signed_in_uses_its_key(
    system: System, keyed_app: FastAPI, open_client: As, clock: MovableClock
) -> None:
    _, text = await system.keys.create(OWNER, Scope.READ)
    browser = open_client(keyed_app)
    assert (await browser.post("/sign-in", data={"key": text})).status_code == 303
    for _ in range(2):
        clock.move(timedelta(minutes=1))
        assert (await browser.get("/queue")).status_code == 200
        assert (await system.keys.all())[0]["last_used_at"] == clock.now()
