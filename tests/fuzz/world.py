"""A service in which something of everything exists, so that made-up requests come somewhere. No tests here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, get_args

import httpx2
import pytest
from fastapi import FastAPI

import service.app
from jobs.callers.keys import Scope
from jobs.capacity.limits import Limits
from jobs.indexes import INDEXES
from jobs.outcomes import Awaiting
from jobs.storage.embedded.store import EmbeddedStore
from jobs.storage.encryption import Cipher
from jobs.storage.store import Document, Name
from jobs.system import Rules, System, assemble
from tests.outbound.asking import PUBLIC
from tests.service.noticing import relayed
from tests.service.requesting import DONE, ENDPOINTS, FAILED, JOBS, claimed, end_jobs, get, post, settings, submit_quick
from tests.service.webhooking import WEBHOOKS
from tests.support.clock import MovableClock

USER = "boss"
LOCAL = "http://127.0.0.1:9/"
IDEAS = {
    "stage": "selection",
    "hash": "h",
    "options": [{"title": "A", "summary": "s"}] * 2,
    "recommended": 1,
    "then": "content-generation",
    "percentage": 40,
}


class AnyName:
    """A resolver to which every name is one of a public address: nothing is asked of the network."""

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        return [PUBLIC]


@dataclass(repr=False)
class World:
    """`known` are values of path parameters, by name, under which there is something of the admin's own; `stored` is
    all that there was at first."""

    app: FastAPI
    system: System
    admin: httpx2.AsyncClient
    nobody: httpx2.AsyncClient
    known: Mapping[str, Sequence[str]]
    stored: Mapping[Name, Sequence[Document]]

    def __repr__(self) -> str:
        return "world"

    async def begin_anew(self) -> None:
        for name, documents in self.stored.items():
            collection = self.system.store.collection(name)
            await collection.delete_many({})
            await collection.insert_many(deepcopy(documents))

    async def close(self) -> None:
        await self.admin.aclose()
        await self.nobody.aclose()


async def inhabited() -> World:
    store, clock = EmbeddedStore.in_memory(), MovableClock()
    await store.create_indexes(INDEXES)
    system = assemble(store, clock, Rules(cipher=Cipher(["a key of the tests"])))
    await system.limits.seed(Limits(max_running=None))
    _, key = await system.keys.create(USER, Scope.ADMIN)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(service.app, "SystemResolver", AnyName)
        app = service.app.create_app(settings(auth={"mode": "keys"}, **ENDPOINTS), system)
    admin, nobody = client_of(app, {"Authorization": f"Bearer {key}"}), client_of(app)
    known = await _known(admin, system, clock)
    stored = {name: await store.collection(name).find({}) for name in get_args(Name)}
    return World(app, system, admin, nobody, known, stored)


def client_of(app: FastAPI, headers: Mapping[str, str] | None = None) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app, raise_app_exceptions=True)
    return httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers)


async def _known(admin: httpx2.AsyncClient, system: System, clock: MovableClock) -> dict[str, Sequence[str]]:
    ended = await submit_quick(admin, name="Teas")
    await end_jobs(system, *[DONE] * 9, FAILED)
    blogs = await submit_quick(admin, pipeline="blog")
    asking = await claimed(system)
    await system.queue.finish(asking, Awaiting({**IDEAS, "until": clock.now()}))
    waiting = await submit_quick(admin, notify={"progress": [50]})
    asset = await system.materials.keep_asset(await claimed(system), b"bytes", "image/png")
    single = await post(admin, JOBS, {"mode": "topic", "topic": "tea"})
    endpoint = (await post(admin, WEBHOOKS, {"url": LOCAL}))["endpoint"]["id"]
    await post(admin, "/api/targets", {"name": "site", "url": LOCAL})
    template = await post(admin, "/api/templates", {"name": "Kept", "bulk_job_id": ended})
    plan = {"name": "Weekly", "template_id": template["template"]["id"], "cron": "0 6 * * 1"}
    schedule = await post(admin, "/api/schedules", plan)
    await relayed(system)
    tested: Any = await post(admin, f"{WEBHOOKS}/{endpoint}/test")
    spare: Any = await post(admin, "/api/keys", {"name": "spare", "scope": "read"})
    rows = (await get(admin, f"/api/bulk-generate/{ended}"))["jobs"]
    return {
        "bulk_id": [ended, blogs, waiting, single["bulk_job_id"]],
        "job_id": [str(asking.job_id), single["job_id"], rows[0]["id"], rows[-1]["id"]],
        "template_id": [template["template"]["id"]],
        "schedule_id": [schedule["schedule"]["id"]],
        "endpoint_id": [endpoint, "bulks"],
        "delivery_id": [tested["delivery"]["id"]],
        "name": ["site"],
        "asset_id": [str(asset)],
        "tenant": [USER, "shop"],
        "key_id": [spare["key"]["id"]],
    }
