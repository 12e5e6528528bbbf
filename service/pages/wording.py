"""How values read on pages: statuses, durations, moments, numbers. Nothing is looked up here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup, escape

from service.rendering.about import about

MOMENT = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) UTC")
STATUSES: Mapping[str, str] = {
    "queued": "Queued",
    "processing": "Running",
    "paused": "Paused",
    "awaiting_selection": "Awaits your choice",
    "completed": "Completed",
    "failed": "Failed",
    "cancelled": "Cancelled",
}
EVENTS: Mapping[str, str] = {
    "bulk.completed": "A bulk has ended",
    "bulk.paused": "A bulk is paused",
    "bulk.cancelled": "A bulk is cancelled",
    "bulk.progress": "A bulk reaches a percentage",
    "job.failed": "An article has failed",
    "job.awaiting_selection": "An article awaits your choice",
    "schedule.paused": "A schedule has paused itself",
    "webhook.test": "Test",
}
MODES: Mapping[str, str] = {"topic": "Topic", "keywords": "Keywords", "trends": "Trend", "spin": "Rewrite"}


def status(name: str) -> str:
    return STATUSES.get(name, words(name))


def mode(name: str) -> str:
    return MODES.get(name, words(name))


def event(name: str) -> str:
    return EVENTS.get(name, name)


def words(name: str) -> str:
    """`quality-validation` as `Quality validation`."""
    return name.replace("-", " ").replace("_", " ").capitalize()


def duration(seconds: float) -> str:
    """`45 s`, `2 min 05 s`, `3 h 20 min`, `2 d 4 h`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


def between(started_at: str | None, ended_at: str | None) -> str:
    """How long it took, of two moments as the API tells them; nothing where one is missing."""
    if started_at is None or ended_at is None:
        return ""
    return duration((datetime.fromisoformat(ended_at) - datetime.fromisoformat(started_at)).total_seconds())


def moment(told: str) -> str:
    """Of a moment as the API tells it; where scripts run, the reader's own clock takes its place."""
    at = datetime.fromisoformat(told).astimezone(UTC)
    return f"{at:%d %b %Y, %H:%M} UTC"


def with_moments(sentence: str) -> Markup:
    """Moments in it as `moment` shows them."""
    shown = escape(sentence)
    return Markup(MOMENT.sub(r'<time datetime="\1T\2Z">\g<0></time>', str(shown)))  # noqa: S704 - escaped just now


def number(value: float) -> str:
    """`12,500`, `3.5`."""
    return f"{value:,.0f}" if value == round(value) else _trimmed(f"{value:,.2f}")


def cost(value: float) -> str:
    """`12.5`, `0.0042`: of less than one, four places."""
    return number(value) if value >= 1 else _trimmed(f"{value:.4f}")


def _trimmed(decimal: str) -> str:
    return decimal.rstrip("0").rstrip(".")


def plural(count: int, one: str, more: str | None = None) -> str:
    """`1 article`, `12 articles`."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def about_of(item: Any) -> str:
    """What an article is about, in a line: of an item, a row or a job."""
    return about(item if isinstance(item, Mapping) else dict(item))


FILTERS: dict[str, Callable[..., str]] = {
    "status": status,
    "mode": mode,
    "event": event,
    "words": words,
    "duration": duration,
    "moment": moment,
    "number": number,
    "cost": cost,
    "plural": plural,
    "about": about_of,
    "between": between,
    "with_moments": with_moments,
}
