"""How one running of a job can end, and the one write that each end is. No database is touched here.

Each write gives up the lease and, but for `Unclaimed`, leaves an attempt that remembers the token: so a repeat of
one's own finish can be told from a lost lease (I3).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, assert_never

from bson import ObjectId

from jobs.clock import NEVER
from jobs.documents import MAX_ATTEMPTS_KEPT, Lane
from jobs.states import ENDED_JOBS, JobStatus
from jobs.store import Document


@dataclass(frozen=True)
class Completed:
    """The generator gave `content`, and told its `cost` or not; `meta` is what Pressrun adds (`result_meta`)."""

    content: Any
    meta: Document
    cost: float | None = None


@dataclass(frozen=True)
class Failed:
    """For good. `definite`: the generator gave an answer, so the next call needs a new key (I9)."""

    error: str
    definite: bool
    cost: float | None = None


@dataclass(frozen=True)
class Retry:
    """To be tried again after `wait`; `counted` where it uses up one of the job's retries."""

    error: str
    wait: timedelta
    counted: bool
    definite: bool
    cost: float | None = None


@dataclass(frozen=True)
class HandedBack:
    """Stopped on purpose (abort, shutdown): keeps its place, its retries and its key."""

    reason: str


@dataclass(frozen=True)
class Cancelled:
    """Stopped because a person cancelled it."""


@dataclass(frozen=True)
class Unclaimed:
    """Taken, but never started. It may run again after `wait`, and `waits_for` another job to complete."""

    wait: timedelta = timedelta(0)
    waits_for: ObjectId | None = None


@dataclass(frozen=True)
class Lost:
    """Its owner did not renew the lease; `final` when that happened once too often."""

    final: bool


Outcome = Completed | Failed | Retry | HandedBack | Cancelled | Unclaimed | Lost

MAX_LOST_WORKERS = 3
WORKER_DIED = f"worker died {MAX_LOST_WORKERS} times"


def status_after(outcome: Outcome) -> JobStatus:
    match outcome:
        case Completed():
            return JobStatus.COMPLETED
        case Failed() | Lost(final=True):
            return JobStatus.FAILED
        case Cancelled():
            return JobStatus.CANCELLED
        case Retry() | HandedBack() | Unclaimed() | Lost():
            return JobStatus.QUEUED
    assert_never(outcome)


def status_after_attempt(attempt_entry: Document) -> JobStatus:
    """What the running that left this attempt made of its job."""
    name = attempt_entry["outcome"]
    return JobStatus(name) if name in ENDED_JOBS else JobStatus.QUEUED


def puts_back(outcome: Outcome) -> bool:
    return status_after(outcome) is JobStatus.QUEUED


def attempt_name(outcome: Outcome) -> str:
    match outcome:
        case Retry():
            return "retried"
        case HandedBack():
            return "handed_back"
        case Lost():
            return "lost"
        case _:
            return status_after(outcome).value


@dataclass(frozen=True)
class Charge:
    """By how much an end changes its job's `cost`, and what is `owed` after it.

    `owed` is the part that is only set aside: a call may have been paid for of which no definite answer came. Its
    repeat has the same key (I9), is paid once, and settles that.
    """

    change: float
    owed: float


def charge(outcome: Outcome, job: Document) -> Charge:
    """`job` as it was claimed: its lease says what was set aside for this running."""
    set_aside: float = job["lease"]["cost"]
    owed: float = job["owed"]
    match outcome:
        case Completed(cost=cost):
            return Charge((set_aside if cost is None else cost) - owed, 0.0)
        case Failed(definite=True, cost=cost) | Retry(definite=True, cost=cost):
            return Charge((cost or 0.0) - owed, 0.0)
        case Failed(cost=0.0) | Unclaimed() | Retry(counted=False):  # nothing was begun that could be paid for
            return Charge(0.0, owed)
        case Failed() | Retry() | HandedBack() | Cancelled() | Lost():
            return Charge(max(set_aside, owed) - owed, max(set_aside, owed))
    assert_never(outcome)


def update_for(outcome: Outcome, job: Document, now: datetime) -> Document:
    """The write on the running `job` (as it was claimed) that makes this its end."""
    charged = charge(outcome, job)
    changes: Document = {
        "status": status_after(outcome).value,
        "lease": None,
        "wish": None,
        "current_stage": None,
    }
    grown: Document = {"rev": 1}
    match outcome:
        case Completed(content, meta):
            changes |= {"result": content, "result_meta": meta, "error": None, "completed_at": now}
        case Failed(error, definite):
            changes |= {"error": error, "completed_at": now}
            grown |= {"call_number": int(definite)}
        case Retry(error, wait, counted, definite):
            changes |= {"error": error, "lane": Lane.AGAIN.value, "due_at": now + wait}
            grown |= {"call_number": int(definite), "retry_count" if counted else "uncounted_retries": 1}
        case HandedBack():
            changes |= {"due_at": now}
            grown |= {"uncounted_retries": 1}
        case Cancelled():
            changes |= {"completed_at": now}
        case Lost(final):
            changes |= {"error": WORKER_DIED, "completed_at": now} if final else {"due_at": now}
            grown |= {"lost_workers": 1}
        case Unclaimed(wait, waits_for):
            if wait:
                changes |= {"due_at": now + wait, "waits_for": waits_for}
            return {"$set": changes, "$inc": grown}
        case _:
            assert_never(outcome)
    changes["owed"] = charged.owed
    grown["cost"] = charged.change
    changes["started_at"] = job["started_at"] or job["lease"]["taken_at"]
    return {
        "$set": changes,
        "$inc": grown,
        "$push": attempt(job["lease"], now, attempt_name(outcome), _error(outcome), charged.change),
    }


def attempt(lease: Document, now: datetime, outcome: str, error: str | None, cost: float) -> Document:
    """The `$push` that keeps the last attempts of a job."""
    entry = {
        "token": lease["token"],
        "worker_id": lease["worker_id"],
        "started_at": lease["taken_at"],
        "ended_at": now,
        "outcome": outcome,
        "error": error,
        "cost": cost,
    }
    return {"attempts": {"$each": [entry], "$slice": -MAX_ATTEMPTS_KEPT}}


def due_after(outcome: Outcome, now: datetime) -> datetime:
    """When the job may run again: `NEVER` where it ended."""
    match outcome:
        case Retry(wait=wait) | Unclaimed(wait=wait):
            return now + wait
        case HandedBack() | Lost(final=False):
            return now
        case _:
            return NEVER


def _error(outcome: Outcome) -> str | None:
    match outcome:
        case Failed(error=error) | Retry(error=error):
            return error
        case HandedBack(reason=reason):
            return reason
        case Lost():
            return "the worker stopped renewing its lease"
        case _:
            return None
