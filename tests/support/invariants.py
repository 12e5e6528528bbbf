"""The invariants of spec §4 that can be read off a database at rest."""

from __future__ import annotations

from collections import Counter

from jobs.documents import A_HAIR
from jobs.states import ENDED_JOBS, LIVE_BULKS
from jobs.storage.store import Document, Store


async def assert_at_rest(store: Store) -> None:
    """Nothing runs, and nothing is owed: counters are exact, no slot, lease, place, intent or creation is left."""
    bulks = await store.collection("bulk_jobs").find({"schema": 1})
    for bulk in bulks:
        jobs = await store.collection("generation_jobs").find({"bulk_job_id": bulk["_id"]})
        assert_counted(bulk, jobs)
        assert bulk["slots"] == {}, bulk["slots"]
        assert (bulk["busy"], bulk["free"]) == (0, bulk["parallelism"])
        assert bulk["intent"] is None
        assert abs(bulk["cost"] - sum(job["cost"] for job in jobs)) < A_HAIR * (1 + len(jobs))
        for tokens, count in bulk["usage"].items():
            assert count == sum(job["usage"][tokens] for job in jobs)
        assert not [job for job in jobs if job["status"] == "processing" or job["lease"]]
        if all(job["status"] in ENDED_JOBS for job in jobs):
            assert bulk["status"] not in LIVE_BULKS
            assert bulk["completed_at"] is not None
    known = {bulk["_id"] for bulk in bulks}
    strays = await store.collection("generation_jobs").find({"schema": 1}, projection=["bulk_job_id"])
    assert {job["bulk_job_id"] for job in strays} <= known
    scopes = await store.collection("limits").find({})
    assert "system" in [scope["_id"] for scope in scopes]
    assert [(scope["running"], scope["slots"]) for scope in scopes] == [(0, {})] * len(scopes)
    assert await store.collection("creations").find({"state": {"$nin": ["done", "aborted"]}}) == []


def assert_counted(bulk: Document, jobs: list[Document]) -> None:
    """Counters equal the count of jobs by status (I2)."""
    counts = Counter(job["status"] for job in jobs)
    assert len(jobs) == bulk["total_items"]
    for status in ("completed", "failed", "cancelled"):
        assert bulk[f"{status}_items"] == counts[status], (status, bulk[f"{status}_items"], counts)
    assert bulk["remaining_items"] == len(jobs) - sum(counts[status] for status in ENDED_JOBS)
