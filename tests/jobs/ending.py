"""Bulks that have ended and of which nothing is owed any more. No tests here."""

from __future__ import annotations

from typing import Any

from jobs.documents import BulkId
from jobs.outcomes import Completed, Failed
from jobs.storage.store import Name, Store
from jobs.system import System
from tests.jobs.conftest import MakeBulk
from tests.jobs.test_queue import claimed

META: dict[str, Any] = {"markdown": "text", "usage": None, "stages": [], "word_count": 1}
BELONGING: tuple[Name, ...] = ("bulk_jobs", "generation_jobs", "assets", "notices")


async def ended(system: System, make_bulk: MakeBulk, items: int = 2, *, failed: int = 0, **fields: Any) -> BulkId:
    """Its end is told, and its first job has an asset."""
    bulk_id = await make_bulk(items, max_retries=0, **fields)
    for number in range(items):
        claim = await claimed(system)
        if number == 0:
            await system.materials.keep_asset(claim, b"picture", "image/png")
        done = Failed("no", definite=True) if number < failed else Completed("text", dict(META))
        await system.queue.finish(claim, done)
    await system.outbox.relay()
    await system.outbox.relay_jobs()
    return bulk_id


async def left_of(store: Store, bulk_id: BulkId) -> dict[Name, int]:
    """How many documents of the bulk there are, where there are any."""
    filters = {name: {"_id" if name == "bulk_jobs" else "bulk_job_id": bulk_id} for name in BELONGING}
    counted = {name: await store.collection(name).count(mine) for name, mine in filters.items()}
    return {name: count for name, count in counted.items() if count}
