"""What the results of a bulk are as JSON: `service/rendering/results.py` renders them. None is made here."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict

from jobs.states import JobStatus
from service.schemas.answers import Identifier, Model, Moment


class FinishedJob(Model):
    """`content` is what was generated, null where it failed, and from `result_dropped_at` on; `position` is its place
    in the queue. The item's declared fields stand beside these, as the item gave them, and of a format `template` and
    `verbosity`."""

    model_config = ConfigDict(extra="allow")

    id: Identifier
    position: int
    mode: str
    status: JobStatus
    error: str | None
    content: Any
    result_meta: Any
    result_dropped_at: Moment | None
    completed_at: Moment | None


class BulkResults(Model):
    """What is finished so far, in queue order."""

    bulk_job_id: Identifier
    results: list[FinishedJob]
