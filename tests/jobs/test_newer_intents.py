"""An intent of a kind that only a newer version knows: this one leaves it alone, and does all else beside it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jobs.chores import HALF_DONE_AFTER
from jobs.controls import Pause
from jobs.documents import BulkId
from jobs.errors import Busy
from jobs.states import BulkStatus
from jobs.storage.store import Document, Store
from jobs.system import System
from tests.jobs.conftest import OWNER, MakeBulk
from tests.support.clock import MovableClock


def intent(kind: str, clock: MovableClock) -> Document:
    return {"id": kind, "kind": kind, "epoch": 2, "at": clock.now(), "job_ids": [], "each": []}


async def standing(store: Store, bulk_id: BulkId, kind: str, clock: MovableClock, **more: object) -> None:
    change = {"intent": intent(kind, clock), "epoch": 2, **more}
    await store.collection("bulk_jobs").update_one({"_id": bulk_id}, {"$set": change, "$inc": {"rev": 1}})


async def test_it_stands_and_those_that_are_known_are_carried_out_beside_it(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    newer, known = await make_bulk(1), await make_bulk(1)
    await standing(store, newer, "of a newer version", clock)
    await standing(store, known, "cancel", clock, status=BulkStatus.CANCELLED.value)
    clock.move(HALF_DONE_AFTER + timedelta(seconds=1))
    assert await system.intents.finish_half_done(HALF_DONE_AFTER) == 1
    assert (await system.lookup.bulk(OWNER, known))["cancelled_items"] == 1
    assert (await system.lookup.bulk(OWNER, newer))["intent"]["kind"] == "of a newer version"


async def test_meanwhile_other_controls_are_told_that_it_is_being_changed(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await make_bulk(1)
    await standing(store, bulk_id, "of a newer version", clock)
    with pytest.raises(Busy):
        await system.controls.cancel(OWNER, bulk_id)
    with pytest.raises(Busy):
        await system.controls.pause(OWNER, bulk_id, Pause())
    assert (await system.lookup.bulk(OWNER, bulk_id))["status"] == BulkStatus.QUEUED
