"""The parts of a bulk's page that change while somebody looks, by the id of their element: for the page as it is
opened, for its stream, and for what its buttons answer. Nothing is read here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from service.pages import html
from service.schemas.answers import BulkJob, JobRow, Progress

MOST_CELLS = 200
"""A larger bulk has a bar, and no sheet with a cell an article."""


@dataclass(frozen=True)
class Look:
    """As whom: who may only read is shown no buttons."""

    may_write: bool


def of_bulk(bulk: BulkJob, progress: Progress, look: Look) -> Mapping[str, Markup]:
    """All but what tells of single articles."""
    return {
        "bulk-head": html.part("bulk_parts.html", "head", bulk, progress, look.may_write),
        "bulk-figures": html.part("bulk_parts.html", "figures", bulk, progress),
        "bulk-facts": html.part("bulk_parts.html", "facts", bulk, progress),
        "bulk-errors": html.part("bulk_parts.html", "errors", bulk),
        **{f"count-{name}": html.part("bulk_parts.html", "count", name, n) for name, n in counts(progress).items()},
    }


def of_job(job: JobRow, bulk_id: str, look: Look) -> Mapping[str, Markup]:
    """Its row, and its cell in the sheet."""
    row = html.part("bulk_rows.html", "row", job, bulk_id, look.may_write)
    return {f"job-{job.id}": row, f"cell-{job.id}": html.part("bulk_rows.html", "cell", job)}


def sheet(jobs: Sequence[JobRow]) -> Markup:
    return html.part("bulk_rows.html", "sheet", jobs)


def counts(progress: Progress) -> Mapping[str, int]:
    """Of its articles by status, `all` of them first."""
    return {
        "all": progress.total,
        "processing": progress.running,
        "queued": progress.remaining - progress.running - progress.awaiting,
        "awaiting_selection": progress.awaiting,
        "completed": progress.completed,
        "failed": progress.failed,
        "cancelled": progress.cancelled,
    }
