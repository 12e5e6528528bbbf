"""Why a bulk or a job does not run just now, in one reason: the first of those that would stop a claim (spec §8).

Judged from what the claim reads, by the claim's own conditions. Nothing is written here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from jobs.capacity.admission import Admission, Closed, Look, Reason, tenant_closed
from jobs.capacity.limits import TenantLimits, tenant_limits_in
from jobs.capacity.scopes import TENANT, Scopes
from jobs.clock import NEVER, Clock
from jobs.documents import Lane
from jobs.events import BY_PRESSRUN
from jobs.pipelines import CONTENT, next_generator
from jobs.policies import pays_for
from jobs.shortlist import CAN_PAY, claimable
from jobs.states import LIVE_BULKS, BulkStatus, JobStatus
from jobs.storage.store import Document, Store
from jobs.versions.workers import Workers

MOST_COUNTED = 1000


class WaitingCode(StrEnum):
    PAUSED = "paused"
    CONTROL = "control"
    BUSY = "busy"
    CANARY = "canary"
    BACKOFF = "backoff"
    DEDUPE = "dedupe"
    STAGGER = "stagger"
    DELAY = "delay"
    BUDGET = "budget"
    PARALLEL_OFF = "parallel_off"
    NO_WORKER = "no_worker"
    SYSTEM_LIMIT = "system_limit"
    TENANT_LIMIT = "tenant_limit"
    RATE_LIMIT = "rate_limit"
    GENERATOR_PARKED = "generator_parked"
    GENERATOR_DOWN = "generator_down"
    WORKERS_BUSY = "workers_busy"
    BEHIND = "behind"
    SELECTION = "selection"


@dataclass(frozen=True)
class HeldUp:
    """By what, as a code, and as a sentence for people without its full stop."""

    code: WaitingCode
    text: str


NOBODY = HeldUp(WaitingCode.NO_WORKER, "No worker is alive")


class Waiting:
    def __init__(self, store: Store, clock: Clock, scopes: Scopes, admission: Admission, workers: Workers) -> None:
        self._bulks = store.collection("bulk_jobs")
        self._jobs = store.collection("generation_jobs")
        self._clock = clock
        self._scopes = scopes
        self._admission = admission
        self._workers = workers

    async def of_bulk(self, bulk: Document) -> HeldUp | None:
        """What keeps its next job from starting; None where nothing does, or as many run as `parallelism` allows. That
        no worker is alive is told also where jobs seem to run: those of workers that are gone."""
        now = self._clock.now()
        own = _of_its_own(bulk, now)
        if own is None or own.code is WaitingCode.CANARY:
            own = await self._of_persons(bulk) or own
        if own is not None and own.code is WaitingCode.DELAY:
            # A claim that met a closed generator has made the bulk wait for a moment, as a delay does.
            return await self._of_other_generators(bulk, now) or own
        if own is not None:
            return own
        if not _may_start_another(bulk):
            seems_to_run = bulk["status"] in LIVE_BULKS and bulk["busy"] > 0
            return NOBODY if seems_to_run and not await self._workers.any_alive() else None
        scope_id = TENANT + bulk["tenant"]
        look, scopes, workers, ahead = await asyncio.gather(
            self._admission.look(), self._scopes.find([scope_id]), self._workers.alive(), self._ahead(bulk, now)
        )
        shared = _of_others(bulk, look, scopes.get(scope_id), ahead) or await self._of_other_generators(bulk, now)
        if shared is not None and shared.code is WaitingCode.PARALLEL_OFF:
            return shared
        if not workers:
            return NOBODY
        return shared or await self._in_line(workers, ahead)

    def of_job(self, bulk: Document, held_up: HeldUp | None, job: Document) -> HeldUp | None:
        """What keeps this one of the bulk's jobs from starting; `held_up` is what `of_bulk` told. None unless it is
        queued, and where it may start."""
        now = self._clock.now()
        if job["status"] != JobStatus.QUEUED or bulk["status"] not in LIVE_BULKS:
            return None
        if held_up is not None and held_up.code in (WaitingCode.PAUSED, WaitingCode.CONTROL):
            return held_up
        if bulk["ceiling"] is not None and job["queue_position"] > bulk["ceiling"]:
            return _canary(bulk)
        if job["due_at"] > now:
            if job["waits_for"] is not None and job["lane"] == Lane.FIRST:
                return HeldUp(WaitingCode.DEDUPE, "Another job runs the same request, and this one gets its result")
            return HeldUp(WaitingCode.BACKOFF, f"It is tried again at {_moment(job['due_at'])}")
        if held_up is None and bulk["free"] <= 0:
            run = _so_many(bulk["busy"], "other job of its bulk runs", "other jobs of its bulk run")
            return HeldUp(WaitingCode.BUSY, f"{run}, as many as its parallelism allows")
        return held_up

    async def _of_persons(self, bulk: Document) -> HeldUp | None:
        """Where nothing of it runs or may run before somebody has chosen."""
        if bulk["status"] not in LIVE_BULKS or bulk["busy"] or bulk["due_at"] != NEVER:
            return None
        awaiting = {"status": JobStatus.AWAITING_SELECTION.value}
        count = await self._jobs.count({"bulk_job_id": bulk["_id"], "shard": bulk["shard"], **awaiting})
        text = _so_many(count, "job waits for a person to choose", "jobs wait for a person to choose")
        return HeldUp(WaitingCode.SELECTION, text) if count else None

    async def _of_other_generators(self, bulk: Document, now: datetime) -> HeldUp | None:
        """Where its next job first calls another generator than that of contents, and that one is closed."""
        if all(stage["generator"] in (None, CONTENT) for stage in bulk["stages"]):
            return None
        mine = {"bulk_job_id": bulk["_id"], "shard": bulk["shard"]}
        due = {"status": JobStatus.QUEUED.value, "due_at": {"$lte": now}}
        by_place = [("lane", 1), ("queue_position", 1)]
        look, job = await asyncio.gather(
            self._admission.look(), self._jobs.find_one({**mine, **due}, projection=["current_stage"], sort=by_place)
        )
        name = next_generator(bulk["stages"], job["current_stage"]) if job else None
        closed = look.closed_generator(name) if name not in (None, CONTENT) else None
        return HeldUp(WaitingCode(closed.code), _of_generator(closed, look, name)) if closed and name else None

    async def _ahead(self, bulk: Document, now: datetime) -> int:
        """How many of the tenant's bulks go before this one; those too that run a job just now and have more."""
        may = {name: said for name, said in claimable(now, 100).items() if name not in ("free", "spaced_until")}
        earlier = [{"rank": {"$lt": bulk["rank"]}}, {"rank": bulk["rank"], "_id": {"$lt": bulk["_id"]}}]
        has_more = {"$expr": {"$gt": ["$remaining_items", "$busy"]}}
        mine = {"tenant": bulk["tenant"], **may}
        return await self._bulks.count({"$and": [mine, CAN_PAY, has_more, {"$or": earlier}]}, limit=MOST_COUNTED)

    async def _in_line(self, workers: Sequence[Document], ahead: int) -> HeldUp | None:
        """Nothing is limited: whether somebody has a hand free."""
        slots = sum(worker["slots"] for worker in workers)
        if await self._jobs.count({"status": JobStatus.PROCESSING.value}, limit=slots) >= slots:
            busy = "The workers' only slot is taken" if slots == 1 else f"All {slots} slots of the workers are taken"
            return HeldUp(WaitingCode.WORKERS_BUSY, busy + _after(ahead))
        if ahead:
            return HeldUp(WaitingCode.BEHIND, _go_first(ahead))
        return None


def _may_start_another(bulk: Document) -> bool:
    """As far as its own fields tell: it is live, has a job that waits, and has a place for it."""
    waits = bulk["remaining_items"] > bulk["busy"] and bulk["due_at"] != NEVER
    return bulk["status"] in LIVE_BULKS and waits and bulk["free"] > 0


def _of_its_own(bulk: Document, now: datetime) -> HeldUp | None:
    if bulk["status"] == BulkStatus.PAUSED:
        return _paused(bulk["pause"])
    if bulk["status"] in LIVE_BULKS and bulk["intent"] is not None:
        return HeldUp(WaitingCode.CONTROL, "What was just asked of it is being carried out")
    if bulk["ceiling"] is not None and bulk["due_at"] == NEVER and bulk["remaining_items"] > bulk["busy"]:
        return _canary(bulk) if bulk["free"] > 0 else None
    if not _may_start_another(bulk):
        return None
    if bulk["due_at"] > now:
        return HeldUp(WaitingCode.BACKOFF, f"Its next job is tried again at {_moment(bulk['due_at'])}")
    if bulk["spaced_until"] > now:
        return _spaced(bulk)
    left, cost = bulk["budget_left"], bulk["job_cost"]
    if left is not None and not pays_for(left, cost):
        said = f"{left:.2f} of its budget of {bulk['budget']['cost']:.2f} is left, and a job may cost {cost:.2f}"
        return HeldUp(WaitingCode.BUDGET, said)
    return None


def _of_others(bulk: Document, look: Look, scope: Document | None, ahead: int) -> HeldUp | None:
    """What it shares with others that is used up: of the system, of the generator, of its tenant."""
    limits, cost = look.limits, float(bulk["job_cost"])
    if bulk["busy"] and bulk["bucket"] >= limits.parallel:
        return HeldUp(WaitingCode.PARALLEL_OFF, "It runs one job at a time: parallel running is off for its tenant")
    of_day = tenant_closed(look.system, TenantLimits(cost_per_day=limits.cost_per_day), cost, look.at)
    if closed := look.closed or of_day:
        return HeldUp(WaitingCode(closed.code), _of_system(closed, look) + _after(ahead))
    if scope is None:
        return None
    own = tenant_limits_in(scope).over(limits)
    if closed := tenant_closed(scope, own, cost, look.at):
        return HeldUp(WaitingCode(closed.code), _of_tenant(closed, scope, own) + _after(ahead))
    return None


def _paused(pause: Document | None) -> HeldUp:
    if pause is None:
        return HeldUp(WaitingCode.PAUSED, "Paused")
    who = "Paused itself" if pause["by"] == BY_PRESSRUN else f"Paused by {pause['by']}"
    why = f": {pause['reason']}" if pause["reason"] else ""
    until = f" (until {_moment(pause['until'])})" if pause["until"] else ""
    return HeldUp(WaitingCode.PAUSED, who + why + until)


def _canary(bulk: Document) -> HeldUp:
    first = _so_many(min(bulk["ceiling"], bulk["total_items"]), "job goes", "jobs go")
    return HeldUp(WaitingCode.CANARY, f"The first {first} ahead as a trial; then the bulk job pauses itself")


def _spaced(bulk: Document) -> HeldUp:
    until, stagger = bulk["spaced_until"], timedelta(milliseconds=bulk["stagger_ms"])
    if any(until <= slot["at"] + stagger for slot in bulk["slots"].values()):
        return HeldUp(WaitingCode.STAGGER, f"Its jobs start {bulk['stagger_ms']} ms apart")
    return HeldUp(WaitingCode.DELAY, f"The delay after a job's end lasts until {_moment(until)}")


def _of_system(closed: Reason, look: Look) -> str:
    limits, until = look.limits, _moment(closed.until)
    match closed.code:
        case Closed.SYSTEM_LIMIT | Closed.TENANT_LIMIT:
            run = _so_many(look.system["running"], "job runs", "jobs run")
            return f"{run}, as many as the whole system may run at once ({limits.max_running})"
        case Closed.DELAY:
            return f"The delay after a job's end, for the whole system, lasts until {until}"
        case Closed.BUDGET:
            return f"The day's budget of the whole system is used; it begins anew at {until}"
        case Closed.RATE_LIMIT | Closed.GENERATOR_PARKED | Closed.GENERATOR_DOWN:
            return _of_generator(closed, look, CONTENT)


def _of_generator(closed: Reason, look: Look, name: str) -> str:
    seen, until = look.generator(name), _moment(closed.until)
    the_generator = "The generator" if name == CONTENT else f"The generator of {name}"
    match closed.code:
        case Closed.RATE_LIMIT:
            whose = "The generator's rate" if name == CONTENT else f"The rate of the generator of {name}"
            return f"{whose} ({_rate(seen['pace'])}) is used up until {until}"
        case Closed.GENERATOR_PARKED:
            return f"{the_generator} has asked to be left alone until {until}"
        case _:
            return (
                f"{the_generator} is down; it is tried again" if seen["down"] else f"{the_generator} has just come back"
            )


def _of_tenant(closed: Reason, scope: Document, limits: TenantLimits) -> str:
    whose, until = f"tenant {scope['tenant']}", _moment(closed.until)
    match closed.code:
        case Closed.BUDGET:
            return f"{_of_day(scope, limits.cost_per_day)} of {whose} is used; it begins anew at {until}"
        case Closed.RATE_LIMIT:
            return f"The rate of {whose} ({_rate(limits.requests_per_minute)}) is used up until {until}"
        case _:
            run = _so_many(scope["running"], f"job of {whose} runs", f"jobs of {whose} run")
            return f"{run}, as many as it may run at once ({limits.max_running})"


def _of_day(scope: Document, cost_per_day: float | None) -> str:
    return f"{scope['committed']:.2f} of the day's budget of {cost_per_day or 0:.2f}"


def _rate(requests_per_minute: int | None) -> str:
    return _so_many(requests_per_minute or 0, "request a minute", "requests a minute")


def _after(ahead: int) -> str:
    return f"; {_go_first(ahead)[0].lower()}{_go_first(ahead)[1:]}" if ahead else ""


def _go_first(ahead: int) -> str:
    more = "At least " if ahead == MOST_COUNTED else ""
    return more + _so_many(ahead, "bulk job of the same tenant goes first", "bulk jobs of the same tenant go first")


def _so_many(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else ""
