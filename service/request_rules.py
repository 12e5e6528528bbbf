"""The rules of requests that no single field can tell, and what is asked of `jobs` in the end."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel

from jobs.documents import ITEM_FIELDS, MODES, BulkRequest, job_fields
from jobs.errors import Fault, InvalidInput
from service.requests import MAX_FAULTS, MOST_ITEMS, BulkChange, BulkCreate, ItemCreate, JobCreate

MAX_EXTRA_BYTES = 100_000
NOT_YET = "not available yet"
NOT_YET_OF_BULK = (
    "priority",
    "parallelism",
    "stagger_ms",
    "deadline",
    "pipeline",
    "budget",
    "failure_policy",
    "notify",
)
NOT_YET_OF_ITEM = ("components", "dedupe")
NOT_YET_OF_RETRY = ("from_stage",)
RESERVED = (job_fields() | {"job_id"}) - set(ITEM_FIELDS)


@dataclass(frozen=True)
class BulkRules:
    """The settings' limits and defaults for a bulk."""

    min_items: int
    max_items: int
    delay: timedelta
    max_retries: int


def bulk_request(body: BulkCreate, rules: BulkRules) -> BulkRequest:
    """Raises `InvalidInput` with a path for every fault."""
    wrong_count = not rules.min_items <= len(body.items) <= rules.max_items
    summary = "The request is not valid."
    faults = not_yet(body, NOT_YET_OF_BULK)
    if wrong_count:
        span = f"{rules.min_items}-{rules.max_items}" if rules.min_items < rules.max_items else f"{rules.max_items}"
        summary = f"Bulk generation requires {span} items"
        has = len(body.items)
        faults.append(Fault("items", f"has {has}" if has <= MOST_ITEMS else f"has more than {MOST_ITEMS}"))
    if _size(body.metadata) > MAX_EXTRA_BYTES:
        faults.append(Fault("metadata", f"must have less than {MAX_EXTRA_BYTES} bytes"))
    for position, item in enumerate(body.items):
        faults += _item_faults(body.mode, item, f"items.{position}.")
        if len(faults) >= MAX_FAULTS:
            break
    if faults:
        raise InvalidInput(summary, tuple(faults[:MAX_FAULTS]))
    return BulkRequest(
        mode=body.mode,
        items=[item.stored() for item in body.items],
        name=body.name,
        tenant=body.tenant,
        metadata=body.metadata,
        max_retries=rules.max_retries if body.max_retries is None else body.max_retries,
        delay=rules.delay if body.delay_seconds is None else timedelta(seconds=body.delay_seconds),
    )


def single_request(body: JobCreate, rules: BulkRules) -> BulkRequest:
    """A bulk of one. Raises `InvalidInput`."""
    faults = _item_faults(body.mode, body, "")
    if faults:
        raise InvalidInput("The request is not valid.", tuple(faults))
    item = body.stored()
    item.pop("mode")
    return BulkRequest(mode=body.mode, items=[item], kind="single", max_retries=rules.max_retries, delay=rules.delay)


def not_yet(body: BaseModel, names: Sequence[str]) -> list[Fault]:
    """A field whose feature is not there yet is refused, never ignored (spec §2)."""
    return [Fault(name, NOT_YET) for name in names if getattr(body, name) is not None]


def check_available(body: BaseModel, names: Sequence[str]) -> None:
    """Raises `InvalidInput` for a field whose feature is not there yet."""
    faults = not_yet(body, names)
    if faults:
        raise InvalidInput("The request is not valid.", tuple(faults))


def changes_of(body: BulkChange) -> Mapping[str, Any]:
    """Raises `InvalidInput` for a change of nothing."""
    check_available(body, tuple(name for name in NOT_YET_OF_BULK if name in BulkChange.model_fields))
    changes = body.model_dump(include={"name", "delay_seconds"}, exclude_unset=True, exclude_none=True)
    if not changes:
        raise InvalidInput("The request is not valid.", (Fault("", "name something to change: name, delay_seconds"),))
    return changes


def check_until(until: datetime | None, now: datetime) -> datetime | None:
    """Raises `InvalidInput` for a moment that is past, or too far away to be written in UTC."""
    if until is None:
        return None
    if until <= now:
        raise InvalidInput("The request is not valid.", (Fault("until", "must be in the future"),))
    try:
        return until.astimezone(UTC)
    except OverflowError:
        raise InvalidInput("The request is not valid.", (Fault("until", "must be before the year 10000"),)) from None


def body_hash(body: BaseModel) -> str:
    """The same for two bodies that say the same, however they are written."""
    said = json.dumps(body.model_dump(mode="json", exclude_unset=True), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(said.encode()).hexdigest()


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
