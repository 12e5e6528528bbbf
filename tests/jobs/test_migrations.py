"""Migrations that are made up, on both stores: killed at every write, two at once, and who may run beside them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import pytest
from structlog.testing import capture_logs

from jobs.errors import DatabaseTooNew, OlderProcesses, StoreUnavailable
from jobs.storage.store import Document, Store
from jobs.system import Rules, start
from jobs.versions.database_format import DatabaseFormat, Standing
from jobs.versions.migrating import BATCH, Migrating, Progress
from jobs.versions.migrations import FIRST, FORMAT, MIGRATIONS, Migration
from jobs.versions.replicas import SILENCE, Replicas
from jobs.versions.workers import Workers
from tests.support.clock import MovableClock
from tests.support.faulty_store import FaultyStore

T = TypeVar("T")
LEASE = timedelta(seconds=30)


def named(document: Document) -> Document:
    return {"$set": {"label": f"{document['name']}!"}, "$unset": {"name": ""}}


def doubled(document: Document) -> Document:
    return {"$set": {"name": document["label"], "count": 2 * document["count"]}, "$unset": {"label": ""}}


LABELS = Migration(2, "names become labels", "pipelines", {"name": {"$exists": True}}, named, locks_out=False)
# leaves what the step before would take for its own
NAMES = Migration(3, "labels become names again", "pipelines", {"label": {"$exists": True}}, doubled, locks_out=True)
STEPS = (LABELS, NAMES)


class Interrupted(FaultyStore):
    """Once, before or after one operation on what is migrated, `meanwhile` happens."""

    def __init__(self, store: Store, operation: str, when: str, meanwhile: Callable[[], Awaitable[object]]) -> None:
        super().__init__(store)
        self._at = (operation, when)
        self._meanwhile: Callable[[], Awaitable[object]] | None = meanwhile

    async def run(self, collection: str, operation: str, call: Callable[[], Awaitable[T]]) -> T:
        await self._interrupt(collection, (operation, "before"))
        answer = await super().run(collection, operation, call)
        await self._interrupt(collection, (operation, "after"))
        return answer

    async def _interrupt(self, collection: str, here: tuple[str, str]) -> None:
        if self._meanwhile is not None and (collection, here) == ("pipelines", self._at):
            meanwhile, self._meanwhile = self._meanwhile, None
            await meanwhile()


class Side:
    """One version of Pressrun: the steps that it knows, over a store of its own view."""

    def __init__(self, store: Store, clock: MovableClock, steps: tuple[Migration, ...] = STEPS) -> None:
        self.format = DatabaseFormat(store, steps)
        self.workers, self.replicas = Workers(store, clock, LEASE), Replicas(store, clock)
        self._migrating = Migrating(store, self.format, self.workers, self.replicas)

    async def migrate(self) -> list[Progress]:
        return [progress async for progress in self._migrating.run("9.9")]


async def stored(store: Store, count: int) -> None:
    """Of the first format, by a version that kept no record: its start has seeded the limits."""
    await store.collection("limits").insert_one({"_id": "system"})
    several = [{"_id": n, "name": f"n{n}", "count": n, "rev": 1} for n in range(count)]
    await store.collection("pipelines").insert_many(several)


async def documents(store: Store) -> list[Document]:
    return await store.collection("pipelines").find({}, sort=[("_id", 1)])


def migrated(count: int) -> list[Document]:
    """Each changed once by each step."""
    return [{"_id": n, "name": f"n{n}!", "count": 2 * n, "rev": 3, "migrated_to": 3} for n in range(count)]


def test_the_steps_of_this_version_lead_from_the_first_format_one_by_one() -> None:
    assert [step.to for step in MIGRATIONS] == list(range(FIRST + 1, FORMAT + 1))


async def test_every_document_is_changed_once_by_each_step_whatever_their_number(
    store: Store, clock: MovableClock
) -> None:
    count = BATCH + 1
    await stored(store, count)
    told = await Side(store, clock).migrate()
    assert [(progress.step.to, progress.changed) for progress in told if progress.ended] == [(2, count), (3, count)]
    assert await documents(store) == migrated(count)
    assert await Side(store, clock).format.standing() == Standing(format=3, needs=3)
    assert await Side(store, clock).migrate() == []


WRITES = (
    ("database_format", "insert_one", 1),
    *[("database_format", "update_one", number) for number in range(1, 5)],
    *[("pipelines", "update_one", number) for number in range(1, 7)],
)
"""Of both steps over three documents: collection, operation, the how manieth."""


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("write", WRITES, ids=lambda write: "-".join(map(str, write)))
async def test_whoever_dies_at_any_write_leaves_what_the_next_call_ends(
    store: Store, clock: MovableClock, write: tuple[str, str, int], *, after: bool
) -> None:
    await stored(store, 3)
    dying, (collection, operation, number) = FaultyStore(store), write
    for _ in range(number - 1):
        dying.before(collection, operation, lambda: None)

    def die() -> None:
        dying.go_down()
        raise StoreUnavailable("died there")

    (dying.after if after else dying.before)(collection, operation, die)
    with pytest.raises(StoreUnavailable):
        await Side(dying, clock).migrate()
    await Side(store, clock).migrate()
    assert await documents(store) == migrated(3)
    assert await Side(store, clock).format.standing() == Standing(format=3, needs=3)
    record = await store.collection("database_format").find_one({"_id": "format"})
    assert record is not None
    assert [step["to"] for step in record["steps"]] == [2, 3]


async def test_two_operators_at_once_change_each_document_once(store: Store, clock: MovableClock) -> None:
    await stored(store, BATCH + 20)
    await asyncio.gather(*(Side(store, clock).migrate() for _ in range(2)))
    assert await documents(store) == migrated(BATCH + 20)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("operation", ["find", "update_one"])
async def test_who_slept_while_another_ended_all_steps_changes_nothing_back(
    store: Store, clock: MovableClock, operation: str, when: str
) -> None:
    await stored(store, 3)
    late = {"_id": 9, "name": "written by the new version", "count": 1, "rev": 1}

    async def others_end_all() -> None:
        await Side(store, clock).migrate()
        await store.collection("pipelines").insert_one(dict(late))

    await Side(Interrupted(store, operation, when, others_end_all), clock).migrate()
    assert await documents(store) == [*migrated(3), late]


async def test_what_is_written_in_the_old_form_meanwhile_is_taken_along(store: Store, clock: MovableClock) -> None:
    await stored(store, 3)
    own = store.collection("pipelines")
    meanwhile = Interrupted(store, "find", "after", lambda: own.insert_one({"_id": -1, "name": "n-1"}))
    told = await Side(meanwhile, clock, (LABELS,)).migrate()
    assert told[-1].changed == 4
    assert [document["label"] for document in await documents(store)] == ["n-1!", "n0!", "n1!", "n2!"]


async def test_a_document_that_changes_between_look_and_write_is_looked_at_again(
    store: Store, clock: MovableClock
) -> None:
    await stored(store, 1)
    own, change = store.collection("pipelines"), {"$set": {"name": "changed"}, "$inc": {"rev": 1}}
    meanwhile = Interrupted(store, "update_one", "before", lambda: own.update_one({"_id": 0}, change))
    await Side(meanwhile, clock, (LABELS,)).migrate()
    (document,) = await documents(store)
    assert document["label"] == "changed!"


async def test_a_database_that_was_never_used_begins_with_the_newest_format(store: Store, clock: MovableClock) -> None:
    assert await Side(store, clock).format.enter() == Standing(format=3, needs=3)
    assert await Side(store, clock).migrate() == []
    with pytest.raises(DatabaseTooNew, match="knows formats up to 2, and 3 is needed"):
        await Side(store, clock, (LABELS,)).format.enter()


async def test_two_versions_that_start_at_once_on_a_new_database_agree(store: Store, clock: MovableClock) -> None:
    old, new = Side(store, clock, ()), Side(store, clock, (LABELS,))
    stands = await asyncio.gather(old.format.enter(), new.format.enter())
    assert stands[0] == stands[1]


async def test_a_start_says_what_is_to_be_migrated_and_does_none_of_it(store: Store, clock: MovableClock) -> None:
    await stored(store, 2)
    before = await documents(store)
    with capture_logs() as logged:
        assert await Side(store, clock).format.enter() == Standing(format=1, needs=1)
    (told,) = [entry for entry in logged if entry["event"] == "migrations_pending"]
    assert (told["format"], told["known"], told["steps"]) == (1, 3, [LABELS.what, NAMES.what])
    assert await documents(store) == before


async def test_a_version_that_is_too_old_is_refused_from_a_steps_begin_on_and_leaves_no_trace(
    store: Store, clock: MovableClock
) -> None:
    await stored(store, 3)
    dying = FaultyStore(store)
    dying.break_before("pipelines", "update_one")
    with pytest.raises(StoreUnavailable):
        await Side(
            dying, clock, (Migration(2, "breaks", "pipelines", LABELS.pending, named, locks_out=True),)
        ).migrate()
    before = {name: await store.collection(name).find({}) for name in ("limits", "database_format", "pipelines")}
    with pytest.raises(DatabaseTooNew, match="knows formats up to 1, and 2 is needed"):
        await start(store, Rules())
    assert before == {
        name: await store.collection(name).find({}) for name in ("limits", "database_format", "pipelines")
    }


async def test_a_step_that_locks_nobody_out_leaves_the_way_back_open(store: Store, clock: MovableClock) -> None:
    await stored(store, 3)
    await Side(store, clock, (LABELS,)).migrate()
    assert await Side(store, clock, ()).format.enter() == Standing(format=2, needs=1)


async def test_older_processes_hold_a_step_back_that_would_lock_them_out(store: Store, clock: MovableClock) -> None:
    await stored(store, 1)
    side = Side(store, clock, (LABELS, NAMES))
    await side.workers.beat("w1", slots=1, version="0.9", jobs=[])
    await side.replicas.beat("s1", "0.9")
    with pytest.raises(OlderProcesses, match=r"do not know format 3: s1 \(0\.9\), w1 \(0\.9\)\."):
        await side.migrate()
    assert (await documents(store))[0]["label"] == "n0!"
    with pytest.raises(DatabaseTooNew):
        await Side(store, clock, (LABELS,)).format.enter()
    await side.workers.leave("w1")
    clock.move(SILENCE)
    await side.migrate()
    assert await documents(store) == migrated(1)


async def test_a_worker_of_a_version_that_told_no_format_counts_as_of_the_first(
    store: Store, clock: MovableClock
) -> None:
    await stored(store, 1)
    beat = {"_id": "old", "version": "0.1.0", "slots": 1, "jobs": [], "last_heartbeat": clock.now()}
    await store.collection("workers").insert_one(beat)
    with pytest.raises(OlderProcesses, match=r"old \(0\.1\.0\)"):
        await Side(store, clock).migrate()


async def test_an_order_of_the_ids_that_mixes_types_leaves_nobody_out(store: Store, clock: MovableClock) -> None:
    await stored(store, 2)
    mixed = [{"_id": f"s{n}", "name": "s", "count": 1} for n in range(BATCH)]
    await store.collection("pipelines").insert_many(mixed)
    await Side(store, clock).migrate()
    assert all(document["migrated_to"] == 3 for document in await store.collection("pipelines").find({}))
