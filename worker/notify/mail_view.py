"""What the templates of mail are shown: an event's facts as texts and numbers, and links. Nothing is rendered here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from jobs.events import EventType
from jobs.notification.digests import DIGEST
from jobs.storage.store import Document

OF_JOBS = (EventType.JOB_FAILED, EventType.JOB_AWAITING)
FIRST_FAILURES = 5


@dataclass(frozen=True)
class Links:
    """`public_url` is where the service's pages are reached, without a slash at its end; None: mail has no links."""

    public_url: str | None

    def page(self, bulk_id: object, job_id: object = None) -> str | None:
        if bulk_id is None:
            return None
        return self._to(f"/jobs/{job_id}" if job_id is not None else f"/bulks/{bulk_id}")

    def results(self, bulk_id: object) -> str | None:
        return self._to(f"/api/bulk-generate/{bulk_id}/results?format=zip") if bulk_id is not None else None

    def selections(self) -> str | None:
        return self._to("/selections")

    def unsubscribe(self, token: str | None) -> str | None:
        return self._to(f"/unsubscribe/{token}") if token is not None else None

    def _to(self, path: str) -> str | None:
        return f"{self.public_url}{path}" if self.public_url is not None else None


def template_of(kind: str) -> str:
    """Which of the templates tells of this type of event."""
    return "digest" if kind == DIGEST else "job" if kind in OF_JOBS else "bulk"


def view(body: Document, bulk_id: object, job_id: object, links: Links) -> dict[str, Any]:
    """`body` is an event as it is stored, or a digest."""
    kind, data = body["type"], body["data"]
    if kind == DIGEST:
        told = [_line(one, view(one, one["bulk_job_id"], one["job_id"], links)) for one in data["events"]]
        more = len(data["event_ids"]) - len(told)
        date = f"{body['at']:%Y-%m-%d}"
        return {"kind": kind, "named": f"your bulks until {date}", "date": date, "events": told, "more": more}
    shown = {"kind": kind, "at": _moment(body["at"]), "page": links.page(bulk_id, job_id)}
    if kind in OF_JOBS:
        return shown | _job(kind, data, links)
    return shown | _bulk(kind, data, body["generation"], links.results(bulk_id))


def _line(event: Document, shown: dict[str, Any]) -> dict[str, Any]:
    """Of a digest: a job's has the bulk's name before its own."""
    bulk = event["bulk"] if event["type"] in OF_JOBS else None
    return shown | {"named": f"{bulk}: {shown['named']}" if bulk else shown["named"]}


def _bulk(kind: str, data: Mapping[str, Any], generation: int, results: str | None) -> dict[str, Any]:
    pause = data["pause"] or {}
    return {
        "sentence": _of_bulk(kind, data),
        "counts": _counts(data),
        "named": data["name"] or f"bulk of {_articles(data['total'])}",
        "name": data["name"],
        "total": data["total"],
        "completed": data["completed"],
        "failed": data["failed"],
        "cancelled": data["cancelled"],
        "remaining": _remaining(data),
        "percent": data.get("percent"),
        "again": generation > 1,
        "took": _took(data["started_at"], data["completed_at"]),
        "cost": _cost(data["cost"]),
        "reason": pause.get("reason"),
        "until": _moment(pause.get("until")),
        "errors": _first(data["errors"]),
        "results": results if data["completed"] else None,
    }


def _job(kind: str, data: Mapping[str, Any], links: Links) -> dict[str, Any]:
    return {
        "sentence": _of_job(kind, data),
        "counts": None,
        "named": data["title"] or f"article {data['position']}",
        "position": data["position"],
        "title": data["title"],
        "error": data.get("error"),
        "options": data.get("options"),
        "until": _moment(data.get("until")),
        "selections": links.selections(),
    }


def _of_bulk(kind: str, data: Mapping[str, Any]) -> str:
    reason = (data["pause"] or {}).get("reason")
    match kind:
        case EventType.BULK_COMPLETED if data["completed"] == data["total"]:
            return f"{_articles(data['total']).capitalize()} {'is' if data['total'] == 1 else 'are'} done."
        case EventType.BULK_COMPLETED:
            return "The bulk is done."
        case EventType.BULK_PAUSED:
            return f"The bulk is paused: {_one_line(reason)}" if reason else "The bulk is paused."
        case EventType.BULK_CANCELLED:
            return "The bulk was cancelled."
    return f"{data['percent']} % of the articles have ended."


def _of_job(kind: str, data: Mapping[str, Any]) -> str:
    if kind == EventType.JOB_FAILED:
        return f"Article {data['position']} failed: {_one_line(data['error'])}"
    until = f", until {_moment(data['until'])}" if data["until"] else ""
    return f"Article {data['position']} waits for a choice among {data['options']}{until}."


def _counts(data: Mapping[str, Any]) -> str:
    others = {"failed": data["failed"], "cancelled": data["cancelled"], "to do": _remaining(data)}
    some = [f"{count:,} {what}" for what, count in others.items() if count]
    return ", ".join([f"{data['completed']:,} of {data['total']:,} completed", *some])


def _remaining(data: Mapping[str, Any]) -> int:
    left: int = data["total"] - data["completed"] - data["failed"] - data["cancelled"]
    return left


def _articles(count: int) -> str:
    return "one article" if count == 1 else f"{count:,} articles"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _first(errors: Sequence[str]) -> list[str]:
    return list(errors[:FIRST_FAILURES])


def _moment(at: datetime | None) -> str | None:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at is not None else None


def _took(started_at: datetime | None, completed_at: datetime | None) -> str | None:
    return duration(completed_at - started_at) if started_at is not None and completed_at is not None else None


def duration(of: timedelta) -> str:
    """Of its two largest units."""
    seconds = max(0, round(of.total_seconds()))
    units = ((seconds // 86_400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s"))
    first = next((place for place, (count, _) in enumerate(units) if count), len(units) - 1)
    return " ".join(f"{count} {unit}" for count, unit in units[first : first + 2] if count) or "0 s"


def _cost(cost: float) -> str | None:
    """In whatever the generators count it; None where nothing was paid."""
    if cost <= 0:
        return None
    return f"{cost:,.2f}" if cost >= 0.1 else f"{cost:.2g}"
