"""API keys: who is let in, what each scope may do on every route, and that nobody sees what is not theirs."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import httpx2
import pytest
from bson import ObjectId
from fastapi import FastAPI

from jobs.callers.keys import Scope
from jobs.storage.store import Store
from jobs.system import System
from tests.service.conftest import As, WithKey
from tests.service.operations import OPERATIONS, Operation, call
from tests.service.requesting import (
    BULKS,
    FAILED,
    NOTHING,
    OWNER,
    end_jobs,
    get,
    job_ids,
    on_embedded,
    refused,
    stored,
    submit_quick,
)

CLOSED = [operation for operation in OPERATIONS if operation.needs != "nobody"]
ENDING = [operation for operation in CLOSED if not operation.streams or operation.about is not None]
"""Without those that would answer for ever."""

OWNED = [operation for operation in OPERATIONS if operation.about is not None]
UNAUTHORIZED = {"error": "Unauthorized"}


def named(operation: Operation) -> str:
    return operation.name


@pytest.mark.parametrize("operation", CLOSED, ids=named)
@on_embedded
async def test_nobody_is_let_in_anywhere(
    keyed_app: FastAPI, open_client: As, store: Store, operation: Operation
) -> None:
    response = await call(open_client(keyed_app), operation)
    assert (response.status_code, response.json()) == (401, UNAUTHORIZED)
    assert await stored(store) == NOTHING


async def test_health_readiness_and_the_document_are_open_to_all(
    keyed_app: FastAPI, open_client: As, system: System
) -> None:
    await system.workers.beat("w1", slots=1, version="0.1.0", jobs=[])
    for url in ("/healthz", "/readyz", "/openapi.json"):
        assert (await open_client(keyed_app).get(url)).status_code == 200


@pytest.mark.parametrize("operation", ENDING, ids=named)
@on_embedded
async def test_each_scope_may_do_what_it_is_for_and_no_more(
    with_key: WithKey, store: Store, operation: Operation
) -> None:
    ranks = ["read", "write", "admin"]
    for scope in Scope:
        response = await call(await with_key(OWNER, scope), operation)
        if ranks.index(scope) < ranks.index(operation.needs):
            sentence = f"This needs the scope {operation.needs}; yours is {scope}."
            assert refused(response, 403) == sentence
            assert await stored(store) == NOTHING
        else:
            missing = 400 if isinstance(operation.body, dict) and "template_id" in operation.body else 404
            assert response.status_code in (200, missing, 409), response.text


@pytest.mark.parametrize("operation", OWNED, ids=named)
async def test_what_is_somebody_elses_is_not_there(with_key: WithKey, system: System, operation: Operation) -> None:
    mine = await with_key(OWNER)
    bulk_id = await submit_quick(mine)
    await end_jobs(system, FAILED)
    job_id = (await job_ids(mine, bulk_id))[0]
    before = await everything(system.store)
    for scope in (Scope.WRITE, Scope.ADMIN):
        response = await call(await with_key("other", scope), operation, bulk_id, job_id)
        about = "bulk job" if operation.about == "bulk" else "job"
        assert refused(response, 404) == f"There is no such {about}."
    assert await everything(system.store) == before
    if not operation.streams:
        assert (await call(mine, operation, bulk_id, job_id)).status_code in (200, 409)


async def everything(store: Store) -> list[Any]:
    return [await store.collection(name).find({}) for name in ("bulk_jobs", "generation_jobs")]


async def test_jobs_of_somebody_elses_bulk_are_not_listed(with_key: WithKey) -> None:
    bulk_id = await submit_quick(await with_key(OWNER))
    other = await with_key("other")
    refused(await other.get("/api/jobs", params={"bulk_job_id": bulk_id}), 404)
    assert (await get(other, "/api/jobs"))["jobs"] == []
    assert (await get(other, BULKS))["bulk_jobs"] == []


async def test_every_wrong_key_gets_the_same_answer(system: System, keyed_app: FastAPI, open_client: As) -> None:
    key, text = await system.keys.create(OWNER, Scope.ADMIN)
    revoked, revoked_text = await system.keys.create(OWNER, Scope.ADMIN)
    await system.keys.revoke(revoked["_id"])
    client = open_client(keyed_app)
    wrong = [
        {},
        {"Authorization": ""},
        {"Authorization": text},
        {"Authorization": f"Basic {text}"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer garbage"},
        {"Authorization": f"Bearer {text}x"},
        {"Authorization": f"Bearer {text[:-1]}"},
        {"Authorization": f"Bearer {text.upper()}"},
        {"Authorization": f"Bearer {text} {text}"},
        {"Authorization": "Bearer pressrun_" + "k" * 10_000},
        {"Authorization": f"Bearer {key['hash']}"},
        {"Authorization": f"Bearer {key['_id']}"},
        {"Authorization": f"Bearer {revoked_text}"},
        {"X-API-Key": text},
        {"X-Pressrun-User": OWNER},
        {"Cookie": f"authorization=Bearer {text}"},
    ]
    answers = [await client.get(BULKS, headers=headers) for headers in wrong]
    assert [answer.status_code for answer in answers] == [401] * len(wrong)
    assert {answer.text for answer in answers} == {json.dumps(UNAUTHORIZED, separators=(",", ":"))}
    unusual = await client.get(BULKS, headers=[(b"Authorization", b"Bearer pressrun_\xff\xfe")])
    assert (unusual.status_code, unusual.json()) == (401, UNAUTHORIZED)
    assert (await client.get(BULKS, headers={"Authorization": f"bearer  {text} "})).status_code == 200


async def test_a_key_stops_working_the_moment_it_is_revoked(
    system: System, keyed_app: FastAPI, open_client: As
) -> None:
    key, text = await system.keys.create(OWNER, Scope.READ)
    client = open_client(keyed_app, {"Authorization": f"Bearer {text}"})
    assert (await client.get(BULKS)).status_code == 200
    await system.keys.revoke(key["_id"])
    assert (await client.get(BULKS)).status_code == 401


async def test_keys_are_stored_hashed(system: System, store: Store) -> None:
    _, text = await system.keys.create(OWNER, Scope.WRITE, "laptop")
    (found,) = await store.collection("api_keys").find({})
    assert found["hash"] == hashlib.sha256(text.encode()).hexdigest()
    assert text not in repr(found)
    assert text.removeprefix("pressrun_")[8:] not in repr(found)
    assert len(text) > 40


async def test_a_key_acts_for_its_owner_whatever_a_header_says(with_key: WithKey, store: Store, system: System) -> None:
    owner = "665f1c2ab4d1e0a1b2c3d4e5"
    client = await with_key(owner)
    client.headers["X-Pressrun-User"] = "boss"
    bulk_id = await submit_quick(client)
    found = await store.collection("bulk_jobs").find_one({"_id": ObjectId(bulk_id)})
    assert found is not None
    assert found["userId"] == ObjectId(owner)
    refused(await client.get("/api/limits"), 403)


async def test_an_admin_of_the_settings_is_one_with_a_write_key_but_not_with_a_read_key(with_key: WithKey) -> None:
    assert (await (await with_key("boss", Scope.WRITE)).get("/api/limits")).status_code == 200
    refused(await (await with_key("boss", Scope.READ)).get("/api/limits"), 403)
    refused(await (await with_key(OWNER, Scope.WRITE)).get("/api/limits"), 403)


async def test_an_admin_key_sees_the_whole_queue_but_only_its_own_bulks(with_key: WithKey) -> None:
    await submit_quick(await with_key(OWNER))
    admin = await with_key("operator", Scope.ADMIN)
    assert (await get(admin, "/api/queue"))["total"] == 10
    assert (await get(admin, BULKS))["bulk_jobs"] == []
    assert (await get(await with_key("other"), "/api/queue"))["total"] == 0


async def test_with_keys_any_host_and_any_proxy_is_fine(with_key: WithKey) -> None:
    client = await with_key()
    headers = {"Host": "pressrun.example.com", "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Host": "www.example.com"}
    assert (await client.get(BULKS, headers=headers)).status_code == 200


async def test_who_is_nobody_is_told_so_before_what_is_wrong_with_the_request(
    keyed_app: FastAPI, open_client: As
) -> None:
    client: httpx2.AsyncClient = open_client(keyed_app)
    wrong: list[Any] = [{}, {"mode": "poem"}, []]
    for body in wrong:
        assert (await client.post(BULKS, json=body)).status_code == 401
    assert (await client.get(f"{BULKS}/no-id")).status_code == 401
    assert (await client.get(BULKS, params={"limit": 0})).status_code == 401
