"""The document rules that `pressrun check --install` puts on shared collections."""

from __future__ import annotations

import pytest

from jobs.documents import BulkRequest
from jobs.errors import StoreRefused
from jobs.indexes import INDEXES
from jobs.outcomes import Completed
from jobs.rules import install_rules
from jobs.storage.mongo import MongoStore
from jobs.system import Rules, assemble
from tests.support.clock import MovableClock


async def test_the_protocol_works_under_the_rules_and_the_application_stays_free(mongodb_store: MongoStore) -> None:
    assert await install_rules(mongodb_store) == ["bulk_jobs", "generation_jobs"]
    await install_rules(mongodb_store)
    await mongodb_store.create_indexes(INDEXES)
    system = assemble(mongodb_store, MovableClock(), Rules())
    created = await system.creation.create("me", BulkRequest(mode="topic", items=[{"topic": "x"}]))
    await system.limits.seed(Rules().limits)
    claim = await system.queue.claim("w1")
    assert claim is not None
    await system.queue.finish(claim, Completed("text", {}))
    jobs = mongodb_store.collection("generation_jobs")
    await jobs.insert_one({"_id": "theirs", "anything": True})
    await jobs.update_one({"_id": "theirs"}, {"$set": {"status": 7}})
    with pytest.raises(StoreRefused):
        await jobs.update_one({"schema": 1}, {"$set": {"status": "asleep"}})
    with pytest.raises(StoreRefused):
        await mongodb_store.collection("bulk_jobs").update_one({"schema": 1}, {"$set": {"remaining_items": -1}})
    assert (await system.lookup.bulk("me", created.bulk_id))["status"] == "completed"
