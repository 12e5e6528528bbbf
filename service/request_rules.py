"""The rules of requests that no single field can tell, and what is asked of `jobs` in the end."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel

from jobs.documents import ITEM_FIELDS, MODES, Budget, BulkRequest, FailurePolicy, job_fields
from jobs.errors import Fault, InvalidInput
from jobs.priority import Priority
from service.problems import NotChangeable
from service.requests import (
    MAX_FAULTS,
    MOST_ITEMS,
    BudgetGiven,
    BulkChange,
    BulkCreate,
    FailurePolicyGiven,
    ItemCreate,
    JobCreate,
)

MAX_EXTRA_BYTES = 100_000
NOT_VALID = "The request is not valid."
NOT_YET = "not available yet"
NOT_YET_OF_BULK = ("pipeline", "notify")
NOT_YET_OF_CHANGE = ("notify",)
NOT_YET_OF_ITEM = ("components",)
NOT_YET_OF_RETRY = ("from_stage",)
AS_GIVEN = ("name", "delay_seconds", "parallelism", "stagger_ms")
RESERVED = (job_fields() | {"job_id"}) - set(ITEM_FIELDS)


@dataclass(frozen=True)
class BulkRules:
    """The settings' limits and defaults for a bulk."""

    min_items: int
    max_items: int
    defaults: BulkRequest
    priority_changes: bool = True


def bulk_request(body: BulkCreate, rules: BulkRules) -> BulkRequest:
    """Raises `InvalidInput` with a path for every fault."""
    wrong_count = not rules.min_items <= len(body.items) <= rules.max_items
    summary = NOT_VALID
    faults = not_yet(body, NOT_YET_OF_BULK)
    if wrong_count:
        span = f"{rules.min_items}-{rules.max_items}" if rules.min_items < rules.max_items else f"{rules.max_items}"
        summary = f"Bulk generation requires {span} items"
        has = len(body.items)
        faults.append(Fault("items", f"has {has}" if has <= MOST_ITEMS else f"has more than {MOST_ITEMS}"))
    if _size(body.metadata) > MAX_EXTRA_BYTES:
        faults.append(Fault("metadata", f"must have less than {MAX_EXTRA_BYTES} bytes"))
    faults += _unwritable("deadline", body.deadline)  # one that is past is near: a repeated request stays the same
    faults += _budget_faults(body.budget, rules) + _policy_faults(body.failure_policy)
    for position, item in enumerate(body.items):
        faults += _item_faults(body.mode, item, f"items.{position}.")
        if len(faults) >= MAX_FAULTS:
            break
    if faults:
        raise InvalidInput(summary, tuple(faults[:MAX_FAULTS]))
    policy = body.failure_policy
    return replace(
        _timed(rules.defaults, body),
        mode=body.mode,
        items=[item.stored() for item in body.items],
        name=body.name,
        tenant=body.tenant,
        metadata=body.metadata,
        max_retries=rules.defaults.max_retries if body.max_retries is None else body.max_retries,
        parallelism=body.parallelism or rules.defaults.parallelism,
        priority=None if body.priority is None else steps(body.priority),
        deadline=body.deadline.astimezone(UTC) if body.deadline else None,
        budget=_budget(body.budget, rules) if body.budget else None,
        failure_policy=FailurePolicy(policy.max_failed_percent, policy.min_items, policy.canary) if policy else None,
    )


def single_request(body: JobCreate, rules: BulkRules) -> BulkRequest:
    """A bulk of one. Raises `InvalidInput`."""
    faults = _item_faults(body.mode, body, "")
    if faults:
        raise InvalidInput(NOT_VALID, tuple(faults))
    item = body.stored()
    item.pop("mode")
    return replace(rules.defaults, mode=body.mode, items=[item], kind="single")


def steps(given: str | float) -> float:
    """A priority by name, or any number of steps."""
    return float(Priority[given.upper()] if isinstance(given, str) else given)


def not_yet(body: BaseModel, names: Sequence[str]) -> list[Fault]:
    """A field whose feature is not there yet is refused, never ignored (spec §2)."""
    return [Fault(name, NOT_YET) for name in names if getattr(body, name) is not None]


def check_available(body: BaseModel, names: Sequence[str]) -> None:
    """Raises `InvalidInput` for a field whose feature is not there yet."""
    faults = not_yet(body, names)
    if faults:
        raise InvalidInput(NOT_VALID, tuple(faults))


def changes_of(body: BulkChange, rules: BulkRules) -> Mapping[str, Any]:
    """As `Controls.change` wants them. Raises `InvalidInput`, also for a change of nothing, and `NotChangeable`."""
    faults = not_yet(body, NOT_YET_OF_CHANGE) + _budget_faults(body.budget, rules)
    if faults:
        raise InvalidInput(NOT_VALID, tuple(faults))
    changes = body.model_dump(include=set(AS_GIVEN), exclude_unset=True, exclude_none=True)
    if body.priority is not None:
        if not rules.priority_changes:
            raise NotChangeable("The priority of a bulk job stays as it was submitted: changes are switched off here.")
        changes["priority"] = steps(body.priority)
    if "budget" in body.model_fields_set:
        changes["budget"] = asdict(_budget(body.budget, rules)) if body.budget else None
    if not changes:
        named = ", ".join(name for name in BulkChange.model_fields if name not in NOT_YET_OF_CHANGE)
        raise InvalidInput(NOT_VALID, (Fault("", f"name something to change: {named}"),))
    return changes


def check_until(until: datetime | None, now: datetime) -> datetime | None:
    """Raises `InvalidInput` for a moment that is past, or too far away to be written in UTC."""
    faults = _unwritable("until", until)
    if until is not None and until <= now:
        faults = [Fault("until", "must be in the future")]
    if faults:
        raise InvalidInput(NOT_VALID, tuple(faults))
    return until.astimezone(UTC) if until else None


def body_hash(body: BaseModel) -> str:
    """The same for two bodies that say the same, however they are written."""
    said = json.dumps(body.model_dump(mode="json", exclude_unset=True), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(said.encode()).hexdigest()


def _timed(defaults: BulkRequest, body: BulkCreate) -> BulkRequest:
    delay, stagger = body.delay_seconds, body.stagger_ms
    return replace(
        defaults,
        delay=defaults.delay if delay is None else timedelta(seconds=delay),
        stagger=defaults.stagger if stagger is None else timedelta(milliseconds=stagger),
    )


def _budget(given: BudgetGiven, rules: BulkRules) -> Budget:
    return Budget(given.cost, rules.defaults.cost_per_job if given.cost_per_job is None else given.cost_per_job)


def _budget_faults(given: BudgetGiven | None, rules: BulkRules) -> list[Fault]:
    if given is None or (aside := _budget(given, rules).cost_per_job) <= given.cost:
        return []
    if given.cost_per_job is not None:
        return [Fault("budget.cost_per_job", "must not be more than the cost of the whole budget")]
    return [Fault("budget.cost", f"must not be less than what is set aside for one job ({aside:g}): see cost_per_job")]


def _policy_faults(given: FailurePolicyGiven | None) -> list[Fault]:
    if given is None or given.max_failed_percent is not None or given.canary is not None:
        return []
    return [Fault("failure_policy", "must have max_failed_percent or canary")]


def _unwritable(path: str, moment: datetime | None) -> list[Fault]:
    """Where its offset from UTC puts it out of the years that can be written."""
    try:
        if moment is not None:
            moment.astimezone(UTC)
    except OverflowError:
        return [Fault(path, "must be in the years 1 to 9999, in UTC")]
    return []


def _item_faults(mode: str, item: ItemCreate, path: str) -> list[Fault]:
    faults = []
    needed = MODES[mode]
    if not any(_says_something(getattr(item, name)) for name in needed):
        faults.append(Fault(path + needed[0], f"is required in mode {mode} ({' or '.join(needed)})"))
    extra = item.model_extra or {}
    for name, value in extra.items():
        if name in NOT_YET_OF_ITEM and value is not None:
            faults.append(Fault(path + name, NOT_YET))
        elif name in RESERVED:
            faults.append(Fault(path + name, "is a field of Pressrun's own: an item cannot set it"))
        elif len(name) > 100:
            faults.append(Fault(path + name[:100], "a field's name must have at most 100 characters"))
    if extra and _size(extra) > MAX_EXTRA_BYTES:
        faults.append(Fault(path.rstrip("."), f"undeclared fields must have less than {MAX_EXTRA_BYTES} bytes in all"))
    return faults


def _says_something(value: object) -> bool:
    return bool(value.strip() if isinstance(value, str) else value)


def _size(value: object) -> int:
    return len(json.dumps(value)) if value is not None else 0
