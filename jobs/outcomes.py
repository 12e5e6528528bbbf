"""How one running of a job can end, and the one write that each end is. No database is touched here.

Each write gives up the lease and, but for `Unclaimed`, leaves an attempt that remembers the token: so a repeat of
one's own finish can be told from a lost lease (I3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, assert_never

from bson import ObjectId

from jobs import events
from jobs.clock import NEVER
from jobs.documents import MAX_ATTEMPTS_KEPT, Lane
from jobs.expenses import Charge, Expense, charge, known_to_lease
from jobs.states import ENDED_JOBS, JobStatus
from jobs.storage.revisions import changed
from jobs.storage.store import Document


@dataclass(frozen=True)
class Completed:
    """The pipeline gave `content`; `meta` is what Pressrun adds (`result_meta`), `sketch` tells it from siblings."""

    content: Any
    meta: Document
    expense: Expense | None = None
    sketch: list[int] | None = None


@dataclass(frozen=True)
class Failed:
    """For good. `definite`: the generator gave an answer, so the next call needs a new key (I9).

    `unanswered`: those calls beside it that got none, each `{call, n}`: they are repeated under their own key.
    """

    error: str
    definite: bool
    expense: Expense | None = None
    unanswered: Sequence[Document] = ()


@dataclass(frozen=True)
class Retry:
    """To be tried again after `wait`; `counted` where it uses up one of the job's retries. Else as `Failed`.

    `turn`: nothing has failed, it waits for its turn at a limit of ours. That uses up nothing, and keeps its place.
    """

    error: str
    wait: timedelta
    counted: bool
    definite: bool
    expense: Expense | None = None
    unanswered: Sequence[Document] = ()
    turn: bool = False


@dataclass(frozen=True)
class Awaiting:
    """A person has to choose, or else the deadline does; nothing is held meanwhile. `selection` is what they see."""

    selection: Document
    expense: Expense | None = None


@dataclass(frozen=True)
class HandedBack:
    """Stopped on purpose (abort, shutdown): keeps its place, its retries and its key."""

    reason: str
    expense: Expense | None = None


@dataclass(frozen=True)
class Cancelled:
    """Stopped because a person cancelled it."""

    expense: Expense | None = None


@dataclass(frozen=True)
class Unclaimed:
    """Taken, but never started. It may run again after `wait`, and `waits_for` another job to complete; its bulk starts
    none for the time of `spacing`."""

    wait: timedelta = timedelta(0)
    spacing: timedelta = timedelta(0)
    waits_for: ObjectId | None = None


@dataclass(frozen=True)
class Lost:
    """Its owner did not renew the lease; `final` when that happened once too often."""

    final: bool


Outcome = Completed | Failed | Retry | Awaiting | HandedBack | Cancelled | Unclaimed | Lost

NOTHING_KEPT: Document = {"checkpoints": {}, "paid": {}, "sent_back": None}
"""A job that is completed needs none of it any more."""

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
        case Awaiting():
            return JobStatus.AWAITING_SELECTION
        case Retry() | HandedBack() | Unclaimed() | Lost():
            return JobStatus.QUEUED
    assert_never(outcome)


def status_after_attempt(attempt_entry: Document) -> JobStatus:
    """What the running that left this attempt made of its job."""
    name = attempt_entry["outcome"]
    return JobStatus(name) if name in (*ENDED_JOBS, JobStatus.AWAITING_SELECTION) else JobStatus.QUEUED


def goes_on(outcome: Outcome) -> bool:
    """Whether the job has not ended with this running: a person may have cancelled it meanwhile."""
    return status_after(outcome) not in ENDED_JOBS


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


def expense_of(outcome: Outcome, job: Document) -> Expense:
    """Where the outcome does not tell it, what the lease knows: a call may be open beside that."""
    match outcome:
        case Unclaimed():
            return Expense()
        case Completed(expense=None):
            return replace(known_to_lease(job), settled=True, untold=True)
        case Lost():
            return replace(known_to_lease(job), open=True)
        case _:
            return outcome.expense or replace(known_to_lease(job), open=True)


def charge_of(outcome: Outcome, job: Document) -> Charge:
    """By how much this end changes what the `job`, as it was claimed, has cost."""
    return charge(expense_of(outcome, job), job)


def update_for(outcome: Outcome, job: Document, now: datetime) -> Document:
    """The write on the running `job` (as it was claimed) that makes this its end."""
    charged = charge_of(outcome, job)
    changes: Document = {
        "status": status_after(outcome).value,
        "lease": None,
        "wish": None,
    }
    grown: Document = {}
    match outcome:
        case Completed(content, meta, sketch=sketch):
            changes |= {"result": content, "result_meta": meta, "sketch": sketch, "error": None, "completed_at": now}
            changes |= {"percentage": 100, "current_stage": None, **NOTHING_KEPT}
        case Failed(error, definite, unanswered=unanswered):
            changes |= {"error": error, "completed_at": now, "unanswered": list(unanswered)}
            grown |= {"call_number": int(definite)}
        case Retry(error, wait, counted, definite, unanswered=unanswered, turn=turn):
            changes |= {"error": error, "due_at": now + wait, "unanswered": list(unanswered)}
            grown |= {"call_number": int(definite)}
            if not turn:
                changes["lane"] = Lane.AGAIN.value
                grown["retry_count" if counted else "uncounted_retries"] = 1
        case Awaiting(selection):
            changes |= {"error": None, "selection": {**selection, "asked_at": now}}
        case HandedBack():
            changes |= {"due_at": now}
            grown |= {"uncounted_retries": 1}
        case Cancelled():
            changes |= {"completed_at": now}
        case Lost(final):
            changes |= {"error": WORKER_DIED, "completed_at": now} if final else {"due_at": now}
            grown |= {"lost_workers": 1}
        case Unclaimed(wait=wait, waits_for=waits_for):
            if wait:
                changes |= {"due_at": now + wait, "waits_for": waits_for}
            return changed({"$set": changes})
        case _:
            assert_never(outcome)
    changes["owed"] = charged.owed
    grown |= {"cost": charged.change, "usage.input_tokens": charged.tokens.input}
    grown |= {"usage.output_tokens": charged.tokens.output}
    changes["started_at"] = job["started_at"] or job["lease"]["taken_at"]
    pushed = attempt(job["lease"], now, attempt_name(outcome), _error(outcome), charged)
    if tells(outcome):
        pushed["events"] = {"$each": [_event(outcome, job, now)]}
    return changed({"$set": changes, "$inc": grown, "$push": pushed})


def tells(outcome: Outcome) -> bool:
    """Whether the job's owner is told of this end: there is an event in its write."""
    return isinstance(outcome, Failed | Awaiting) or outcome == Lost(final=True)


def _event(outcome: Outcome, job: Document, now: datetime) -> Document:
    match outcome:
        case Awaiting(selection):
            return events.awaiting(job, now, selection)
        case Failed(error=error):
            return events.failed(job, now, error)
        case _:
            return events.failed(job, now, WORKER_DIED)


def attempt(lease: Document, now: datetime, outcome: str, error: str | None, charged: Charge) -> Document:
    """The `$push` that keeps the last attempts of a job."""
    entry = {
        "token": lease["token"],
        "worker_id": lease["worker_id"],
        "started_at": lease["taken_at"],
        "ended_at": now,
        "outcome": outcome,
        "error": error,
        "cost": charged.change,
        "usage": {"input_tokens": charged.tokens.input, "output_tokens": charged.tokens.output},
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
