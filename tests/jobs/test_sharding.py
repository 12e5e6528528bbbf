"""Each write of one bulk or job names its shard: on a sharded cluster it goes to that one, and is refused by none."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

import pytest

from jobs.controls import Pause
from jobs.outcomes import Completed, Failed, Retry, Unclaimed
from jobs.storage.store import Collection, Document, Filter, Name, Sort, Store, Update
from jobs.system import System
from tests.jobs.conftest import LEASE, MakeBulk
from tests.jobs.test_queue import claimed
from tests.support.clock import MovableClock

SHARDED = ("bulk_jobs", "generation_jobs")
Noted = list[tuple[str, str, Filter]]


class Noting:
    """Notes the filter of each write of one, on its way to the collection that it stands before."""

    def __init__(self, collection: Collection, name: Name, noted: Noted) -> None:
        self._collection = collection
        self._name = name
        self._noted = noted

    def __getattr__(self, name: str) -> Any:
        return getattr(self._collection, name)

    async def find_one_and_update(
        self, filter: Filter, update: Update, *, sort: Sort | None = None, upsert: bool = False
    ) -> Document | None:
        self._noted.append((self._name, "find_one_and_update", filter))
        return await self._collection.find_one_and_update(filter, update, sort=sort, upsert=upsert)

    async def update_one(self, filter: Filter, update: Update, *, upsert: bool = False) -> int:
        self._noted.append((self._name, "update_one", filter))
        return await self._collection.update_one(filter, update, upsert=upsert)


@pytest.fixture
def noted(store: Store, monkeypatch: pytest.MonkeyPatch) -> Noted:
    """Filled by all that is assembled afterwards."""
    noted: Noted = []
    plain = store.collection

    def collection(name: Name) -> Collection:
        there = plain(name)
        return cast(Collection, Noting(there, name, noted)) if name in SHARDED else there

    monkeypatch.setattr(store, "collection", collection)
    return noted


async def test_every_write_of_one_in_a_jobs_life_names_the_shard(
    noted: Noted, system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await make_bulk(6, parallelism=2)
    other = await make_bulk(1, owner="another")
    retry = Retry("busy", timedelta(0), counted=True, definite=True)
    for outcome in (Completed("text", {}), retry, Failed("no", definite=True), Unclaimed()):
        await system.queue.finish(await claimed(system), outcome)
    await system.sweep.run()
    await claimed(system)
    clock.move(LEASE * 1.5)
    await system.sweep.run()
    await system.controls.pause("owner", bulk_id, Pause())
    await system.controls.resume("owner", bulk_id)
    await system.controls.cancel("owner", bulk_id)
    await system.outbox.relay()
    while (claim := await system.queue.claim("w1")) is not None:
        await system.queue.finish(claim, Completed("text", {}))
    assert (await system.lookup.bulk("another", other))["status"] == "completed"
    without = {(name, how, *sorted(filter)) for name, how, filter in noted if not isinstance(filter.get("shard"), int)}
    assert without == set()
    assert {(name, how) for name, how, _ in noted} >= {(name, "find_one_and_update") for name in SHARDED}
