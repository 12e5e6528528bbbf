"""The upkeep of retention in a worker: what it removes is counted, and an archive that cannot be written is told."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from jobs.outcomes import Completed
from jobs.retention.expiry import RetentionRules
from jobs.retention.removal import HELPED_AFTER, Why
from jobs.storage.store import Store
from jobs.system import Rules, System, assemble
from tests.support.clock import MovableClock
from tests.worker.conftest import Logged, MakeBulk, events
from tests.worker.test_metrics import count
from tests.worker.test_upkeep import upkeep_of
from tests.worker.working import OWNER, claimed
from worker.metrics import Metrics

DAY = timedelta(days=1)


@pytest.fixture
def old_go(store: Store, clock: MovableClock, tmp_path: Path) -> System:
    rules = RetentionRules(completed=DAY, archive=tmp_path / "archive")
    return assemble(store, clock, Rules(retention=rules))


async def test_what_a_worker_removes_is_counted_by_why(
    system: System, old_go: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    metrics = Metrics()
    old_go.removal.watch(metrics.removed)
    for _ in range(3):
        await make_bulk(1)
        await system.queue.finish(await claimed(system), Completed("text", {}))
    await system.outbox.relay()
    (mine, *_) = (await system.lookup.bulks(OWNER)).documents
    await old_go.deletion.delete(OWNER, mine["_id"])
    clock.move(DAY)
    await upkeep_of(old_go, metrics=metrics).remove_old()
    counted = {why: count(metrics, "bulks_removed_total", why=why) for why in Why}
    assert counted == {Why.OWNER: 1, Why.RETENTION: 2, Why.ERASURE: 0}


async def test_an_archive_that_cannot_be_written_is_counted_at_each_look_until_it_can(
    system: System, old_go: System, make_bulk: MakeBulk, clock: MovableClock, tmp_path: Path, logged: Logged
) -> None:
    await make_bulk(1)
    await system.queue.finish(await claimed(system), Completed("text", {}))
    await system.outbox.relay()
    (tmp_path / "archive").write_text("no folder")
    clock.move(DAY)
    metrics = Metrics()
    upkeep = upkeep_of(old_go, metrics=metrics)
    for _ in range(2):
        await upkeep.remove_old()
        clock.move(HELPED_AFTER)
    assert count(metrics, "archive_failures_total") == 2
    assert all(str(tmp_path / "archive") in told["reason"] for told in events(logged, "archive_failed"))
    (tmp_path / "archive").unlink()
    await upkeep.remove_old()
    assert count(metrics, "archive_failures_total") == 2
    assert (await system.lookup.bulks(OWNER)).documents == []
