"""Bringing a bulk's counters, slots, due time and status in line with its jobs (I2). No job is started or ended here.

There are two ways. `settle` counts one job that has just ended, in one write that its slot guards: a slot is pulled
once, so a job is counted once. `reconcile` reads everything and replaces it by compare-and-set on the bulk's `rev`; it
serves the last job of a generation, controls, and whatever a dead process left behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs import events, policies
from jobs.clock import Clock
from jobs.counting import Counted, Counting, error_line
from jobs.documents import MAX_ERROR_LINES, BulkId, JobId, Token
from jobs.errors import Busy
from jobs.expenses import Charge
from jobs.notification import telling
from jobs.policies import SelfPause
from jobs.states import ACTIVE_BULKS, ENDED_JOBS, LIVE_BULKS, BulkStatus, JobStatus
from jobs.storage.revisions import changed
from jobs.storage.store import Document, Store
from jobs.wake import Wake

RECONCILE_TRIES = 40
COUNTERS = {
    JobStatus.COMPLETED: "completed_items",
    JobStatus.FAILED: "failed_items",
    JobStatus.CANCELLED: "cancelled_items",
}


@dataclass(frozen=True)
class Ended:
    """One running of a job, ended: all that its bulk has to know. `due_at` counts only where it was put back; `charged`
    is by how much this running changed what the job has cost."""

    bulk_id: BulkId
    shard: int
    job_id: JobId
    position: int
    token: Token
    status: JobStatus
    due_at: datetime
    error: str | None
    spacing: timedelta
    charged: Charge


class Settling:
    def __init__(self, store: Store, clock: Clock, wake: Wake) -> None:
        self._bulks = store.collection("bulk_jobs")
        self._jobs = store.collection("generation_jobs")
        self._counting = Counting(store, clock)
        self._clock = clock
        self._wake = wake

    async def settle(self, ended: Ended) -> None:
        """Count one ended running and free its slot. Safe to repeat, and to lose: `reconcile` completes it."""
        update = _counting(ended)
        update["$inc"] |= {"busy": -1, "free": 1}
        update["$max"] = {"spaced_until": self._clock.now() + ended.spacing}
        if not await self._bulks.update_one(_uncounted(ended), update):
            await self.reconcile(ended.bulk_id, release=ended.token, spacing=ended.spacing)

    async def settle_and_reserve(self, ended: Ended, token: Token, slot: Document) -> Document | None:
        """As `settle`, and in the same write reserve `slot` under `token` for the bulk's next job.

        The bulk after it; None where it may not run another at once: then the running is settled all the same.
        """
        now = self._clock.now()
        if ended.status in ENDED_JOBS and ended.spacing == timedelta(0):
            may_go_on = {
                "status": {"$in": list(ACTIVE_BULKS)},
                "free": {"$gte": 0},  # less than none where `parallelism` was lowered
                "due_at": {"$lte": now},
                "spaced_until": {"$lte": now},
            }
            update = _counting(ended)
            update["$set"] = {f"slots.{token}": slot}
            bulk = await self._bulks.find_one_and_update(_uncounted(ended) | may_go_on, update)
            if bulk is not None:
                return bulk
        await self.settle(ended)
        return None

    async def reconcile(
        self,
        bulk_id: BulkId,
        *,
        release: Token | None = None,
        spacing: timedelta = timedelta(0),
        clear_intent: str | None = None,
        expire_unnamed: bool = False,
    ) -> Document | None:
        """The bulk after its counters, slots, due time and status were computed anew from its jobs; None if it is gone.

        `release` pulls a slot that its owner gives up; `expire_unnamed` also those that were reserved and never
        named a job within their time. Raises `Busy` where others keep changing the bulk: its slots then still tell
        the sweep that this is owed.
        """
        for _ in range(RECONCILE_TRIES):
            bulk = await self._bulks.find_one({"_id": bulk_id})
            if bulk is None:
                return None
            if bulk["status"] == BulkStatus.CANCELLED:
                await self._cancel_what_waits(bulk)
            # Slots first, then the count: a job that ends in between is still in its slot, so left to its settle.
            left = await self._counting.left_slots(bulk, release, expire_unnamed)
            slots = {token: slot["job_id"] for token, slot in bulk["slots"].items() if token not in left}
            standing = {token: job_id for token, job_id in slots.items() if job_id is not None}
            counted = await self._counting.count(bulk, list(standing.values()))
            cost = await self._counting.cost(bulk) if bulk["budget"] else 0.0
            changes = self._changes(bulk, counted, cost, left, clear_intent)
            changes |= await self._counting.settled_expense(bulk, standing)
            pause = self._self_pause(bulk, changes, counted, cost)
            changes["error_summary"] = await self._counting.error_summary(bulk, counted.failed)
            told = self._tell(bulk, changes, pause, is_over=_is_over(bulk, changes, left))
            if not left and spacing == timedelta(0) and all(bulk.get(name) == value for name, value in changes.items()):
                return bulk
            update = changed({"$set": changes, "$max": {"spaced_until": self._clock.now() + spacing}})
            if left:
                update["$unset"] = {f"slots.{token}": "" for token in left}
            if told:
                update["$push"] = {"events": {"$each": told}}
            unchanged = {"_id": bulk_id, "shard": bulk["shard"], "rev": bulk["rev"]}
            settled = await self._bulks.find_one_and_update(unchanged, update)
            if settled is not None:
                if told:
                    self._wake.bulk(bulk_id)
                return settled
        raise Busy("bulk job")

    async def under_budget(self, bulk: Document, budget: Document) -> Document:
        """The fields of the bulk that follow from a new `budget`, as long as its `rev` stays."""
        return {
            "job_cost": budget["cost_per_job"],
            "budget_left": _left_of(budget, bulk, await self._counting.cost(bulk), set()),
        }

    async def _cancel_what_waits(self, bulk: Document) -> None:
        # By epoch: should a person have sent jobs back since this bulk was read, theirs is a later one.
        waiting = {"$in": [JobStatus.QUEUED, JobStatus.AWAITING_SELECTION]}
        await self._jobs.update_many(
            {
                "bulk_job_id": bulk["_id"],
                "shard": bulk["shard"],
                "status": waiting,
                "epoch": {"$lte": bulk["epoch"]},
            },
            changed({"$set": {"status": JobStatus.CANCELLED, "completed_at": self._clock.now()}}),
        )

    def _changes(
        self, bulk: Document, counted: Counted, cost: float, left: set[str], clear_intent: str | None
    ) -> Document:
        intent = bulk["intent"]
        if intent is not None and intent["id"] == clear_intent:
            intent = None
        remaining = bulk["total_items"] - counted.completed - counted.failed - counted.cancelled
        busy = len(bulk["slots"]) - len(left)
        changes: Document = {
            "busy": busy,
            "free": bulk["parallelism"] - busy,
            "completed_items": counted.completed,
            "failed_items": counted.failed,
            "cancelled_items": counted.cancelled,
            "remaining_items": remaining,
            "due_at": counted.due_at,
            "head": counted.head,
            "intent": intent,
            "budget_left": None,
        }
        if bulk["budget"]:
            changes["budget_left"] = _left_of(bulk["budget"], bulk, cost, left)
        if _is_over(bulk, changes, left) and bulk["status"] in LIVE_BULKS:
            started = bulk["status"] != BulkStatus.QUEUED
            changes |= {
                "status": (BulkStatus.COMPLETED if started else BulkStatus.CANCELLED).value,
                "completed_at": self._clock.now(),
                "pause": None,
            }
        return changes

    def _self_pause(self, bulk: Document, changes: Document, counted: Counted, cost: float) -> SelfPause | None:
        """Put into `changes` the pause that the bulk has to make by itself; why it does."""
        if bulk["status"] not in ACTIVE_BULKS or changes["intent"] is not None:
            return None
        standing = policies.Standing(
            completed=counted.completed,
            failed=counted.failed,
            remaining=changes["remaining_items"],
            running=changes["busy"],
            of_canary=counted.of_canary,
            spent=cost,
            budget_left=changes["budget_left"],
        )
        pause = policies.self_pause(bulk, standing)
        if pause is not None:
            changes |= {
                "status": BulkStatus.PAUSED.value,
                "pause": policies.pause_record(pause, self._clock.now()),
            }
        if pause is not None and policies.canary_is_over(bulk, standing):
            # Whatever it pauses for: those after the first may run once a person has looked.
            changes |= {"ceiling": None, "due_at": self._clock.now()}
        return pause

    def _tell(self, bulk: Document, changes: Document, pause: SelfPause | None, *, is_over: bool) -> list[Document]:
        """Put into `changes` up to where all is told then; the events that the write has to store for that."""
        now, after = self._clock.now(), {**bulk, **changes}
        told, found = telling.milestones(after, is_over=is_over, now=now)
        changes |= told
        return [*found, events.paused(after, now, events.BY_PRESSRUN)] if pause else found


def _is_over(bulk: Document, changes: Document, left: set[str]) -> bool:
    """Nothing remains, nothing runs, and no control is under way."""
    return changes["remaining_items"] == 0 and len(left) == len(bulk["slots"]) and changes["intent"] is None


def _left_of(budget: Document, bulk: Document, cost: float, left: set[str]) -> float:
    """After what was spent, and what is set aside for the slots that stay."""
    aside = sum(slot["cost"] for token, slot in bulk["slots"].items() if token not in left)
    return float(budget["cost"] - cost - aside)


def _uncounted(ended: Ended) -> Document:
    """Its bulk, while this running is in its slot and one write can count it."""
    bulk: Document = {
        "_id": ended.bulk_id,
        "shard": ended.shard,
        "status": {"$in": list(LIVE_BULKS)},
        "intent": None,
        f"slots.{ended.token}": {"$exists": True},
        "remaining_items": {"$gt": 0},
        "budget": None,  # a bulk that may have to pause by itself is recounted after each job
        "failure_policy": None,
    }
    if ended.status in ENDED_JOBS:
        # One that its slot does not name may have been counted; one with which there is something to tell, as with the
        # last one of the generation, is recounted.
        bulk |= {f"slots.{ended.token}.job_id": ended.job_id, "until_told": {"$gt": 1}}
    return bulk


def _counting(ended: Ended) -> Document:
    tokens = ended.charged.tokens
    spent = {"cost": ended.charged.change}
    if any(tokens):
        spent |= {"usage.input_tokens": tokens.input, "usage.output_tokens": tokens.output}
    grown: Document = {name: more for name, more in spent.items() if more}
    if ended.status in ENDED_JOBS:
        grown |= {COUNTERS[ended.status]: 1, "remaining_items": -1, "until_told": -1}
    update = changed({"$unset": {f"slots.{ended.token}": ""}, "$inc": grown})
    if ended.status is JobStatus.QUEUED:
        update["$min"] = {"due_at": ended.due_at, "head": ended.position}
    if ended.status is JobStatus.FAILED:
        line = error_line(ended.position, ended.error)
        update["$push"] = {"error_summary": {"$each": [line], "$slice": MAX_ERROR_LINES}}
    return update
