"""Holds the invariants against what is stored, and names what breaks them. It reads; mending is `repair`'s.

What is merely under way is no finding: a bulk that changed while it was looked at is looked at again, and what a
process may still complete is given a lease and a grace to do so.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import cast

from bson import ObjectId

from jobs import leases
from jobs.capacity.scopes import Scopes
from jobs.clock import NEVER, Clock
from jobs.documents import BulkId
from jobs.errors import Busy
from jobs.retention.removal import UNFINISHED
from jobs.settling import COUNTERS, Settling
from jobs.states import ENDED_JOBS, LIVE_BULKS, BulkStatus, JobStatus
from jobs.storage.paging import next_after
from jobs.storage.store import Document, Store

GRACE = timedelta(seconds=60)
LOOKS = 3
PAGE = 200


class Fault(StrEnum):
    """What can be wrong with a bulk, a job, or the system."""

    COUNTERS = "counters"
    SLOTS = "slots"
    STATUS = "status"
    WAKE_UP = "wake-up"
    OLD_SLOT = "old slot"
    OLD_LEASE = "old lease"
    OLD_INTENT = "old intent"
    POSITIONS = "positions"
    NO_BULK = "no bulk"
    PLACE = "place"


NOT_OF_A_BULK = frozenset({Fault.OLD_LEASE, Fault.NO_BULK, Fault.PLACE})


@dataclass(frozen=True)
class Finding:
    """`document` is the id of what is wrong, which the application may have made a text; `sentence` says what."""

    fault: Fault
    document: ObjectId | str
    sentence: str


class Audit:
    def __init__(self, store: Store, clock: Clock, settling: Settling, scopes: Scopes, lease: timedelta) -> None:
        self._bulks = store.collection("bulk_jobs")
        self._jobs = store.collection("generation_jobs")
        self._creations = store.collection("creations")
        self._removals = store.collection("removals")
        self._clock = clock
        self._settling = settling
        self._scopes = scopes
        self._patience = lease + GRACE

    async def whole(self) -> AsyncIterator[Finding]:
        """Every bulk, every running job, every place within a limit."""
        last: ObjectId | str | None = None
        while True:
            after: Document = {"schema": 1} if last is None else {"schema": 1, "_id": {"$gt": last}}
            page = await self._bulks.find(after, projection=["status"], sort=[("_id", 1)], limit=PAGE)
            for bulk in page:
                for finding in await self.bulk(bulk["_id"]):
                    yield finding
            if (last := next_after(last, page, PAGE)) is None:
                break
        for finding in [*await self._running_jobs(), *await self._stray_jobs(), *await self._places()]:
            yield finding

    async def extent(self) -> tuple[int, int]:
        """How many bulks and jobs there are to hold the invariants against."""
        return await self._bulks.count({"schema": 1}), await self._jobs.count({"schema": 1})

    async def sample(self, count: int) -> list[Finding]:
        """Of the bulks that changed last, and of what runs: what a live system can afford to look at."""
        bulks = await self._bulks.find(
            {"schema": 1, "status": {"$in": list(LIVE_BULKS)}},
            projection=["_id"],
            sort=[("spaced_until", -1)],
            limit=count,
        )
        found = [finding for bulk in bulks for finding in await self.bulk(bulk["_id"])]
        return [*found, *await self._running_jobs(), *await self._places()] if bulks else []

    async def bulk(self, bulk_id: ObjectId) -> list[Finding]:
        """What is wrong with one bulk; nothing where it kept changing while it was looked at."""
        for _ in range(LOOKS):
            bulk = await self._bulks.find_one({"_id": bulk_id, "schema": 1})
            if bulk is None:
                return []
            findings = [Finding(fault, bulk_id, sentence) async for fault, sentence in self._look(bulk)]
            if not findings:
                return []
            if await self._bulks.find_one({"_id": bulk_id, "rev": bulk["rev"]}, projection=["_id"]):
                return findings
        return []

    async def repair(self, findings: list[Finding]) -> None:
        """Mend what can be computed from the jobs; jobs without a bulk, or without a worker, are only named.

        Who takes back a job whose lease is over is a worker's sweep: it has watched for long enough to judge. A bulk
        that others keep changing is left to the next look.
        """
        for bulk_id in {finding.document for finding in findings if finding.fault not in NOT_OF_A_BULK}:
            with suppress(Busy):
                await self._settling.reconcile(cast(BulkId, bulk_id), expire_unnamed=True)
        if any(finding.fault is Fault.PLACE for finding in findings):
            await self._scopes.take_back_leftovers()
            await self._scopes.recount()

    async def _look(self, bulk: Document) -> AsyncIterator[tuple[Fault, str]]:
        now = self._clock.now()
        intent = bulk["intent"]
        if intent is not None:
            if now - intent["at"] > self._patience:
                yield Fault.OLD_INTENT, f"the control {intent['kind']} of {intent['at']:%F %T} is not carried out"
            return  # until it is, counters may lag behind
        slots = bulk["slots"].values()
        in_slots = [slot["job_id"] for slot in slots if slot["job_id"] is not None]
        by_status = await self._count(bulk, in_slots)
        for status, counter in COUNTERS.items():
            count = by_status.get(status.value, 0)
            if bulk[counter] != count:
                yield Fault.COUNTERS, f"{counter} is {bulk[counter]}, and {count} jobs are {status}"
        ended = sum(by_status.get(status.value, 0) for status in ENDED_JOBS)
        if bulk["remaining_items"] != bulk["total_items"] - ended:
            yield Fault.COUNTERS, f"remaining_items is {bulk['remaining_items']}, not {bulk['total_items'] - ended}"
        if (bulk["busy"], bulk["free"]) != (len(slots), bulk["parallelism"] - len(slots)):
            yield Fault.SLOTS, f"{len(slots)} slots are taken, but busy is {bulk['busy']} and free {bulk['free']}"
        if sum(by_status.values()) + len(set(in_slots)) != bulk["total_items"]:
            yield Fault.POSITIONS, f"{bulk['total_items']} jobs were submitted, but not as many are stored"
        if not slots:
            for found in await self._at_rest(bulk, by_status):
                yield found
        for slot in slots:
            if now - slot["at"] > self._patience and await self._is_left(slot):
                yield Fault.OLD_SLOT, f"a slot of {slot['at']:%F %T} ({slot['worker_id']}) is held by no running job"

    async def _at_rest(self, bulk: Document, by_status: dict[str, int]) -> list[tuple[Fault, str]]:
        status, waiting = BulkStatus(bulk["status"]), by_status.get(JobStatus.QUEUED.value, 0)
        over = bulk["total_items"] == sum(by_status.get(status.value, 0) for status in ENDED_JOBS)
        found = []
        if over != (status not in LIVE_BULKS):
            found.append((Fault.STATUS, f"it is {status}, with {'no' if over else 'some'} job left to end"))
        if waiting and status in LIVE_BULKS:
            first = await self._jobs.find_one(
                {"bulk_job_id": bulk["_id"], "shard": bulk["shard"], "status": JobStatus.QUEUED.value},
                projection=["due_at"],
                sort=[("due_at", 1)],
            )
            if bulk["due_at"] == NEVER or (first and first["due_at"] + GRACE < bulk["due_at"]):
                found.append((Fault.WAKE_UP, f"{waiting} jobs wait, but it is due only {bulk['due_at']:%F %T}"))
        return found

    async def _count(self, bulk: Document, in_slots: list[ObjectId]) -> dict[str, int]:
        rows = await self._jobs.aggregate(
            [
                {"$match": {"bulk_job_id": bulk["_id"], "shard": bulk["shard"], "_id": {"$nin": in_slots}}},
                {"$group": {"_id": "$status", "count": {"$sum": 1}}},
            ]
        )
        return {row["_id"]: row["count"] for row in rows}

    async def _is_left(self, slot: Document) -> bool:
        job = await self._jobs.find_one({"_id": slot["job_id"]}, projection=["status", "lease"])
        return job is None or job["status"] != JobStatus.PROCESSING.value

    async def _running_jobs(self) -> list[Finding]:
        old = await self._jobs.find(leases.expired(self._clock.now() - self._patience), projection=["lease"])
        return [
            Finding(
                Fault.OLD_LEASE,
                str(job["_id"]),
                f"its lease ended {job['lease']['until']:%F %T} and no worker's sweep has taken it back",
            )
            for job in old
        ]

    async def _stray_jobs(self) -> list[Finding]:
        rows = await self._jobs.aggregate(
            [{"$match": {"schema": 1}}, {"$group": {"_id": "$bulk_job_id", "count": {"$sum": 1}}}]
        )
        counts = {row["_id"]: row["count"] for row in rows}
        known: set[ObjectId] = set()
        wanted = list(counts)
        for start in range(0, len(wanted), PAGE):
            some = {"_id": {"$in": wanted[start : start + PAGE]}}
            known |= {bulk["_id"] for bulk in await self._bulks.find(some, projection=["_id"])}
        under_way = {creation["bulk_id"] for creation in await self._creations.find({}, projection=["bulk_id"])}
        under_way |= {removal["_id"] for removal in await self._removals.find(UNFINISHED, projection=[])}
        return [
            Finding(Fault.NO_BULK, str(bulk_id), f"{counts[bulk_id]} jobs belong to this bulk, which does not exist")
            for bulk_id in wanted
            if bulk_id not in known | under_way
        ]

    async def _places(self) -> list[Finding]:
        left = await self._scopes.leftovers(older_than=self._patience)
        found = [Finding(Fault.PLACE, token, "a place within a limit is held by no running job") for token in left]
        return found + [Finding(Fault.PLACE, scope, said) for scope, said in await self._scopes.miscounts()]
