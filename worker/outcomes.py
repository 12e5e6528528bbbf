"""From a failed or interrupted call to the outcome of the running: the retry rules of spec §6, as pure functions."""

from __future__ import annotations

import random
from datetime import timedelta
from enum import StrEnum
from typing import assert_never

from jobs.outcomes import Cancelled, Failed, HandedBack, Outcome, Retry
from jobs.store import Document
from worker.generator import CallFailed

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


def outcome_of_failure(job: Document, max_retries: int, failed: CallFailed, jitter: random.Random) -> Outcome:
    if failed.permanent:
        return Failed(failed.error, failed.definite, failed.cost)
    if failed.counted:
        if job["retry_count"] >= max_retries:
            return Failed(failed.error, failed.definite, failed.cost)
        wait = backoff(job["retry_count"], jitter)
    else:
        if job["uncounted_retries"] >= MAX_UNCOUNTED:
            error = f"{failed.error.rstrip('.')}. Given up after {MAX_UNCOUNTED} tries."
            return Failed(error, failed.definite, cost=0.0)
        wait = backoff(job["uncounted_retries"], jitter)
    if failed.wait is not None:
        wait = max(failed.wait, FIRST_BACKOFF)
    return Retry(failed.error, wait, failed.counted, failed.definite, failed.cost)


def outcome_of_interruption(job: Document, interruption: Interruption) -> Outcome | None:
    """None where the job is no longer ours to end."""
    match interruption:
        case Interruption.CANCEL:
            return Cancelled()
        case Interruption.TOO_LONG:
            return Failed("The job ran for more than 30 minutes.", definite=False)
        case Interruption.LEASE_LOST:
            return None
        case Interruption.ABORT | Interruption.SHUTDOWN:
            reason = "paused" if interruption is Interruption.ABORT else "the worker was stopped"
            if job["uncounted_retries"] >= MAX_UNCOUNTED:
                return Failed(f"Put back {MAX_UNCOUNTED} times without an end: {reason}.", definite=False)
            return HandedBack(reason)
    assert_never(interruption)
