"""The one table of legal moves of bulks and jobs, drawn in docs/state_machine.md. Nothing is stored or decided here."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class BulkStatus(StrEnum):
    QUEUED = "queued"
    PROCESSING = "processing"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class JobStatus(StrEnum):
    QUEUED = "queued"
    PROCESSING = "processing"
    AWAITING_SELECTION = "awaiting_selection"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


BULK_MOVES: Mapping[BulkStatus, frozenset[BulkStatus]] = {
    BulkStatus.QUEUED: frozenset({BulkStatus.PROCESSING, BulkStatus.PAUSED, BulkStatus.CANCELLED}),
    BulkStatus.PROCESSING: frozenset({BulkStatus.PAUSED, BulkStatus.COMPLETED, BulkStatus.CANCELLED}),
    BulkStatus.PAUSED: frozenset(
        {BulkStatus.PROCESSING, BulkStatus.QUEUED, BulkStatus.COMPLETED, BulkStatus.CANCELLED}
    ),
    BulkStatus.COMPLETED: frozenset({BulkStatus.PROCESSING}),
    BulkStatus.CANCELLED: frozenset({BulkStatus.PROCESSING}),
}

JOB_MOVES: Mapping[JobStatus, frozenset[JobStatus]] = {
    JobStatus.QUEUED: frozenset({JobStatus.PROCESSING, JobStatus.CANCELLED}),
    JobStatus.PROCESSING: frozenset(
        {
            JobStatus.COMPLETED,
            JobStatus.FAILED,
            JobStatus.QUEUED,
            JobStatus.AWAITING_SELECTION,
            JobStatus.CANCELLED,
        }
    ),
    JobStatus.AWAITING_SELECTION: frozenset({JobStatus.QUEUED, JobStatus.CANCELLED}),
    JobStatus.COMPLETED: frozenset(),
    JobStatus.FAILED: frozenset({JobStatus.QUEUED}),
    JobStatus.CANCELLED: frozenset({JobStatus.QUEUED}),
}

ACTIVE_BULKS = (BulkStatus.QUEUED, BulkStatus.PROCESSING)
"""Bulks whose jobs may start."""

LIVE_BULKS = (BulkStatus.QUEUED, BulkStatus.PROCESSING, BulkStatus.PAUSED)
"""Bulks that have not ended."""

ENDED_JOBS = (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)
"""Jobs that count as done with: a bulk whose jobs all are is over."""

LIVE_JOBS = (JobStatus.QUEUED, JobStatus.PROCESSING, JobStatus.AWAITING_SELECTION)


def bulks_that_may_become(target: BulkStatus) -> tuple[BulkStatus, ...]:
    return tuple(status for status, targets in BULK_MOVES.items() if target in targets)


def jobs_that_may_become(target: JobStatus) -> tuple[JobStatus, ...]:
    return tuple(status for status, targets in JOB_MOVES.items() if target in targets)
