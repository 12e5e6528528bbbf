"""From a failed or interrupted call to the outcome of the running: the retry rules of spec §6, as pure functions."""

from __future__ import annotations

import random
from datetime import timedelta
from enum import StrEnum
from typing import assert_never

from jobs.expenses import Expense
from jobs.outcomes import Cancelled, Failed, HandedBack, Outcome, Retry
from jobs.storage.store import Document
from worker.failures import StageFailed

FIRST_BACKOFF = timedelta(seconds=5)
MAX_BACKOFF = timedelta(minutes=5)
JITTER = 0.2
MAX_UNCOUNTED = 20


class Interruption(StrEnum):
    """Why a running job is stopped from outside."""

    CANCEL = "cancel"
    ABORT = "abort"
    SHUTDOWN = "shutdown"
    TOO_LONG = "too long"
    LEASE_LOST = "lease lost"


def backoff(failures_before: int, jitter: random.Random) -> timedelta:
    """5 s, 10 s, 20 s ... at most 5 min, each 20 % more or less."""
    exponential: timedelta = min(FIRST_BACKOFF * 2 ** min(failures_before, 16), MAX_BACKOFF)
    return exponential * (1 + jitter.uniform(-JITTER, JITTER))


def is_final(job: Document, max_retries: int, failed: StageFailed) -> bool:
    """Whether the job fails for good with this."""
    if failed.permanent or failed.turn:
        return failed.permanent
    used, most = (job["retry_count"], max_retries) if failed.counted else (job["uncounted_retries"], MAX_UNCOUNTED)
    return bool(used >= most)


def outcome_of_failure(
    job: Document, max_retries: int, failed: StageFailed, spent: Expense, jitter: random.Random
) -> Outcome:
    if is_final(job, max_retries, failed) and (failed.permanent or failed.counted):
        return Failed(failed.error, failed.definite, spent)
    if failed.turn:
        wait = max(failed.wait or FIRST_BACKOFF, FIRST_BACKOFF)
        return Retry(failed.error, wait, counted=False, definite=failed.definite, expense=spent, turn=True)
    if failed.counted:
        wait = backoff(job["retry_count"], jitter)
    else:
        if job["uncounted_retries"] >= MAX_UNCOUNTED:
            error = f"{failed.error.rstrip('.')}. Given up after {MAX_UNCOUNTED} tries."
            return Failed(error, failed.definite, spent)
        wait = backoff(job["uncounted_retries"], jitter)
    if failed.wait is not None:
        wait = max(failed.wait, FIRST_BACKOFF)
    return Retry(failed.error, wait, failed.counted, failed.definite, spent)


def outcome_of_interruption(job: Document, interruption: Interruption, spent: Expense) -> Outcome | None:
    """None where the job is no longer ours to end."""
    match interruption:
        case Interruption.CANCEL:
            return Cancelled(spent)
        case Interruption.TOO_LONG:
            return Failed("The job ran for more than 30 minutes.", definite=False, expense=spent)
        case Interruption.LEASE_LOST:
            return None
        case Interruption.ABORT | Interruption.SHUTDOWN:
            reason = "paused" if interruption is Interruption.ABORT else "the worker was stopped"
            if job["uncounted_retries"] >= MAX_UNCOUNTED:
                error = f"Put back {MAX_UNCOUNTED} times without an end: {reason}."
                return Failed(error, definite=False, expense=spent)
            return HandedBack(reason, spent)
    assert_never(interruption)
