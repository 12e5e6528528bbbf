"""The parts of a job's page that change while somebody looks, by the id of their element. Nothing is read here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from jobs.states import JobStatus
from service.pages import html
from service.pages.bulk_parts import Look
from service.pages.prose import Reading, reading
from service.schemas.job_answers import Job

AGAIN = (JobStatus.FAILED, JobStatus.CANCELLED)


def of_job(job: Job, look: Look) -> Mapping[str, Markup]:
    return {
        "job-head": html.part("job_parts.html", "head", job, stages_to_begin_at(job), look.may_write),
        "job-now": html.part("job_parts.html", "now", job),
        "job-article": html.part("job_parts.html", "article", job, article_of(job)),
        "job-choice": html.part("job_parts.html", "choice", job),
        "job-stages": html.part("job_parts.html", "stages", job),
        "job-attempts": html.part("job_parts.html", "attempts", job),
        "job-facts": html.part("job_parts.html", "facts", job),
    }


def article_of(job: Job) -> Reading | None:
    """None where there is none, or none any more."""
    if job.status is not JobStatus.COMPLETED or job.result_dropped_at is not None:
        return None
    return reading(job.result, job.result_meta)


def stages_to_begin_at(job: Job) -> Sequence[str]:
    """From which a retry may begin: those that it has come to."""
    if job.status not in AGAIN:
        return []
    names = [stage.name for stage in job.stages]
    return names[: names.index(job.current_stage) + 1] if job.current_stage in names else []
