"""Where the next job is looked for: the tenants that have work, in turn, and of each the bulks that may run, in order.

All of it is as a read told a moment ago. A claim's filter names ids from this list beside all that it demands, so that
it matches few documents however many wait, on any server. The list only says where to look first: whether a bulk may
run is decided by the claim's own write.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from jobs.capacity.admission import tenant_closed
from jobs.capacity.limits import Limits, new_tenant, tenant_limits_in
from jobs.capacity.scopes import TENANT, Scopes
from jobs.capacity.turns import Standing, fairly
from jobs.clock import Clock
from jobs.documents import A_HAIR
from jobs.states import ACTIVE_BULKS
from jobs.storage.store import Document, Sort, Store

LENGTH = 100
AT_ONCE = 20
"""How many of a tenant's bulks one claim's filter names."""

KEPT = timedelta(seconds=1)
NEXT_ONES = 10
READS_SHARE = 20
"""Where the server has to sort all that waits, reading the list takes at most a twentieth of the time."""

IN_ORDER: Sort = (("rank", 1), ("_id", 1))
SHOWN = ("shard", "parallelism", "stagger_ms", "job_cost", "budget_left")


def claimable(now: datetime, parallel: int) -> Document:
    """Bulks from which a job may be started: all of theirs that may forbid it is in this filter.

    `parallel` is the percentage of tenants whose bulks may run several jobs at once. Bulks of the application's have no
    `free`; to name `schema` would lead a server to the wrong index.
    """
    may: Document = {
        "status": {"$in": list(ACTIVE_BULKS)},
        "free": {"$gt": 0},
        "due_at": {"$lte": now},
        "spaced_until": {"$lte": now},
        "intent": None,
    }
    if parallel < 100:
        may["$or"] = [{"busy": 0}, {"bucket": {"$lt": parallel}}]
    return may


CAN_PAY: Document = {
    "$or": [{"budget_left": None}, {"$expr": {"$gte": [{"$add": ["$budget_left", A_HAIR]}, "$job_cost"]}}]
}


class Shortlist:
    def __init__(self, store: Store, clock: Clock, scopes: Scopes) -> None:
        self._bulks = store.collection("bulk_jobs")
        self._limits = store.collection("limits")
        self._clock = clock
        self._scopes = scopes
        self._kept_until: datetime | None = None
        self._tenants: dict[str, Document] = {}
        self._waiting: dict[str, list[Document]] = {}

    @property
    def is_old(self) -> bool:
        return self._kept_until is None or self._clock.now() >= self._kept_until

    @property
    def is_of_one_tenant(self) -> bool:
        return len(self._tenants) <= 1

    def forget(self) -> None:
        """Somebody was refused: what was read is not so any more."""
        self._kept_until = None

    def scope_of(self, tenant: str) -> Document:
        """Of a tenant that is not `closed`."""
        return self._tenants[tenant]

    def entered(self, scope: Document) -> None:
        """Somebody of this tenant was let in: how it is afterwards."""
        if scope["tenant"] in self._tenants:
            self._tenants[scope["tenant"]] = scope

    async def read(self, parallel: int) -> None:
        """The list anew. One read where there is nothing."""
        began = self._clock.now()
        rows = await self._bulks.aggregate(
            [{"$match": {"$and": [claimable(began, parallel), CAN_PAY]}}, {"$group": {"_id": "$tenant"}}]
        )
        names = [row["_id"] for row in rows]
        self._tenants = await self._scopes_of(names) if names else {}
        self._waiting = {}
        now = self._clock.now()
        self._kept_until = now + max(KEPT, READS_SHARE * (now - began))

    async def any_claimable(self, parallel: int) -> bool:
        """The idle poll: one read that finds the first of any."""
        may = {"$and": [claimable(self._clock.now(), parallel), CAN_PAY]}
        return await self._bulks.find_one(may, projection=["_id"]) is not None

    async def in_turn(self, limits: Limits) -> Sequence[str]:
        """The tenants on the list that have room for another job, next first."""
        if not self.is_of_one_tenant:
            # Others have served some since: of those that seemed to be next it is asked how they are now.
            self._tenants |= await self._found([one.tenant for one in self._standing()[:NEXT_ONES]])
        able = [one for one in self._standing() if not self.closed(one.tenant, limits, 0)]
        if able and (turn := self._tenants[able[0].tenant]["turn"]) < able[0].turn:
            await self._move_up(able[0].tenant, turn, able[0].turn)
        return [one.tenant for one in able]

    def closed(self, tenant: str, limits: Limits, cost: float) -> bool:
        """Whether the tenant has no room for a job of this cost, or is no longer on the list."""
        scope = self._tenants.get(tenant)
        if scope is None:
            return True
        mine = tenant_limits_in(scope).over(limits)
        return tenant_closed(scope, mine, cost, self._clock.now()) is not None

    async def alike(self, tenant: str, parallel: int) -> Sequence[Document]:
        """The tenant's first bulks, as far as one write can reserve in any of them; none where it has no more."""
        if tenant not in self._waiting:
            mine = {"tenant": tenant, **claimable(self._clock.now(), parallel)}
            self._waiting[tenant] = await self._bulks.find(
                {"$and": [mine, CAN_PAY]}, projection=SHOWN, sort=IN_ORDER, limit=LENGTH
            )
        waiting = self._waiting[tenant][:AT_ONCE]
        unlike = [place for place, bulk in enumerate(waiting) if terms(bulk) != terms(waiting[0])]
        return waiting[: unlike[0]] if unlike else waiting

    def drop(self, tenant: str, bulks: Sequence[Document]) -> None:
        """None of these may run a job just now: until the list is read anew those after them are the first."""
        there = self._waiting.get(tenant, [])
        if there[: len(bulks)] == list(bulks):
            del there[: len(bulks)]

    async def _scopes_of(self, tenants: Sequence[str]) -> dict[str, Document]:
        found = await self._found(tenants)
        new = [name for name in tenants if name not in found]
        for name in new:
            await self._scopes.make(TENANT + name, new_tenant(name))
        return found | await self._found(new) if new else found

    def _standing(self) -> list[Standing]:
        return fairly(Standing(name, scope["weight"], scope["turn"]) for name, scope in self._tenants.items())

    async def _found(self, tenants: Sequence[str]) -> dict[str, Document]:
        found = await self._scopes.find([TENANT + name for name in tenants])
        return {scope["tenant"]: scope for scope in found.values()}

    async def _move_up(self, tenant: str, turn: float, to: float) -> None:
        """By compare-and-set, once: it has had a rest."""
        scope_id = TENANT + tenant
        moved = await self._limits.find_one_and_update({"_id": scope_id, "turn": turn}, {"$set": {"turn": to}})
        if moved is not None:
            self._tenants[tenant] = moved


def terms(bulk: Document) -> Document:
    """What one write that reserves says of a bulk by value: its stagger, as far as it has one, and its cost."""
    return {
        "stagger_ms": bulk["stagger_ms"] if bulk["parallelism"] > 1 else None,
        "job_cost": bulk["job_cost"],
        "budgeted": bulk["budget_left"] is not None,
    }
