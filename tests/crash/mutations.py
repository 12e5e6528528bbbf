"""The protocol, broken on purpose: each of these takes one guard away. No tests here.

One that changes nothing any more, as the protocol has moved on, is told of as one that nothing shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import jobs.adoption
import jobs.outcomes
import jobs.queue
import jobs.shortlist
import worker.keeper
from jobs.capacity.scopes import Place, Scopes
from jobs.checkpoints import Checkpoints
from jobs.claims import ClaimWrites
from jobs.clock import NEVER
from jobs.creation import Creation
from jobs.expenses import Charge, Expense, Tokens
from jobs.intents import Intents
from jobs.outcomes import Outcome, due_after
from jobs.queue import Queue
from jobs.selections import Selections
from jobs.states import LIVE_BULKS
from jobs.storage.store import Document
from jobs.sweep import Sweep
from jobs.twins import Twins
from tests.support.simulation.simulated_store import SimulatedCollection
from worker.outcomes import Interruption
from worker.pipeline import Course

Mutation = Callable[[], AbstractContextManager[object]]
Rewrite = Callable[[Document, Document], tuple[Document, Document] | None]
"""Of a filter and an update, what shall be asked instead; None where this operation is not meant."""


def does_nothing(owner: type, method: str, answer: object = None) -> Mutation:
    async def nothing(*_: Any, **__: Any) -> object:
        return answer

    return lambda: patch.object(owner, method, nothing)


def asks(collection: str, operation: str, rewrite: Rewrite) -> Mutation:
    original = getattr(SimulatedCollection, operation)

    async def other(self: SimulatedCollection, filter: Document, update: Document, **options: Any) -> Any:
        instead = rewrite(dict(filter), dict(update)) if self.name == collection else None
        return await original(self, *(instead or (filter, update)), **options)

    return lambda: patch.object(SimulatedCollection, operation, other)


def drops(*keys: str, where: Callable[[Document, Document], object] = lambda _, __: True) -> Rewrite:
    """The filter without its keys that begin so."""

    def rewrite(filter: Document, update: Document) -> tuple[Document, Document] | None:
        if not where(filter, update):
            return None
        return {key: value for key, value in filter.items() if not key.startswith(keys)}, update

    return rewrite


def is_settle(_: Document, update: Document) -> bool:
    return any(path.startswith("slots.") for path in update.get("$unset", ()))


def is_confirm(filter: Document, update: Document) -> bool:
    return "head" in update.get("$max", ())


def is_settle_that_reserves(_: Document, update: Document) -> bool:
    sets = any(path.startswith("slots.") for path in update.get("$set", ()))
    return sets and any(path.startswith("slots.") for path in update.get("$unset", ()))


def is_control(filter: Document, update: Document) -> bool:
    return "rev" in filter and "completed_items" not in update.get("$set", ())


def is_recount(filter: Document, update: Document) -> bool:
    return "completed_items" in update.get("$set", ())


def is_end(filter: Document, update: Document) -> bool:
    return "attempts" in update.get("$push", ())


def is_choice(filter: Document, update: Document) -> bool:
    return "selection.chosen" in update.get("$set", ())


def spent_nothing(_: Document) -> Expense:
    return Expense()


def is_claim(filter: Document, update: Document) -> bool:
    return "free" in filter


def takes_with_the_reservations_epoch(filter: Document, update: Document) -> tuple[Document, Document] | None:
    if "epoch" not in update.get("$max", ()):
        return None
    others = {operator: fields for operator, fields in update.items() if operator != "$max"}
    return filter, others | {"$set": update["$set"] | update["$max"]}


def grows(field: str, by: Callable[[Document], int]) -> Rewrite:
    """An end of a job raises the field by something else."""

    def rewrite(filter: Document, update: Document) -> tuple[Document, Document] | None:
        if not is_end(filter, update):
            return None
        return filter, update | {"$inc": update["$inc"] | {field: by(update)}}

    return rewrite


def forgets_the_attempt(filter: Document, update: Document) -> tuple[Document, Document] | None:
    if "lost_workers" not in update.get("$inc", ()) or "$push" not in update:
        return None
    return filter, {operator: fields for operator, fields in update.items() if operator != "$push"}


def has_no_cap(filter: Document, update: Document) -> tuple[Document, Document]:
    return {"_id": filter["_id"]}, update


def reserves_while_paused(filter: Document, update: Document) -> tuple[Document, Document] | None:
    if not is_settle_that_reserves(filter, update):
        return None
    return filter | {"status": {"$in": list(LIVE_BULKS)}}, update


def due_late(outcome: Outcome, now: datetime) -> datetime:
    due = due_after(outcome, now)
    return due if due.year == 9999 else due + timedelta(seconds=10)


@contextmanager
def heeds_no_budget() -> Iterator[None]:
    blind = asks("bulk_jobs", "find_one_and_update", drops("budget_left", where=is_claim))
    with patch.object(jobs.shortlist, "CAN_PAY", {}), blind():
        yield


def charges_nothing(_: Expense, job: Document) -> Charge:
    return Charge(0.0, job["owed"], Tokens())


@contextmanager
def takes_the_last_first() -> Iterator[None]:
    original = SimulatedCollection.find_one_and_update

    async def other(self: SimulatedCollection, *asked: Any, **options: Any) -> Any:
        if self.name == "generation_jobs":
            options["sort"] = [("lane", 1), ("queue_position", -1)]
        return await original(self, *asked, **options)

    with patch.object(SimulatedCollection, "find_one_and_update", other):
        yield


@contextmanager
def has_no_keys() -> Iterator[None]:
    original = Creation.create

    async def create(self: Creation, owner: Any, request: Any, key: object = None) -> Any:
        return await original(self, owner, request)

    with patch.object(Creation, "create", create):
        yield


BULKS, JOBS = "bulk_jobs", "generation_jobs"
MUTATIONS: dict[str, Mutation] = {
    "a claim is not confirmed": does_nothing(ClaimWrites, "confirm", True),
    "a claim is confirmed whatever the bulk's status": asks(BULKS, "update_one", drops("status", where=is_confirm)),
    "a claim is confirmed without its slot": asks(BULKS, "update_one", drops("slots.", where=is_confirm)),
    "a claim does not look for a free slot": asks(BULKS, "find_one_and_update", drops("free", where=is_claim)),
    "a claim does not heed an intent": asks(BULKS, "find_one_and_update", drops("intent", where=is_claim)),
    "the last job is taken first": takes_the_last_first,
    "a take stamps the epoch of its reservation": asks(JOBS, "find_one_and_update", takes_with_the_reservations_epoch),
    "a scope lets in whatever runs": asks("limits", "find_one_and_update", has_no_cap),
    "left places are not taken back": does_nothing(Scopes, "take_back_leftovers", 0),
    "an end does not name its token": asks(JOBS, "update_one", drops("lease.token", where=is_end)),
    "an end does not heed a cancel": asks(JOBS, "update_one", drops("wish", where=is_end)),
    "money is spent without a look at the lease": does_nothing(Checkpoints, "look", NEVER),
    "what was kept is made again": lambda: patch.object(Course, "_reusable", lambda *_: None),
    "a paid answer is not kept by itself": does_nothing(Checkpoints, "keep_paid", NEVER),
    "a job is not sent back where that can be seen": does_nothing(Checkpoints, "send_back", NEVER),
    "the lease does not know what was spent": lambda: patch.object(jobs.outcomes, "known_to_lease", spent_nothing),
    "no deadline chooses": does_nothing(Selections, "choose_overdue", 0),
    "one's own finish is not known again": does_nothing(Queue, "_ended_before"),
    "a lost worker leaves no attempt": asks(JOBS, "update_one", forgets_the_attempt),
    "a definite answer does not raise n": asks(JOBS, "update_one", grows("call_number", lambda _: 0)),
    "every end raises n": asks(JOBS, "update_one", grows("call_number", lambda _: 1)),
    "a settle counts without its slot": asks(BULKS, "update_one", drops("slots.", where=is_settle)),
    "a settle counts the last job": asks(BULKS, "update_one", drops("until_told", where=is_settle)),
    "a settle counts in a bulk that is over": asks(BULKS, "update_one", drops("status", where=is_settle)),
    "a settle reserves without its slot": asks(
        BULKS, "find_one_and_update", drops("slots.", where=is_settle_that_reserves)
    ),
    "a settle wakes the bulk too late": lambda: patch.object(jobs.queue, "due_after", due_late),
    "a recount is no compare-and-set": asks(BULKS, "find_one_and_update", drops("rev", where=is_recount)),
    "a control is no compare-and-set": asks(BULKS, "find_one_and_update", drops("rev", "intent", where=is_control)),
    "a control is not fenced by its epoch": asks(JOBS, "update_many", drops("epoch")),
    "half done controls are left so": does_nothing(Intents, "finish_half_done", 0),
    "half done creations are left so": does_nothing(Creation, "complete_owed", 0),
    "a creation moves on whatever its state": asks("creations", "update_one", drops("state")),
    "a repeated request is a new one": has_no_keys,
    "left slots are not settled": does_nothing(Sweep, "_settle_left_slots"),
    "lost jobs are not taken back": does_nothing(Sweep, "_take_back_jobs", 0),
    "a sweep does not look again": asks(JOBS, "update_one", drops("lease.until", where=is_end)),
    "an adoption owes nothing": lambda: patch.object(jobs.adoption, "_owed", lambda _, __: {}),
    "a claim does not heed the budget": heeds_no_budget,
    "a scope does not heed its pace": asks("limits", "find_one_and_update", drops("$or")),
    "what a lost worker may have spent is forgotten": lambda: patch.object(jobs.outcomes, "charge", charges_nothing),
    "a twin runs beside another": does_nothing(Twins, "enter", Place("twin:", 0.0, 0.0)),
    "a worker is deaf to people": lambda: patch.object(
        worker.keeper, "_interruption", lambda control: None if control.owned else Interruption.LEASE_LOST
    ),
}

HARMLESS: dict[str, tuple[Mutation, str]] = {
    "a place is never returned": (
        does_nothing(Scopes, "leave"),
        "the sweep takes it back as soon as its job has ended: it only costs time",
    ),
    "a choice does not ask whether the job waits": (
        asks(JOBS, "update_one", drops("status", where=is_choice)),
        "what waits for a choice changes by intents alone, of which there is one at a time, and each has its epoch",
    ),
    "a settle reserves in a paused bulk": (
        asks(BULKS, "find_one_and_update", reserves_while_paused),
        "the claim is then not confirmed; the guard merely saves taking a job and putting it back",
    ),
    "a settle counts beside an intent": (
        asks(BULKS, "update_one", drops("intent", where=is_settle)),
        "an intent is only taken off by a recount; the guard merely keeps counters that are on the move still",
    ),
}
"""Guards that nothing depends on, and why."""

SHOWN_BY: dict[str, tuple[str, str]] = {
    "money is spent without a look at the lease": ("sleeps", "bulk_jobs.update_one"),
    "the lease does not know what was spent": ("deaths", "generator."),
    "what was kept is made again": ("deaths", "generation_jobs.update_one"),
    "a job is not sent back where that can be seen": ("deaths", "generation_jobs.update_one"),
    "a claim is confirmed without its slot": ("sleeps", "generation_jobs.find_one_and_update"),
    "a creation moves on whatever its state": ("sleeps", "generation_jobs.insert_many"),
    "a repeated request is a new one": ("cuts", "creations."),
    "left slots are not settled": ("deaths", "generation_jobs.update_one"),
    "one's own finish is not known again": ("cuts", "generation_jobs.update_one"),
}
"""Of which operations something must happen to show a mutation that no undisturbed life shows."""
