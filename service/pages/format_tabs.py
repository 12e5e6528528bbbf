"""The formats of a source as tabs, in the order in which they end, and the text of the one that is open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from jobs.documents import JobId, parse_id
from jobs.errors import NotFound
from jobs.pipelines import FORMATS
from jobs.states import ENDED_JOBS, JobStatus
from jobs.storage.bson_json import plain
from jobs.storage.store import Document
from jobs.system import System
from service.pages import html
from service.pages.format_form import label_of
from service.pages.prose import Reading, reading
from service.rules.looking import bulk_told, progress_of, rows_of
from service.schemas.answers import BulkJob, FormatRow, Progress

MOST_TABS = 200


@dataclass(frozen=True)
class Tab:
    """`ended_at` is None before its end."""

    row: FormatRow
    label: str
    ended_at: str | None


@dataclass(frozen=True)
class Look:
    """`article` and its `text` as it may be copied, where the open one is completed."""

    bulk: BulkJob
    progress: Progress
    tabs: Sequence[Tab]
    more: int
    open: Tab
    article: Reading | None
    text: str
    may_write: bool


async def look_at_formats(parts: System, bulk: Document, chosen: str, *, may_write: bool) -> Look:
    """`chosen` is the id of a job of this bulk; without one, what has ended first is open. Raises `NotFound`."""
    if bulk["pipeline"] != FORMATS.name:
        raise NotFound("formats")
    told, held_up = await progress_of(parts, bulk)
    jobs = await parts.lookup.jobs_of(bulk, MOST_TABS)
    rows = await rows_of(parts, bulk, held_up, jobs)
    tabs = sorted((_tab(row, job) for row, job in zip(rows, jobs, strict=True)), key=_place)
    opened = next((tab for tab in tabs if tab.row.id == chosen), None) if chosen else tabs[0]
    if opened is None:
        raise NotFound("format")
    article, text = await _read(parts, bulk, opened) if opened.row.status is JobStatus.COMPLETED else (None, "")
    return Look(bulk_told(bulk, told), told, tabs, max(0, told.total - len(tabs)), opened, article, text, may_write)


def as_parts(look: Look, seen: str = "") -> Mapping[str, Markup]:
    """By the id of the element. `seen` is the state that the open one is shown in: a text that is there already is
    not sent again."""
    shown = ["head", "tabs"] if look.article and seen == JobStatus.COMPLETED else ["head", "tabs", "text"]
    return {f"formats-{name}": html.part("formats_parts.html", name, look) for name in shown}


def _tab(row: Any, job: Document) -> Tab:
    level = f", {row.verbosity}" if row.verbosity else ""
    ended = job["completed_at"] if row.status in ENDED_JOBS else None
    return Tab(row, label_of(row.template) + level, str(plain(ended)) if ended else None)


def _place(tab: Tab) -> tuple[int, str, int]:
    """What has ended by when that was; then what runs, then what waits, by position."""
    if tab.row.status in ENDED_JOBS:
        return 0, tab.ended_at or "", tab.row.queue_position
    return 1 if tab.row.status is JobStatus.PROCESSING else 2, "", tab.row.queue_position


async def _read(parts: System, bulk: Document, tab: Tab) -> tuple[Reading | None, str]:
    job = await parts.lookup.job(bulk["userId"], JobId(parse_id(tab.row.id, "job")))
    if job.get("result_dropped_at") is not None:
        return None, ""
    article = reading(plain(job["result"]), plain(job["result_meta"]))
    markdown = (job["result_meta"] or {}).get("markdown")
    return article, markdown if isinstance(markdown, str) else article.raw
