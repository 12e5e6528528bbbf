"""Deleting a user's data: all of it, whatever runs, and nothing of anybody else's. On both stores."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import count
from typing import Any, get_args

import pytest

from jobs.callers.keys import Scope
from jobs.callers.user_limits import UserLimits
from jobs.creation import IdempotencyKey
from jobs.documents import BulkRequest, user_id
from jobs.errors import NotFound, StoreUnavailable
from jobs.notification.preferences import Preference
from jobs.outcomes import Cancelled
from jobs.retention.erasure import DECISIONS, Decision
from jobs.storage.store import Document, Name, Store
from jobs.system import Rules, System, assemble
from jobs.templates import Kept
from tests.jobs.conftest import MakeBulk
from tests.jobs.ending import ended
from tests.jobs.scheduling import Judge, plan
from tests.jobs.test_queue import claimed
from tests.support.clock import MovableClock
from tests.support.faulty_store import FaultyStore

ADA = "ada-of-the-tests"
OTHER = "another"
URL = "https://shop.example/hook"


@pytest.fixture
def limited(store: Store, clock: MovableClock) -> System:
    """With limits of a user, so that what they submit is counted."""
    return assemble(store, clock, Rules(user=UserLimits(submissions_per_minute=100, sends_per_minute=10)))


async def holdings(system: System, limited: System, make_bulk: MakeBulk, owner: str) -> None:
    """Something in every collection that holds anything of a user's."""
    await system.endpoints.create(owner, URL, ["bulk.completed"])
    await ended(system, make_bulk, owner=owner)
    await system.deletion.delete(owner, await ended(system, make_bulk, owner=owner))
    cancelled = await make_bulk(2, owner=owner)
    await system.controls.cancel(owner, cancelled)
    request = BulkRequest(mode="topic", items=[{"topic": "A"}])
    kept = await limited.creation.create(owner, request, IdempotencyKey("key", "hash"))
    await system.controls.cancel(owner, kept.bulk_id)
    await system.overview.queue(owner)
    await system.keys.create(owner, Scope.WRITE)
    await system.templates.keep(owner, "teas", Kept("{}", "topic", None, 0))
    await system.targets.register(owner, "shop", URL)
    await system.preferences.write(owner, Preference(f"{owner}@example.com"))
    await system.mailboxes.kept(owner, f"{owner}@example.com")
    await system.limits.change_tenant(owner, {"max_running": 3})
    await limited.user_counts.count_send(owner)
    schedule = await system.schedules.keep(owner, plan())
    fired = await system.schedule_firing.fire_by_hand(owner, schedule.id, Judge())
    assert fired.bulk_id is not None
    await system.controls.cancel(owner, fired.bulk_id)
    bulk = await system.lookup.bulk(owner, cancelled)
    await system.outbox.relay()
    assert bulk["userId"] == owner


async def mentioning(store: Store, user: str) -> set[Name]:
    """The collections with a document in which the user's name stands anywhere."""
    found = set()
    for name in get_args(Name):
        documents = await store.collection(name).find({})
        if any(user in repr(document) for document in documents):
            found.add(name)
    return found


def test_there_is_a_decision_for_every_collection() -> None:
    assert DECISIONS.keys() == set(get_args(Name))


async def test_what_is_erased_is_named_nowhere_any_more_and_others_keep_all(
    system: System, limited: System, store: Store, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    for owner in (ADA, OTHER):
        await holdings(system, limited, make_bulk, owner)
    held = {name for name, decision in DECISIONS.items() if decision not in (Decision.NOBODYS, Decision.APPLICATIONS)}
    assert await mentioning(store, ADA) == held
    before = await system.erasure.counts(OTHER)
    assert before.keys() == held - {"removals"}
    erased = await system.erasure.erase(ADA)
    assert erased.open_bulks == 0
    assert await mentioning(store, ADA) == set()
    assert await system.erasure.counts(ADA) == {}
    assert await system.erasure.counts(OTHER) == before
    assert [finding async for finding in system.audit.whole()] == []


async def test_counting_deletes_nothing(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await ended(system, make_bulk, owner=ADA)
    counts = await system.erasure.counts(ADA)
    assert (counts["bulk_jobs"], counts["generation_jobs"]) == (1, 2)
    assert await system.lookup.bulk(ADA, bulk_id)


async def test_a_running_job_is_cancelled_first_and_its_bulk_goes_when_it_is_let_go_of(
    system: System, store: Store, make_bulk: MakeBulk
) -> None:
    await make_bulk(2, owner=ADA)
    claim = await claimed(system)
    assert (await system.erasure.erase(ADA)).open_bulks == 1
    (job,) = await store.collection("generation_jobs").find({"status": "processing"})
    assert job["wish"] == "cancel"
    await system.queue.finish(claim, Cancelled())
    assert (await system.erasure.erase(ADA)).open_bulks == 0
    assert await system.erasure.counts(ADA) == {}


async def test_keys_go_before_anything_else(system: System, make_bulk: MakeBulk) -> None:
    await make_bulk(1, owner=ADA)
    await claimed(system)
    _, text = await system.keys.create(ADA, Scope.WRITE)
    assert (await system.erasure.erase(ADA)).open_bulks == 1
    assert await system.keys.find(text) is None


async def test_a_bulk_that_is_half_created_is_told_as_open(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    faulty = FaultyStore(store)
    faulty.break_before("bulk_jobs", "insert_one")
    dying = assemble(faulty, clock, Rules())
    with pytest.raises(StoreUnavailable):
        await dying.creation.create(ADA, BulkRequest(mode="topic", items=[{"topic": "A"}]))
    assert (await system.erasure.erase(ADA)).open_bulks == 1
    clock.move(timedelta(minutes=1))
    await system.creation.complete_owed()
    assert (await system.erasure.erase(ADA)).open_bulks == 0
    assert await system.erasure.counts(ADA) == {}


def dying_at(store: Store, clock: MovableClock, number: int) -> System:
    """A process that dies when its so manieth deletion has taken effect."""
    faulty, deletions = FaultyStore(store), count(1)

    def perhaps_die() -> None:
        if next(deletions) == number:
            faulty.go_down()

    for name in get_args(Name):
        for _ in range(number):
            faulty.after(name, "delete_many", perhaps_die)
            faulty.after(name, "delete_one", perhaps_die)
    return assemble(faulty, clock, Rules())


async def test_who_dies_at_any_deletion_is_made_up_for_by_the_next(
    system: System, limited: System, store: Store, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    await holdings(system, limited, make_bulk, ADA)
    for number in count(1):
        try:
            erased = await dying_at(store, clock, number).erasure.erase(ADA)
        except StoreUnavailable:
            clock.move(timedelta(minutes=2))
            await system.removal.finish_half_done()
            continue
        if not erased.open_bulks:
            break
    assert number > 10
    assert await mentioning(store, ADA) == set()


async def test_the_application_s_own_documents_stay(system: System, store: Store) -> None:
    own: list[tuple[Name, Document]] = [
        ("generation_jobs", {"_id": "theirs", "userId": ADA, "bulk_job_id": None}),
        ("users", {"_id": "user", "name": ADA}),
        ("sessions", {"_id": "session", "userId": ADA}),
    ]
    for name, document in own:
        await store.collection(name).insert_one(document)
    await system.erasure.erase(ADA)
    for name, document in own:
        assert await store.collection(name).find_one({"_id": document["_id"]}) == document


async def test_a_user_whose_id_is_an_object_id_is_erased_as_well(system: System, make_bulk: MakeBulk) -> None:
    owner: Any = user_id("6b027bdfe484bda5c9f5777d")
    bulk_id = await ended(system, make_bulk, owner=owner)
    await system.erasure.erase(owner)
    with pytest.raises(NotFound):
        await system.lookup.bulk(owner, bulk_id)
    assert await system.erasure.counts(owner) == {}


async def test_what_is_written_out_is_what_would_be_deleted_without_secrets(
    system: System, limited: System, make_bulk: MakeBulk
) -> None:
    for owner in (ADA, OTHER):
        await holdings(system, limited, make_bulk, owner)
    written = [part async for part in system.takeout.parts(ADA)]
    assert Counter(name for name, _ in written) == await system.erasure.counts(ADA)
    assert all(ADA in repr(document) for _, document in written)
    assert not [document for _, document in written if {"hash", "secrets", "token"} & document.keys()]
    assert all("secret" not in name for _, document in written for name in document)
