"""`DELETE /api/bulk-generate/{id}`: of an ended bulk, by its owner, for good."""

from __future__ import annotations

import httpx2

from jobs.storage.store import Store
from jobs.system import System
from tests.service.requesting import BULKS, DONE, FAILED, bulk, end_jobs, get, job_ids, refused, submit_quick


async def test_an_ended_bulk_is_removed_with_all_that_belongs_to_it(
    api: httpx2.AsyncClient, system: System, store: Store
) -> None:
    bulk_id = await submit_quick(api)
    await end_jobs(system, *[DONE] * 9, FAILED)
    await system.outbox.relay()
    jobs = await job_ids(api, bulk_id)
    removed = await api.delete(f"{BULKS}/{bulk_id}")
    assert (removed.status_code, removed.json()) == (200, {"success": True, "message": "Bulk job removed"})
    for gone in (f"{BULKS}/{bulk_id}", f"{BULKS}/{bulk_id}/results", f"/api/jobs/{jobs[0]}"):
        refused(await api.get(gone), 404)
    refused(await api.delete(f"{BULKS}/{bulk_id}"), 404)
    refused(await api.post(f"{BULKS}/{bulk_id}/retry"), 404)
    assert (await get(api, BULKS))["bulk_jobs"] == []
    assert (await get(api, "/api/queue"))["total"] == 0
    assert await store.collection("generation_jobs").count({}) == 0


async def test_a_bulk_that_has_not_ended_is_a_409_that_says_what_to_do(api: httpx2.AsyncClient) -> None:
    bulk_id = await submit_quick(api)
    said = refused(await api.delete(f"{BULKS}/{bulk_id}"), 409)
    assert said == "A bulk job that is queued cannot be deleted: cancel it first."
    assert (await get(api, f"{BULKS}/{bulk_id}"))["bulk_job"]["status"] == "queued"


async def test_the_key_of_a_removed_bulk_still_answers_what_it_answered(
    api: httpx2.AsyncClient, system: System
) -> None:
    headers = {"Idempotency-Key": "once"}
    first = await api.post(BULKS, json=bulk(), headers=headers)
    bulk_id = first.json()["bulk_job_id"]
    await api.post(f"{BULKS}/{bulk_id}/cancel")
    await system.outbox.relay()
    assert (await api.delete(f"{BULKS}/{bulk_id}")).status_code == 200
    again = await api.post(BULKS, json=bulk(), headers=headers)
    assert (again.status_code, again.json()) == (200, first.json())
    assert (await get(api, BULKS))["bulk_jobs"] == []
