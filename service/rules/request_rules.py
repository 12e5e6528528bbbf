"""The rules of requests that no single field can tell, and what is asked of `jobs` in the end."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel

from jobs.documents import Budget, BulkRequest, FailurePolicy
from jobs.errors import Fault, InvalidInput
from jobs.pipelines import FORMATS, PipelineSpec
from jobs.priority import Priority
from jobs.selections import Choice
from service.refusals import NotChangeable
from service.rules.bulk_rules import BulkRules
from service.rules.formats import MODE_OF_FORMATS, format_faults, format_items, misplaced_faults
from service.rules.item_rules import MAX_EXTRA_BYTES, item_faults, size_of
from service.rules.pipeline_rules import chosen
from service.schemas.hours_requests import hours_faults, hours_of
from service.schemas.pipeline_requests import JobSelect
from service.schemas.requests import MAX_FAULTS, BudgetGiven, BulkChange, BulkCreate, FailurePolicyGiven, JobCreate
from service.schemas.values import MOST_ITEMS

NOT_VALID = "The request is not valid."
AS_GIVEN = ("name", "delay_seconds", "parallelism", "stagger_ms")


def bulk_request(body: BulkCreate, rules: BulkRules, pipelines: Mapping[str, PipelineSpec]) -> BulkRequest:
    """Raises `InvalidInput` with a path for every fault."""
    pipeline, faults = chosen(body.pipeline, body.options, body.items or [], rules, pipelines)
    of_formats = body.pipeline == FORMATS.name
    wrong_count = None if of_formats else _count_fault(body, rules)
    faults += format_faults(body, rules) if of_formats else misplaced_faults(body) + _missing_faults(body)
    faults += [wrong_count] if wrong_count is not None else []
    if size_of(body.metadata) > MAX_EXTRA_BYTES:
        faults.append(Fault("metadata", f"must have less than {MAX_EXTRA_BYTES} bytes"))
    faults += _unwritable("deadline", body.deadline)  # one that is past is near: a repeated request stays the same
    faults += _budget_faults(body.budget, rules) + _policy_faults(body.failure_policy)
    faults += hours_faults(body.run_between)
    faults += [] if of_formats else _faults_of_items(body, pipeline, rules)
    if faults or pipeline is None:
        summary = f"Bulk generation requires {_span(rules)} items" if wrong_count is not None else NOT_VALID
        raise InvalidInput(summary, tuple(faults[:MAX_FAULTS]))
    policy = body.failure_policy
    return replace(
        _timed(rules.defaults, body),
        mode=MODE_OF_FORMATS if of_formats else body.mode or "",
        items=format_items(body) if of_formats else [item.stored() for item in body.items or []],
        name=body.name,
        tenant=body.tenant,
        metadata=body.metadata,
        max_retries=rules.defaults.max_retries if body.max_retries is None else body.max_retries,
        parallelism=body.parallelism or rules.defaults.parallelism,
        priority=None if body.priority is None else steps(body.priority),
        deadline=body.deadline.astimezone(UTC) if body.deadline else None,
        budget=_budget(body.budget, rules) if body.budget else None,
        failure_policy=FailurePolicy(policy.max_failed_percent, policy.min_items, policy.canary) if policy else None,
        run_between=hours_of(body.run_between),
        pipeline=pipeline,
        options=body.options.given() if body.options else {},
    )


def single_request(body: JobCreate, rules: BulkRules, pipelines: Mapping[str, PipelineSpec]) -> BulkRequest:
    """A bulk of one. Raises `InvalidInput`."""
    if body.pipeline == FORMATS.name:
        raise InvalidInput(NOT_VALID, (Fault("pipeline", "formats are several articles: submit them as a bulk job"),))
    pipeline, faults = chosen(body.pipeline, body.options, [body], rules, pipelines)
    faults += item_faults(body.mode, body, "", pipeline, rules)
    if faults or pipeline is None:
        raise InvalidInput(NOT_VALID, tuple(faults))
    options = body.options.given() if body.options else {}
    return replace(
        rules.defaults, mode=body.mode, items=[body.stored()], kind="single", pipeline=pipeline, options=options
    )


def steps(given: str | float) -> float:
    """A priority by name, or any number of steps."""
    return float(Priority[given.upper()] if isinstance(given, str) else given)


def changes_of(body: BulkChange, rules: BulkRules) -> Mapping[str, Any]:
    """As `Controls.change` wants them, but for `notify`, which is judged by itself. Raises `InvalidInput`, also for a
    change of nothing, and `NotChangeable`."""
    faults = [*_budget_faults(body.budget, rules), *hours_faults(body.run_between)]
    if faults:
        raise InvalidInput(NOT_VALID, tuple(faults))
    changes = body.model_dump(include=set(AS_GIVEN), exclude_unset=True, exclude_none=True)
    if body.priority is not None:
        if not rules.priority_changes:
            raise NotChangeable("The priority of a bulk job stays as it was submitted: changes are switched off here.")
        changes["priority"] = steps(body.priority)
    if "budget" in body.model_fields_set:
        changes["budget"] = asdict(_budget(body.budget, rules)) if body.budget else None
    if "run_between" in body.model_fields_set:
        changes["run_between"] = hours_of(body.run_between)
    if not changes and "notify" not in body.model_fields_set:
        named = ", ".join(BulkChange.model_fields)
        raise InvalidInput(NOT_VALID, (Fault("", f"name something to change: {named}"),))
    return changes


def choice_of(body: JobSelect, by: str) -> Choice:
    """Raises `InvalidInput` unless it has exactly one of `choice` and `edited`."""
    if (body.choice is None) == (body.edited is None):
        raise InvalidInput(NOT_VALID, (Fault("", "give either choice or edited"),))
    return Choice(by, body.choice, body.edited.model_dump(exclude_none=True) if body.edited else None)


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


def _missing_faults(body: BulkCreate) -> list[Fault]:
    return [Fault(name, "is required") for name in ("mode", "items") if getattr(body, name) is None]


def _span(rules: BulkRules) -> str:
    return f"{rules.min_items}-{rules.max_items}" if rules.min_items < rules.max_items else f"{rules.max_items}"


def _count_fault(body: BulkCreate, rules: BulkRules) -> Fault | None:
    if body.items is None or rules.min_items <= (has := len(body.items)) <= rules.max_items:
        return None
    return Fault("items", f"has {has}" if has <= MOST_ITEMS else f"has more than {MOST_ITEMS}")


def _faults_of_items(body: BulkCreate, pipeline: PipelineSpec | None, rules: BulkRules) -> list[Fault]:
    """Of the first so many."""
    faults: list[Fault] = []
    for position, item in enumerate(body.items or [] if body.mode is not None else []):
        faults += item_faults(body.mode or "", item, f"items.{position}.", pipeline, rules)
        if len(faults) >= MAX_FAULTS:
            break
    return faults
