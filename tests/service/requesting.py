"""What the API's tests send, what they expect of a refusal, and how their jobs come to an end. No tests here."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from jobs.claims import Claim
from jobs.configuration.settings import Settings, load_settings
from jobs.documents import MODES, BulkId, parse_id
from jobs.outcomes import Completed, Failed, Outcome
from jobs.storage.store import Name, Store
from jobs.system import System

BULKS = "/api/bulk-generate"
JOBS = "/api/jobs"
OWNER = "owner"
SECRET = "a secret of the tests, which sign-in sessions are signed with"
TARGET_URL = "http://127.0.0.1:9/publish"
STORED: tuple[Name, ...] = ("bulk_jobs", "generation_jobs", "creations")
DONE = Completed("# Text\n\nOne two.", {"word_count": 2})
FAILED = Failed("The generator said no.", definite=True)
JSON = {"Content-Type": "application/json"}

on_embedded = pytest.mark.parametrize("store", ["embedded"], indirect=True)
"""For what cannot depend on the store, in many cases."""


ENDPOINTS = {
    "ideas": {"url": "http://127.0.0.1:8101"},
    "images": {"url": "http://127.0.0.1:8102"},
    "generator": {"components": "on"},
}
"""Settings with which every pipeline can run."""


def settings(**given: Any) -> Settings:
    allow = {"allow": ["http://127.0.0.1:9"]}
    return load_settings(given={"auth": {"mode": "off"}, "outbound": allow, **given}, environment={})


def bulk(items: int = 10, **fields: Any) -> dict[str, Any]:
    """The body of a bulk in mode topic that nothing is wrong with."""
    return {"mode": "topic", "items": [{"topic": f"Topic {n}"} for n in range(1, items + 1)], **fields}


def bulk_with(item: dict[str, Any], mode: str = "topic") -> dict[str, Any]:
    """Ten items, of which the fourth is the given one."""
    good = {MODES[mode][0]: "x"}
    return {"mode": mode, "items": [*[good] * 3, item, *[good] * 6]}


async def submit(client: httpx2.AsyncClient, items: int = 10, **fields: Any) -> str:
    response = await client.post(BULKS, json=bulk(items, **fields))
    assert response.status_code == 200, response.text
    bulk_job_id: str = response.json()["bulk_job_id"]
    return bulk_job_id


async def get(client: httpx2.AsyncClient, url: str, **query: Any) -> Any:
    response = await client.get(url, params=query)
    assert response.status_code == 200, response.text
    return response.json()


async def post(client: httpx2.AsyncClient, url: str, body: Any = None) -> Any:
    response = await client.post(url) if body is None else await client.post(url, json=body)
    assert response.status_code == 200, response.text
    return response.json()


async def status_of(client: httpx2.AsyncClient, bulk_id: str) -> str:
    status: str = (await get(client, f"{BULKS}/{bulk_id}"))["bulk_job"]["status"]
    return status


async def job_ids(client: httpx2.AsyncClient, bulk_id: str) -> list[str]:
    return [job["id"] for job in (await get(client, f"{BULKS}/{bulk_id}"))["jobs"]]


def refused(response: httpx2.Response, status: int) -> str:
    """The sentence of a refusal, which is JSON of the one shape, and shows nothing of the inside."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert body.keys() <= {"error", "details"}
    assert isinstance(body["error"], str)
    assert body["error"]
    for fault in body.get("details", []):
        assert fault.keys() == {"path", "message"}
        assert fault["message"]
    for inside in ("Traceback", 'File "', "pymongo", "bson.", "pydantic", "sys."):
        assert inside not in response.text
    sentence: str = body["error"]
    return sentence


def faults(response: httpx2.Response) -> dict[str, str]:
    """What a refusal found wrong, by path; no path is named twice."""
    refused(response, 400)
    details = response.json()["details"]
    found = {fault["path"]: fault["message"] for fault in details}
    assert len(found) == len(details)
    return found


async def stored(store: Store) -> dict[Name, int]:
    return {name: await store.collection(name).count({}) for name in STORED}


NOTHING: dict[Name, int] = dict.fromkeys(STORED, 0)


async def claimed(system: System) -> Claim:
    claim = await system.queue.claim("worker-1")
    assert claim is not None
    return claim


async def end_jobs(system: System, *outcomes: Outcome) -> None:
    """Run the next jobs, one after the other, to these ends."""
    for outcome in outcomes:
        await system.queue.finish(await claimed(system), outcome)


async def submit_quick(client: httpx2.AsyncClient, items: int = 10, **fields: Any) -> str:
    """A bulk whose jobs may follow each other without delay."""
    return await submit(client, items, delay_seconds=0, max_retries=0, **fields)


def as_bulk_id(text: str) -> BulkId:
    return BulkId(parse_id(text, "bulk job"))
