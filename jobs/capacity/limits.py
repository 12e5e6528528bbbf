"""The limits that people set, kept in MongoDB so that they change while it runs (spec §5). Nothing is let in here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

from jobs.capacity.incumbents import Incumbents
from jobs.capacity.scopes import GENERATOR, MOST_CALLS, SYSTEM, TENANT, Scopes
from jobs.errors import Fault, InvalidInput
from jobs.pipelines import CONTENT, GENERATORS, IDEAS, IMAGES
from jobs.storage.store import Document, Store

MAX_CAP = 10_000
MOST_A_DAY = 10_000_000
HIGHEST_WEIGHT = 100


@dataclass(frozen=True)
class Limits:
    """Of the whole system. None is no limit. `parallel` is the percentage of tenants whose bulks may run several jobs
    at once; those that begin with `tenant_` hold for each tenant that has none of its own."""

    max_running: int | None = None
    parallel: int = 100
    requests_per_minute: int | None = None
    ideas_requests_per_minute: int | None = None
    images_requests_per_minute: int | None = None
    jobs_per_day: int | None = None
    cost_per_day: float | None = None
    tenant_max_running: int | None = None
    tenant_requests_per_minute: int | None = None
    tenant_jobs_per_day: int | None = None
    tenant_cost_per_day: float | None = None


@dataclass(frozen=True)
class TenantLimits:
    """Of one tenant. None: as for every tenant. One of weight 3 is served three times as often as one of weight 1."""

    weight: float = 1.0
    max_running: int | None = None
    requests_per_minute: int | None = None
    jobs_per_day: int | None = None
    cost_per_day: float | None = None

    def over(self, system: Limits) -> TenantLimits:
        """With the system's where this has none."""
        return TenantLimits(
            self.weight,
            _first(self.max_running, system.tenant_max_running),
            _first(self.requests_per_minute, system.tenant_requests_per_minute),
            _first(self.jobs_per_day, system.tenant_jobs_per_day),
            _first(self.cost_per_day, system.tenant_cost_per_day),
        )


RATES: Mapping[str, str] = {
    "requests_per_minute": CONTENT,
    "ideas_requests_per_minute": IDEAS,
    "images_requests_per_minute": IMAGES,
}
"""The limits that are a generator's, and whose."""

SHARED = (SYSTEM, *(GENERATOR + name for name in GENERATORS))
"""The scopes that every claim looks at."""

T = TypeVar("T", Limits, TenantLimits)
N = TypeVar("N", int, float)


class LimitStore:
    def __init__(self, store: Store, scopes: Scopes, incumbents: Incumbents) -> None:
        self._limits = store.collection("limits")
        self._scopes = scopes
        self._incumbents = incumbents

    async def seed(self, limits: Limits) -> None:
        """Store the settings' limits where none are stored yet."""
        given = asdict(limits)
        for name, generator in RATES.items():
            await self._scopes.complete(GENERATOR + generator, new_generator(given.pop(name)))
        await self._scopes.complete(SYSTEM, given)

    async def read(self) -> Limits:
        found = await self._scopes.find(SHARED)
        return limits_in(found)

    async def change(self, changes: Mapping[str, Any]) -> Limits:
        """Raises `InvalidInput` with a fault for each unknown name or wrong value."""
        _check(changes, Limits)
        of_system = {name: value for name, value in changes.items() if name not in RATES}
        if of_system:
            await self._limits.update_one({"_id": SYSTEM}, {"$set": of_system, "$inc": {"rules": 1}})
        for name in [name for name in RATES if name in changes]:
            rate = {"requests_per_minute": changes[name], "pace": changes[name]}
            await self._limits.update_one({"_id": GENERATOR + RATES[name]}, {"$set": rate, "$inc": {"rules": 1}})
        if _gives_places(of_system, "max_running", "cost_per_day"):
            await self._incumbents.of_system()
        if _gives_places(of_system, "tenant_max_running", "tenant_cost_per_day"):
            await self._incumbents.of_tenants()
        return await self.read()

    async def read_tenant(self, tenant: str) -> TenantLimits:
        found = await self._scopes.find([TENANT + tenant])
        return tenant_limits_in(found.get(TENANT + tenant) or asdict(TenantLimits()))

    async def change_tenant(self, tenant: str, changes: Mapping[str, Any]) -> TenantLimits:
        """Raises `InvalidInput` as `change` does."""
        _check(changes, TenantLimits)
        await self._scopes.make(TENANT + tenant, new_tenant(tenant))
        await self._limits.update_one({"_id": TENANT + tenant}, {"$set": dict(changes), "$inc": {"rules": 1}})
        if _gives_places(changes, "max_running", "cost_per_day"):
            await self._incumbents.of_tenants(tenant)
        return await self.read_tenant(tenant)


def new_tenant(tenant: str) -> Document:
    return {**asdict(TenantLimits()), "tenant": tenant, "turn": 0.0}


def new_generator(requests_per_minute: int | None) -> Document:
    """`pace` is the rate for now, which its errors lower and its successes raise again."""
    return {
        "requests_per_minute": requests_per_minute,
        "pace": requests_per_minute,
        "adapted_at": None,
        "failures": 0,
        "down": False,
        "down_since": None,
        "probe_at": None,
        "ramp": None,
    }


def limits_in(scopes: Mapping[str, Document]) -> Limits:
    """From the documents of `SHARED`."""
    rates = {name: scopes[GENERATOR + generator]["requests_per_minute"] for name, generator in RATES.items()}
    return _taken(Limits, scopes[SYSTEM] | rates)


def tenant_limits_in(scope: Document) -> TenantLimits:
    return _taken(TenantLimits, scope)


def _taken(kind: type[T], document: Mapping[str, Any]) -> T:
    return kind(**{field.name: document[field.name] for field in fields(kind)})


def _gives_places(changes: Mapping[str, Any], *names: str) -> bool:
    """Whether something is limited now whose places may not have been counted before."""
    return any(changes.get(name) is not None for name in names)


def _first(own: N | None, other: N | None) -> N | None:
    return other if own is None else own


def _check(changes: Mapping[str, Any], kind: type[Limits | TenantLimits]) -> None:
    known = [field.name for field in fields(kind)]
    there_are = f"there is no such limit; there are: {', '.join(known)}"
    judged = [_fault(name, value) if name in known else Fault(name, there_are) for name, value in changes.items()]
    faults = [fault for fault in judged if fault is not None]
    if faults or not changes:
        raise InvalidInput("The limits were not changed.", tuple(faults or [Fault("", "name a limit to change")]))


def _fault(name: str, value: object) -> Fault | None:
    is_right, what = RULES["requests_per_minute" if name in RATES else name.removeprefix("tenant_")]
    return None if is_right(value) else Fault(name, f"must be {what}")


def _whole(least: int, most: int) -> Callable[[object], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _number(more_than: float, most: float) -> Callable[[object], bool]:
    return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and more_than < value <= most


def _or_null(rule: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: value is None or rule(value)


RULES: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "max_running": (_or_null(_whole(1, MAX_CAP)), f"a whole number from 1 to {MAX_CAP}, or null for no cap"),
    "parallel": (_whole(0, 100), "a whole number from 0 (off) to 100 (on): the percentage of tenants"),
    "requests_per_minute": (
        _or_null(_whole(1, MOST_CALLS)),
        f"a whole number from 1 to {MOST_CALLS}, or null for no limit",
    ),
    "jobs_per_day": (_or_null(_whole(1, MOST_A_DAY)), f"a whole number from 1 to {MOST_A_DAY}, or null for no limit"),
    "cost_per_day": (_or_null(_number(0, MOST_A_DAY)), "a number above 0, or null for no limit"),
    "weight": (_number(0.0099, HIGHEST_WEIGHT), f"a number from 0.01 to {HIGHEST_WEIGHT}"),
}
