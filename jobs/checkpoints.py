"""What a running job has reached so far, kept under its lease: each write fenced by the token, and safe to repeat.

Every value is set, none is counted up, so that a write whose answer was lost may be sent again. Each renews the lease.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from jobs import leases
from jobs.claims import Claim
from jobs.clock import Clock
from jobs.expenses import Expense, as_stored
from jobs.leases import LeaseLost
from jobs.storage.revisions import changed
from jobs.storage.store import Document, Store


@dataclass(frozen=True)
class Reached:
    """A stage is done: `entry` is its checkpoint, `then` the stage that comes next."""

    stage: str
    entry: Mapping[str, Any]
    then: str
    percentage: int


class Checkpoints:
    def __init__(self, store: Store, clock: Clock, lease: timedelta) -> None:
        self._jobs = store.collection("generation_jobs")
        self._clock = clock
        self._lease = lease

    async def look(self, claim: Claim, looked_at: datetime) -> datetime:
        """The last look at the lease before money is spent, which begins it anew; when it was. Raises `LeaseLost`.

        One that was sent less than a third of a lease ago is new enough: so long no sweep can have taken the job.
        """
        while self._clock.now() >= looked_at + self._lease / 3:
            looked_at = await self._write(claim, {})
        return looked_at

    async def keep(self, claim: Claim, reached: Reached, expense: Expense) -> datetime:
        """A stage's result, and what was spent so far. Raises `LeaseLost`. When the lease was begun anew."""
        changes = {
            f"checkpoints.{reached.stage}": dict(reached.entry),
            "current_stage": reached.then,
            "percentage": reached.percentage,
            **leases.spent(as_stored(expense)),
        }
        return await self._write(claim, changes, forgotten=[f"paid.{reached.stage}"])

    async def keep_paid(
        self, claim: Claim, stage: str, call: str, reply: Mapping[str, Any], expense: Expense
    ) -> datetime:
        """One of a stage's several paid answers, so that its other calls can fail without it. Raises `LeaseLost`."""
        return await self._write(claim, {f"paid.{stage}.{call}": dict(reply), **leases.spent(as_stored(expense))})

    async def send_back(
        self, claim: Claim, to: str, forgotten: Sequence[str], why: Mapping[str, Any], percentage: int, expense: Expense
    ) -> datetime:
        """The job stands at an earlier stage again, and `forgotten` are the stages done anew. Raises `LeaseLost`."""
        changes = {
            "sent_back": dict(why),
            "current_stage": to,
            "percentage": percentage,
            **leases.spent(as_stored(expense)),
        }
        fields = [f"{kept}.{stage}" for stage in forgotten for kept in ("checkpoints", "paid")]
        return await self._write(claim, changes, forgotten=fields)

    async def _write(self, claim: Claim, changes: Document, forgotten: Sequence[str] = ()) -> datetime:
        now = self._clock.now()
        renewed = leases.renewed(now + self._lease)
        update = changed({"$set": {**changes, **renewed["$set"]}})
        if forgotten:
            update["$unset"] = dict.fromkeys(forgotten, "")
        if not await self._jobs.update_one(leases.owned(claim.job_id, claim.shard, claim.token), update):
            raise LeaseLost(claim.job_id)
        return now
