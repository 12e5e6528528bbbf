"""What a claim is, and the writes that one consists of. Their order, and what undoes them, is the queue's affair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from jobs import leases
from jobs.capacity.admission import Look
from jobs.capacity.limits import Limits
from jobs.capacity.scopes import Place
from jobs.clock import Clock
from jobs.documents import A_HAIR, BulkId, JobId, Lane, Token
from jobs.pipelines import next_generator
from jobs.shortlist import IN_ORDER, Shortlist, claimable, terms
from jobs.states import ACTIVE_BULKS, BulkStatus, JobStatus
from jobs.storage.revisions import changed
from jobs.storage.store import Document, Store

TAKE_WINDOW = 200


@dataclass(frozen=True)
class Reservation:
    """A slot that stands in `bulk` under `token`, and names no job yet; `tenant` is the tenant's scope as it was."""

    token: Token
    worker_id: str
    bulk: Document = field(repr=False)
    tenant: Document = field(repr=False)


@dataclass(frozen=True)
class Claim:
    """A running job and the token that owns it. `job`, `bulk` and the `tenant`'s scope are as they were at the claim.

    `twin` is a completed job whose result this one gets: then nothing is called.
    """

    job_id: JobId
    bulk_id: BulkId
    shard: int
    token: Token
    job: Document = field(repr=False)
    bulk: Document = field(repr=False)
    tenant: Document = field(repr=False)
    places: Sequence[Place] = ()
    twin: Document | None = field(default=None, repr=False)

    @property
    def generator(self) -> str | None:
        """The one that it calls first, if any: the claim has taken the leave for that call."""
        return next_generator(self.bulk["stages"], self.job["current_stage"])

    @property
    def delay(self) -> timedelta:
        return timedelta(seconds=self.bulk["delay_seconds"])

    @property
    def stagger(self) -> timedelta:
        """How long its bulk waits before it starts another one beside it."""
        return timedelta(milliseconds=self.bulk["stagger_ms"] if self.bulk["parallelism"] > 1 else 0)

    @property
    def worker_id(self) -> str:
        worker_id: str = self.job["lease"]["worker_id"]
        return worker_id


class ClaimWrites:
    def __init__(self, store: Store, clock: Clock, shortlist: Shortlist, lease: timedelta) -> None:
        self._bulks = store.collection("bulk_jobs")
        self._jobs = store.collection("generation_jobs")
        self._clock = clock
        self._lease = lease
        self._shortlist = shortlist

    def new_slot(self, worker_id: str, cost: float = 0.0) -> Document:
        """A slot that names no job: who reserved it, until when it may stand so, and what of the bulk's budget is
        set aside for it."""
        now = self._clock.now()
        return {"job_id": None, "worker_id": worker_id, "at": now, "until": now + self._lease, "cost": cost}

    async def reserve(self, worker_id: str, look: Look) -> Reservation | None:
        """A slot in the first bulk that may run, of the tenant whose turn it is; None where there is none."""
        token = leases.new_token()
        if not self._shortlist.is_old and (found := await self._reserve_in_listed(token, worker_id, look)):
            return found
        # Nothing on a list that is a moment old says nothing about what came since.
        await self._shortlist.read(look.limits.parallel)
        return await self._reserve_in_listed(token, worker_id, look)

    async def take(self, reserved: Reservation) -> Document | None:
        """The bulk's first waiting job, now processing under the reservation's token."""
        bulk, now = reserved.bulk, self._clock.now()
        waiting = {
            "bulk_job_id": bulk["_id"],
            "shard": bulk["shard"],
            "status": JobStatus.QUEUED.value,
            "due_at": {"$lte": now},
        }
        # The window keeps the set that is sorted small; `head` is a hint, so what it misses is looked for without it.
        window_ends = bulk["head"] + TAKE_WINDOW
        if bulk["ceiling"] is not None:
            waiting["queue_position"] = {"$lte": bulk["ceiling"]}
            window_ends = min(window_ends, bulk["ceiling"] + 1)
        in_window = waiting | {"lane": Lane.FIRST.value, "queue_position": {"$lt": window_ends}}
        lease = leases.new_lease(reserved.token, reserved.worker_id, now, now + self._lease, cost=bulk["job_cost"])
        taken = changed(
            {
                "$set": {"status": JobStatus.PROCESSING.value, "lease": lease, "wish": None},
                "$max": {"epoch": bulk["epoch"]},  # a control that came since the reservation has stamped a later one
            }
        )
        by_place = [("lane", 1), ("queue_position", 1)]
        job = await self._jobs.find_one_and_update(in_window, taken, sort=by_place)
        return job or await self._jobs.find_one_and_update(waiting, taken, sort=by_place)

    async def confirm(self, claim: Claim) -> bool:
        """Name the job in its slot; false where a pause or cancel has come in between, or the slot was pulled."""
        changes: Document = {f"slots.{claim.token}.job_id": claim.job_id}
        if claim.bulk["started_at"] is None:
            changes["started_at"] = self._clock.now()
        confirmed = await self._bulks.update_one(
            {
                "_id": claim.bulk_id,
                "shard": claim.shard,
                "status": {"$in": list(ACTIVE_BULKS)},
                f"slots.{claim.token}": {"$exists": True},
            },
            changed(
                {
                    "$set": changes | {"status": BulkStatus.PROCESSING.value},
                    "$max": {"head": claim.job["queue_position"]},
                }
            ),
        )
        return confirmed == 1

    async def put_off_alike(self, claim: Claim, wait: timedelta) -> None:
        """Those of its bulk that stand at the same stage: else each would be taken in its turn, and put back."""
        until = self._clock.now() + wait
        alike = {
            "bulk_job_id": claim.bulk_id,
            "shard": claim.shard,
            "status": JobStatus.QUEUED.value,
            "current_stage": claim.job["current_stage"],
            "started_at": {"$ne": None},
            "due_at": {"$lt": until},
        }
        await self._jobs.update_many(alike, changed({"$set": {"due_at": until}}))

    async def _reserve_in_listed(self, token: Token, worker_id: str, look: Look) -> Reservation | None:
        limits = look.limits
        for tenant in await self._shortlist.in_turn(limits):
            while alike := await self._shortlist.alike(tenant, limits.parallel):
                cost = alike[0]["job_cost"]
                if look.closed_to(cost) or self._shortlist.closed(tenant, limits, cost):
                    self._shortlist.drop(tenant, alike)  # those after it may cost less
                    continue
                scope = self._shortlist.scope_of(tenant)
                bulk = await self._reserve_in(alike, token, worker_id, limits)
                if bulk is not None:
                    return Reservation(token, worker_id, bulk, scope)
                self._shortlist.drop(tenant, alike)
        return None

    async def _reserve_in(
        self, alike: Sequence[Document], token: Token, worker_id: str, limits: Limits
    ) -> Document | None:
        """In the first of these bulks that may run a job, if it still has the terms that they have in common."""
        now = self._clock.now()
        ids = {"$in": [bulk["_id"] for bulk in alike]}
        # all of one tenant, so of one shard
        may = {"_id": ids, "shard": alike[0]["shard"], **claimable(now, limits.parallel)}
        stagger, cost, budgeted = (terms(alike[0])[name] for name in ("stagger_ms", "job_cost", "budgeted"))
        slot = self.new_slot(worker_id, cost if budgeted else 0.0)
        update: Document = {"$set": {f"slots.{token}": slot}, "$inc": {"busy": 1, "free": -1}}
        if stagger is None:
            may["parallelism"] = 1
        else:
            may |= {"parallelism": {"$gt": 1}, "stagger_ms": stagger}
            update["$max"] = {"spaced_until": now + timedelta(milliseconds=stagger)}
        if budgeted:
            may |= {"job_cost": cost, "budget_left": {"$gte": cost - A_HAIR}}
            update["$inc"]["budget_left"] = -cost
        else:
            may["budget_left"] = None
        return await self._bulks.find_one_and_update(may, changed(update), sort=IN_ORDER)
