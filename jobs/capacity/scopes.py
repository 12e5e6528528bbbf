"""What is limited together: the whole system, a tenant, a generator, twins. Each is one document of `limits`, and lets
a running in by one write on it, so that no two workers take the same last place (spec §5).

`slots.<token>` is a running's place, counted by `running`. A place names its job from the start, so one whose job no
longer holds the token is left over and can be taken back. `recent` has the moments of the last calls, newest first;
`committed` is what was spent today and what is set aside. Which limits there are is not known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from jobs import leases
from jobs.clock import Clock
from jobs.documents import A_HAIR, JobId, Token
from jobs.storage.store import Document, Filter, Store

SYSTEM = "system"
GENERATOR = "generator:"
TENANT = "tenant:"
TWIN = "twin:"

WINDOW = timedelta(seconds=60)
MARGIN = timedelta(milliseconds=500)
"""A call may reach the generator this much later than the one that came a window before it."""

MOST_CALLS = 1000
"""The highest rate, in calls a window. As many moments are kept as the rate was at the last call: all others are older
than a window, so that none is missing should the rate be raised."""


@dataclass(frozen=True)
class Entry:
    """What one running asks of one scope, which was seen as `scope`. None: without a limit.

    `pace` is in calls a window; `cost` is set aside; `turn` is by how much the tenant's turns go on; `spaced`: only
    once `spaced_until` is past.
    """

    scope: Document = field(repr=False)
    max_running: int | None = None
    pace: int | None = None
    cost_per_day: float | None = None
    cost: float = 0.0
    turn: float = 0.0
    spaced: bool = False

    @property
    def has_place(self) -> bool:
        """Whether something is held until the running ends."""
        return self.max_running is not None or self.cost_per_day is not None

    @property
    def is_open(self) -> bool:
        """Nothing is limited, so there is nothing to write."""
        return not self.has_place and self.pace is None and not self.turn


@dataclass(frozen=True)
class Place:
    """What a running holds in a scope until it ends."""

    scope_id: str
    cost: float
    turn: float


def new_scope(scope_id: str, now: datetime) -> Document:
    return {
        "_id": scope_id,
        "rules": 1,
        "running": 0,
        "slots": {},
        "recent": [],
        "day": day_of(now),
        "committed": 0.0,
        "spaced_until": now,
    }


def day_of(now: datetime) -> str:
    return f"{now:%Y-%m-%d}"


def opens_at(scope: Document, pace: int) -> datetime:
    """When the next call may be made; it may be past."""
    recent = scope["recent"]
    opens: datetime = recent[pace - 1] + WINDOW + MARGIN if len(recent) >= pace else scope["spaced_until"]
    return opens


class Scopes:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._scopes = store.collection("limits")
        self._jobs = store.collection("generation_jobs")
        self._clock = clock
        self.was_full = False
        """Whether there was no room somewhere since the leftovers were last taken back."""

    async def find(self, scope_ids: Sequence[str]) -> dict[str, Document]:
        found = await self._scopes.find({"_id": {"$in": list(scope_ids)}})
        return {scope["_id"]: scope for scope in found}

    async def make(self, scope_id: str, rules: Document) -> None:
        """Where it is not there yet."""
        fresh = new_scope(scope_id, self._clock.now()) | rules
        del fresh["_id"]
        await self._scopes.update_one({"_id": scope_id}, {"$setOnInsert": fresh}, upsert=True)

    async def complete(self, scope_id: str, rules: Document) -> None:
        """Make it, or give it what one of an older version lacks."""
        await self.make(scope_id, rules)
        there = (await self.find([scope_id]))[scope_id]
        whole = new_scope(scope_id, self._clock.now()) | rules
        missing = {name: value for name, value in whole.items() if name not in there}
        if missing:
            await self._scopes.update_one({"_id": scope_id}, {"$set": missing})

    async def enter(self, entry: Entry, job_id: JobId, token: Token, worker_id: str) -> Document | None:
        """The scope afterwards; None where there is no room, or its rules have changed since it was seen."""
        now = self._clock.now()
        if entry.cost_per_day is not None and entry.scope["day"] != day_of(now):
            await self._begin_day(entry.scope, now)
        grown: Document = {}
        update: Document = {"$inc": grown}
        if entry.has_place:
            place = {"job_id": job_id, "worker_id": worker_id, "at": now, "cost": entry.cost, "turn": entry.turn}
            update["$set"] = {f"slots.{token}": place}
            grown |= {"running": 1, "committed": entry.cost}
        if entry.turn:
            grown["turn"] = entry.turn
        if entry.pace is not None:
            update["$push"] = {"recent": {"$each": [now], "$position": 0, "$slice": entry.pace}}
        if not grown:
            del update["$inc"]
        entered = await self._scopes.find_one_and_update(_has_room(entry, token, now), update)
        self.was_full |= entered is None
        return entered

    async def leave(
        self, place: Place, token: str, spent: float, *, spacing: timedelta = timedelta(0), never_began: bool = False
    ) -> None:
        """Safe to repeat. `spent` is by how much the running changed what its job has cost; `spacing` is waited before
        the next entry, where entries are spaced."""
        turn = -place.turn if never_began else 0.0
        await self._leave(place.scope_id, token, spent - place.cost, turn, spacing)

    async def take_back_leftovers(self) -> int:
        """Return the places whose job no longer holds their token."""
        self.was_full = False
        leftovers = await self._leftovers(timedelta(0))
        for scope_id, token, change in leftovers:
            await self._leave(scope_id, token, change)
        return len(leftovers)

    async def leftovers(self, older_than: timedelta) -> list[str]:
        """The tokens of places whose job no longer holds them."""
        return [token for _, token, _ in await self._leftovers(older_than)]

    async def miscounts(self) -> list[tuple[str, str]]:
        """Scopes whose places are not as many as are counted, and that in words."""
        return [
            (scope["_id"], f"{len(scope['slots'])} places of {scope['_id']} are taken, but running is {running}")
            for scope in await self._scopes.find({"running": {"$exists": True}})
            if (running := scope["running"]) != len(scope["slots"])
        ]

    async def recount(self) -> None:
        """Count the places that are taken, unless one is taken or returned meanwhile."""
        for scope in await self._scopes.find({"running": {"$exists": True}}):
            if scope["running"] != len(scope["slots"]):
                seen = {"_id": scope["_id"], "running": scope["running"], "slots": scope["slots"]}
                await self._scopes.update_one(seen, {"$set": {"running": len(scope["slots"])}})

    async def _leave(
        self, scope_id: str, token: str, change: float, turn: float = 0.0, spacing: timedelta = timedelta(0)
    ) -> None:
        update: Document = {
            "$unset": {f"slots.{token}": ""},
            "$inc": {"running": -1, "committed": change, **({"turn": turn} if turn else {})},
        }
        if spacing:
            update["$max"] = {"spaced_until": self._clock.now() + spacing}
        left = await self._scopes.update_one({"_id": scope_id, f"slots.{token}": {"$exists": True}}, update)
        if spacing and not left:  # a sweep has taken the place back meanwhile, and knows of no delay
            await self._scopes.update_one({"_id": scope_id}, {"$max": update["$max"]})
        if scope_id.startswith(TWIN):
            await self._scopes.delete_one({"_id": scope_id, "running": 0})

    async def _begin_day(self, scope: Document, now: datetime) -> None:
        """By compare-and-set: what runs is paid for today."""
        seen = {"_id": scope["_id"], "day": scope["day"], "slots": scope["slots"]}
        aside = sum(slot["cost"] for slot in scope["slots"].values())
        await self._scopes.update_one(seen, {"$set": {"day": day_of(now), "committed": float(aside)}})

    async def _leftovers(self, older_than: timedelta) -> list[tuple[str, str, float]]:
        """Scope, token, and by how much `committed` is to change."""
        before = self._clock.now() - older_than
        taken = [
            (scope["_id"], token, slot)
            for scope in await self._scopes.find({"running": {"$gt": 0}}, projection=["slots"])
            for token, slot in scope["slots"].items()
            if slot["at"] <= before
        ]
        if not taken:
            return []
        found = await self._jobs.find(
            {"_id": {"$in": list({slot["job_id"] for _, _, slot in taken})}},
            projection=["status", "lease", "attempts"],
        )
        jobs = {job["_id"]: job for job in found}
        return [
            (scope_id, token, _spent(jobs.get(slot["job_id"]), token) - slot["cost"])
            for scope_id, token, slot in taken
            if not leases.holds(jobs.get(slot["job_id"]), token)
        ]


def _spent(job: Document | None, token: str) -> float:
    attempts = job["attempts"] if job else []
    return float(sum(attempt["cost"] for attempt in attempts if attempt["token"] == token))


def _has_room(entry: Entry, token: Token, now: datetime) -> Filter:
    room: Document = {"_id": entry.scope["_id"], "rules": entry.scope["rules"]}
    if entry.turn:
        room["turn"] = entry.scope["turn"]  # had one been served since, it might be another tenant's
    if entry.has_place:
        room[f"slots.{token}"] = {"$exists": False}
    if entry.max_running is not None:
        room["running"] = {"$lt": entry.max_running}
    if entry.spaced:
        room["spaced_until"] = {"$lte": now}
    if entry.cost_per_day is not None:
        room |= {"day": day_of(now), "committed": {"$lte": entry.cost_per_day - entry.cost + A_HAIR}}
    if entry.pace is not None:
        last = f"recent.{entry.pace - 1}"
        room["$or"] = [{last: {"$exists": False}}, {last: {"$lte": now - WINDOW - MARGIN}}]
    return room
