"""When a bulk pauses itself: its budget is used up, too many of its jobs failed, its canary has ended (spec §5, §6).

Pure functions over a bulk as it is counted. Such a bulk is always settled by a recount, which pauses it in that write.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from jobs.documents import A_HAIR
from jobs.events import BY_PRESSRUN
from jobs.storage.store import Document


class Cause(StrEnum):
    BUDGET = "budget"
    FAILURES = "failure_policy"
    CANARY = "canary"


@dataclass(frozen=True)
class SelfPause:
    cause: Cause
    reason: str


@dataclass(frozen=True)
class Standing:
    """A bulk's jobs, counted. `of_canary`: those of its first jobs that have not ended; `running`: slots that stand."""

    completed: int
    failed: int
    remaining: int
    running: int
    of_canary: int
    spent: float
    budget_left: float | None


def self_pause(bulk: Document, standing: Standing) -> SelfPause | None:
    """Why the bulk has to pause now; None where it may go on. One with nothing left to do never has to."""
    if standing.remaining == 0:
        return None
    return _over_limit(bulk, standing) or _canary_ended(bulk, standing) or _budget_used_up(bulk, standing)


def canary_is_over(bulk: Document, standing: Standing) -> bool:
    """Whether the bulk has a canary, and the last of it has just ended."""
    return bulk["ceiling"] is not None and not standing.of_canary and not standing.running


def pays_for(left: float, cost: float) -> bool:
    return left >= cost - A_HAIR


def pause_record(pause: SelfPause, now: datetime) -> Document:
    return {
        "at": now,
        "by": BY_PRESSRUN,
        "mode": "finish",
        "reason": pause.reason,
        "until": None,
        "cause": pause.cause.value,
    }


def _over_limit(bulk: Document, standing: Standing) -> SelfPause | None:
    policy = bulk["failure_policy"]
    if policy is None or policy["max_failed_percent"] is None:
        return None
    judged_from = bulk["judged_from"]
    failed = max(0, standing.failed - judged_from["failed"])
    ended = failed + max(0, standing.completed - judged_from["completed"])
    most = policy["max_failed_percent"]
    if ended < policy["min_items"] or 100 * failed <= most * ended:
        return None
    return SelfPause(Cause.FAILURES, f"{failed} of {ended} ended jobs have failed, more than {most:g} percent")


def _canary_ended(bulk: Document, standing: Standing) -> SelfPause | None:
    if not canary_is_over(bulk, standing):
        return None
    first = min(bulk["ceiling"], bulk["total_items"])
    ended = "the first job has ended: look at it" if first == 1 else f"the first {first} jobs have ended: look at them"
    return SelfPause(Cause.CANARY, f"{ended}, then resume")


def _budget_used_up(bulk: Document, standing: Standing) -> SelfPause | None:
    left = standing.budget_left
    if left is None or standing.running or pays_for(left, bulk["job_cost"]):
        return None
    budget = bulk["budget"]["cost"]
    said = f"{standing.spent:.2f} of the budget of {budget:.2f} is spent, and a job may cost {bulk['job_cost']:.2f}"
    return SelfPause(Cause.BUDGET, said)
