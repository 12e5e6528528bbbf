"""The deeds that are measured are those that workers and services do: each can be done, and asks what it is said to."""

from __future__ import annotations

from collections import Counter

from benchmarks.scaling.deeds import LEASE, Who, deeds, short_list
from jobs.capacity.limits import Limits
from jobs.documents import BulkRequest
from jobs.indexes import INDEXES
from jobs.storage.store import Store
from jobs.system import Rules, assemble
from tests.support.clock import MovableClock


async def test_every_deed_can_be_done_while_nothing_runs_and_while_something_does(store: Store) -> None:
    await store.create_indexes(INDEXES)
    clock = MovableClock()
    system = assemble(store, clock, Rules(lease=LEASE))
    await system.limits.seed(Limits(max_running=None))
    for deed in deeds(system, []):
        await deed.do()
    request = BulkRequest(mode="topic", items=[{"topic": "Boots"}, {"topic": "Shoes"}])
    await system.creation.create("owner", request)
    await short_list(system)()
    claim = await system.queue.claim("worker")
    assert claim is not None
    clock.move(LEASE / 2)
    each = list(deeds(system, [claim]))
    for deed in each:
        await deed.do()
    (control,) = (await system.queue.controls([claim])).values()
    assert control.owned
    assert len({deed.name for deed in each}) == len(each)
    whose = Counter(deed.who for deed in each)
    assert set(whose) == set(Who)
    assert all(deed.every.total_seconds() > 0 for deed in each)
