"""Whether a running may begin, as far as system, tenant and generator limit that. Bulks are not judged here.

A look says early what is closed, so that idle workers do not take jobs only to put them back. What counts is the entry:
one atomic write on each scope that limits anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from jobs.capacity.generators import Generators
from jobs.capacity.limits import SHARED, Limits, TenantLimits, limits_in, tenant_limits_in
from jobs.capacity.scopes import GENERATOR, SYSTEM, Entry, Place, Scopes, day_of, opens_at
from jobs.clock import Clock
from jobs.documents import A_HAIR, JobId, Token
from jobs.pipelines import CONTENT, GENERATORS
from jobs.storage.store import Document

LONG_DOWN = timedelta(minutes=10)


class Closed(StrEnum):
    """Why no running may begin in a scope just now."""

    SYSTEM_LIMIT = "system_limit"
    TENANT_LIMIT = "tenant_limit"
    DELAY = "delay"
    RATE_LIMIT = "rate_limit"
    GENERATOR_PARKED = "generator_parked"
    GENERATOR_DOWN = "generator_down"
    BUDGET = "budget"


@dataclass(frozen=True)
class Reason:
    """`until` where it is known when this ends."""

    code: Closed
    until: datetime | None = None


@dataclass(frozen=True)
class Look:
    """The scopes that all share, as they were `at` a moment: the system's and the generators'."""

    scopes: Mapping[str, Document] = field(repr=False)
    at: datetime

    @property
    def system(self) -> Document:
        return self.scopes[SYSTEM]

    def generator(self, name: str = CONTENT) -> Document:
        return self.scopes[GENERATOR + name]

    @property
    def limits(self) -> Limits:
        return limits_in(self.scopes)

    @property
    def is_open(self) -> bool:
        """Nothing is limited but by tenant."""
        return _of_system(self, 0).is_open and _of_generator(self, CONTENT).is_open and self.closed is None

    def closed_to(self, cost: float) -> bool:
        """Whether a job of this cost is more than the system may spend today."""
        return _is_spent(self.system, self.limits.cost_per_day, cost, self.at)

    @property
    def closed(self) -> Reason | None:
        """The first of all reasons why nothing may begin. Without the generator of contents nothing is of use."""
        limits = self.limits
        if limits.max_running is not None and self.system["running"] >= limits.max_running:
            return Reason(Closed.SYSTEM_LIMIT)
        if limits.max_running == 1 and self.system["spaced_until"] > self.at:
            return Reason(Closed.DELAY, self.system["spaced_until"])
        if _is_spent(self.system, limits.cost_per_day, 0, self.at):
            return Reason(Closed.BUDGET, _tomorrow(self.at))
        return self.closed_generator(CONTENT)

    def closed_generator(self, name: str) -> Reason | None:
        """One of ideas or images that has been down for long holds no job up: its stage then uses up the job's tries,
        and may do without (spec §6: at most 20 of those that are not counted)."""
        generator = self.generator(name)
        since = generator["down_since"]
        if generator["down"] and name != CONTENT and since is not None and since <= self.at - LONG_DOWN:
            return None
        if generator["down"] or (generator["ramp"] is not None and generator["running"] >= generator["ramp"]):
            return Reason(Closed.GENERATOR_DOWN)
        if generator["spaced_until"] > self.at:
            return Reason(Closed.GENERATOR_PARKED, generator["spaced_until"])
        if generator["pace"] is not None and (opens := opens_at(generator, generator["pace"])) > self.at:
            return Reason(Closed.RATE_LIMIT, opens)
        return None


def tenant_closed(scope: Document, limits: TenantLimits, cost: float, now: datetime) -> Reason | None:
    """`limits` are the tenant's, over the system's."""
    if limits.max_running is not None and scope["running"] >= limits.max_running:
        return Reason(Closed.TENANT_LIMIT)
    if _is_spent(scope, limits.cost_per_day, cost, now):
        return Reason(Closed.BUDGET, _tomorrow(now))
    if limits.requests_per_minute is not None and (opens := opens_at(scope, limits.requests_per_minute)) > now:
        return Reason(Closed.RATE_LIMIT, opens)
    return None


class Admission:
    """`parallel` is the most that this process allows, in percent of the tenants."""

    def __init__(self, scopes: Scopes, generators: Generators, clock: Clock, parallel: int) -> None:
        self._scopes = scopes
        self._generators = generators
        self._clock = clock
        self._parallel = parallel

    async def look(self) -> Look:
        """One read. Raises `RuntimeError` before the limits were seeded."""
        found = await self._scopes.find(SHARED)
        if len(found) < len(SHARED):
            raise RuntimeError("the limits were read before they were seeded")
        system = found[SYSTEM] | {"parallel": min(found[SYSTEM]["parallel"], self._parallel)}
        look = Look({**found, SYSTEM: system}, self._clock.now())
        self._generators.seen = {name: look.generator(name) for name in GENERATORS}
        closed = look.closed
        self._scopes.was_full |= closed is not None and closed.code in (Closed.SYSTEM_LIMIT, Closed.GENERATOR_DOWN)
        return look

    async def enter(
        self,
        look: Look,
        tenant: Document,
        bulk: Document,
        job_id: JobId,
        token: Token,
        worker_id: str,
        *,
        generator: str | None,
        alone: bool,
    ) -> tuple[Sequence[Place], Document] | None:
        """The places that the running has now, and its tenant's scope; None where one is refused: then it has none.

        `generator` is the one that it calls first, if any, and has its leave for that call. `alone`: no other tenant
        waits for its turn. The generator comes last, for a call's token never comes back.
        """
        places: list[Place] = []
        cost = float(bulk["job_cost"])
        of_tenant = _of_tenant(tenant, look.limits, cost, alone=alone)
        if generator is None:
            entries = [_of_system(look, cost), replace(of_tenant, pace=None)]
        else:
            entries = [_of_system(look, cost), of_tenant, _of_generator(look, generator)]
        for entry in entries:
            if entry.is_open:
                continue
            entered = await self._scopes.enter(entry, job_id, token, worker_id)
            if entered is None:
                await self.leave(places, token, 0.0, never_began=True)
                return None
            if entry.has_place:
                places.append(Place(entry.scope["_id"], entry.cost, entry.turn))
            if entry.scope is tenant:
                tenant = entered
        return places, tenant

    async def leave(
        self,
        places: Sequence[Place],
        token: Token,
        spent: float,
        *,
        spacing: timedelta = timedelta(0),
        never_began: bool = False,
    ) -> None:
        """Safe to repeat. `spacing` is waited before the next job of the system while its cap is 1."""
        for place in places:
            spaced = spacing if place.scope_id == SYSTEM else timedelta(0)
            await self._scopes.leave(place, token, spent, spacing=spaced, never_began=never_began)


def _of_system(look: Look, cost: float) -> Entry:
    limits = look.limits
    return Entry(
        look.system,
        max_running=limits.max_running,
        cost_per_day=limits.cost_per_day,
        cost=cost,
        spaced=limits.max_running == 1,
    )


def _of_tenant(scope: Document, system: Limits, cost: float, *, alone: bool) -> Entry:
    limits = tenant_limits_in(scope).over(system)
    entry = Entry(
        scope,
        max_running=limits.max_running,
        pace=limits.requests_per_minute,
        cost_per_day=limits.cost_per_day,
        cost=cost,
    )
    # Where nobody else waits no turn is counted: its guard would let in but one of the workers that claim at once.
    return entry if alone else replace(entry, turn=1 / limits.weight)


def _of_generator(look: Look, name: str) -> Entry:
    generator = look.generator(name)
    return Entry(generator, max_running=generator["ramp"], pace=generator["pace"], spaced=True)


def _is_spent(scope: Document, cost_per_day: float | None, cost: float, now: datetime) -> bool:
    if cost_per_day is None or scope["day"] != day_of(now):
        return False
    left: float = cost_per_day - scope["committed"]
    return left < cost - A_HAIR or left < A_HAIR


def _tomorrow(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
