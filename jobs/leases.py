"""Every filter and every write that has to do with a lease; none is spelled anywhere else.

A lease is a running job's `{token, worker_id, taken_at, until, cost, spent}`. The token fences (I3): a write that
names it changes nothing once the job was put back or ended.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from jobs.documents import JobId, Token
from jobs.errors import PressrunError
from jobs.states import JobStatus
from jobs.storage.store import Document


@dataclass(eq=False)
class LeaseLost(PressrunError):
    """The lease of job {job_id} is lost: it was put back or ended by somebody else."""

    job_id: JobId


def new_token() -> Token:
    return Token(secrets.token_hex(12))


def new_lease(token: Token, worker_id: str, now: datetime, until: datetime, *, cost: float = 0.0) -> Document:
    """`cost` is what is set aside for this running; `spent` is what it has told of that so far."""
    return {"token": token, "worker_id": worker_id, "taken_at": now, "until": until, "cost": cost, "spent": None}


def owned(job_id: JobId, shard: int, token: Token) -> Document:
    """The job, while this token still owns it."""
    return {"_id": job_id, "shard": shard, "status": JobStatus.PROCESSING.value, "lease.token": token}


def owned_any(owners: Iterable[tuple[JobId, Token]]) -> Document:
    """Those of several jobs that are still owned by the token given for them."""
    pairs = list(owners)
    return {
        "_id": {"$in": [job_id for job_id, _ in pairs]},
        "status": JobStatus.PROCESSING.value,
        "lease.token": {"$in": [token for _, token in pairs]},
    }


def renewed(until: datetime) -> Document:
    return {"$set": {"lease.until": until}}


def spent(expense: Document) -> Document:
    return {"lease.spent": expense}


def expired(now: datetime) -> Document:
    """Running jobs whose owner has not renewed its lease."""
    return {"schema": 1, "status": JobStatus.PROCESSING.value, "lease.until": {"$lte": now}}


def still_expired(job: Document, now: datetime) -> Document:
    """The same job, if in the meantime its lease was neither renewed nor given up."""
    return owned(job["_id"], job["shard"], job["lease"]["token"]) | {"lease.until": {"$lte": now}}


def holds(job: Document | None, token: str) -> bool:
    return (
        job is not None
        and job["status"] == JobStatus.PROCESSING.value
        and job.get("lease") is not None
        and job["lease"]["token"] == token
    )
