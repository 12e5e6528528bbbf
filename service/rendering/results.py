"""Renders finished jobs as files, a piece at a time; nothing is read from the database here.

A job is a plain document (dates are ISO 8601 text): `id`, `position`, `status`, `content`, its item's fields.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from jobs.slug import slugify
from service.wire.json_text import dumps

Job = Mapping[str, Any]
Jobs = AsyncIterable[Job] | Iterable[Job]

CSV_HEADER = (
    "id",
    "queue_position",
    "external_id",
    "topic",
    "status",
    "word_count",
    "completed_at",
    "content",
    "result_dropped_at",
)
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_TEXT_FIELDS = (("markdown", "md"), ("content", "md"), ("text", "md"), ("html", "html"))
_EARLIEST, _LATEST = datetime(1980, 1, 1, tzinfo=UTC), datetime(2107, 12, 31, 23, 59, 58, tzinfo=UTC)


@dataclass(frozen=True)
class BulkSummary:
    """What the manifest says of the bulk itself; `counts` are its counters by name."""

    id: str
    name: str | None
    status: str
    counts: Mapping[str, int]


async def as_json(bulk_job_id: str, jobs: Jobs) -> AsyncIterator[bytes]:
    """One document, `{"bulk_job_id": ..., "results": [...]}`, with the jobs as they are."""
    yield f'{{"bulk_job_id":{dumps(bulk_job_id)},"results":['.encode()
    separator = ""
    async for job in _each(jobs):
        yield f"{separator}{dumps(dict(job))}".encode()
        separator = ","
    yield b"]}"


async def as_jsonl(jobs: Jobs) -> AsyncIterator[bytes]:
    """A job a line."""
    async for job in _each(jobs):
        yield f"{dumps(dict(job))}\n".encode()


async def as_csv(jobs: Jobs) -> AsyncIterator[bytes]:
    """RFC 4180 with a byte order mark, for Excel; what a spreadsheet would run as a formula gets a `'`."""
    yield b"\xef\xbb\xbf" + _csv_line(CSV_HEADER)
    async for job in _each(jobs):
        article = article_of(job)
        yield _csv_line(
            (
                job.get("id"),
                job.get("position"),
                job.get("external_id"),
                title_of(job),
                job.get("status"),
                _word_count(job, article),
                job.get("completed_at"),
                article.text if article else "",
                job.get("result_dropped_at"),
            )
        )


async def as_zip(bulk: BulkSummary, jobs: Jobs) -> AsyncIterator[bytes]:
    """A file an article, `001-slug.md`, and `manifest.json` last. The same jobs give the same bytes."""
    sink = _Sink()
    entries: list[dict[str, Any]] = []
    latest = _EARLIEST
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        async for job in _each(jobs):
            completed = _moment(job.get("completed_at"))
            latest = max(latest, completed)
            article = article_of(job)
            entry = _manifest_entry(job, article)
            if article:
                archive.writestr(_member(entry["file"], completed), article.data)
                yield sink.take()
            entries.append(entry)
        manifest = {
            "bulk_job_id": bulk.id,
            "name": bulk.name,
            "status": bulk.status,
            "counts": dict(bulk.counts),
            "articles": entries,
        }
        archive.writestr(_member("manifest.json", latest), _pretty(manifest).encode("utf-8", "backslashreplace"))
    yield sink.take()


def title_of(job: Job) -> str:
    """What the article is about, in the words of its item; of a format, which it is."""
    told = _format_of(job)
    if told:
        return told
    for field in ("topic", "trend", "keywords", "source_url"):
        value = job.get(field)
        if isinstance(value, list):
            value = ", ".join(str(part) for part in value)
        if isinstance(value, str) and value:
            return value
    return ""


@dataclass(frozen=True)
class Article:
    """The text of a file, and how its name ends."""

    text: str
    suffix: str

    @property
    def data(self) -> bytes:
        # In JSON a lone surrogate is written as an escape; in other text there is no way to write it.
        return self.text.encode("utf-8", "backslashreplace" if self.suffix == "json" else "replace")


def article_of(job: Job) -> Article | None:
    """The text that the pipeline has cleaned, where it did; else the content as the generator gave it."""
    content = job.get("content")
    if content is None:
        return None
    cleaned = _meta(job).get("markdown")
    if isinstance(cleaned, str):
        return Article(cleaned, "md")
    if isinstance(content, str):
        return Article(content, "md")
    if isinstance(content, dict):
        for field, suffix in _TEXT_FIELDS:
            if isinstance(content.get(field), str):
                return Article(content[field], suffix)
    return Article(_pretty(content), "json")


def name_of(job: Job, article: Article) -> str:
    """Of its file: `001-slug.md`."""
    slug = _meta(job).get("slug")
    named_for = slug if isinstance(slug, str) and slug and not _format_of(job) else title_of(job)
    return f"{job['position']:03d}-{slugify(named_for)}.{article.suffix}"


def _manifest_entry(job: Job, article: Article | None) -> dict[str, Any]:
    return {
        "file": name_of(job, article) if article else None,
        "id": job.get("id"),
        "position": job["position"],
        "topic": title_of(job),
        "external_id": job.get("external_id"),
        "status": job.get("status"),
        "error": job.get("error"),
        "word_count": _word_count(job, article),
        "sha256": hashlib.sha256(article.data).hexdigest() if article else None,
        "result_dropped_at": job.get("result_dropped_at"),
    }


def _format_of(job: Job) -> str:
    """All formats of a bulk are of one source: only this tells them apart."""
    template, verbosity = (_meta(job).get(name) for name in ("template", "verbosity"))
    if not isinstance(template, str):
        return ""
    return f"{template} ({verbosity})" if isinstance(verbosity, str) else template


def _word_count(job: Job, article: Article | None) -> int | None:
    counted = _meta(job).get("word_count")
    if isinstance(counted, int):
        return counted
    return len(article.text.split()) if article and article.suffix == "md" else None


def _meta(job: Job) -> Mapping[str, Any]:
    meta = job.get("result_meta")
    return meta if isinstance(meta, dict) else {}


def _csv_line(cells: Iterable[object]) -> bytes:
    line = io.StringIO(newline="")
    csv.writer(line, lineterminator="\r\n").writerow([_cell(cell) for cell in cells])
    return line.getvalue().encode("utf-8", "replace")


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value


def _pretty(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def _member(name: str, moment: datetime) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, moment.timetuple()[:6])
    member.compress_type = zipfile.ZIP_DEFLATED
    member.create_system = 3  # Unix, wherever this runs: the bytes are the same
    member.external_attr = 0o644 << 16
    return member


def _moment(completed_at: object) -> datetime:
    """A moment that a ZIP archive can hold."""
    try:
        moment = datetime.fromisoformat(completed_at) if isinstance(completed_at, str) else _EARLIEST
    except ValueError:
        return _EARLIEST
    known = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return min(max(known, _EARLIEST), _LATEST)


async def _each(jobs: Jobs) -> AsyncIterator[Job]:
    if isinstance(jobs, AsyncIterable):
        async for job in jobs:
            yield job
    else:
        for job in jobs:
            yield job


class _Sink(io.RawIOBase):
    """Where the archive is written, and taken from as it grows: it cannot seek, so it need not keep."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken
