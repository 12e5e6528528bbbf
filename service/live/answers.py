"""What streams tell: the API's own shapes, each with the `rev` of the document that it tells of. None is made here.

A queue is no document: its `rev` is the moment it was looked at, in milliseconds.
"""

from __future__ import annotations

from service.schemas.answers import AnyRow, BulkDetail, BulkJob, Model, Progress
from service.schemas.job_answers import JobDetail
from service.schemas.system_answers import QueueState


class BulkSnapshot(BulkDetail):
    """All of a bulk, as `GET /api/bulk-generate/{id}` answers it: its first 200 jobs."""

    rev: int


class BulkUpdate(Model):
    rev: int
    bulk_job: BulkJob
    progress: Progress


class RowUpdate(Model):
    """One job of the bulk that is listened to."""

    rev: int
    job: AnyRow


class JobUpdate(JobDetail):
    """All of the job that is listened to."""

    rev: int


class QueueUpdate(QueueState):
    rev: int


Told = BulkSnapshot | BulkUpdate | RowUpdate | JobUpdate | QueueUpdate
