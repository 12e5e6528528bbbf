"""An example of each kind of mail, with which templates are tried before they are needed. Nothing of it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from jobs.events import BY_PRESSRUN, EventType
from jobs.notification.digests import DIGEST
from jobs.storage.store import Document
from worker.notify.mail_view import Links, view

AT = datetime(2026, 3, 14, 9, 26, tzinfo=UTC)
BULK_ID = JOB_ID = "6b027bdfe484bda5c9f5777d"
BULK: Document = {
    "name": "Spring catalogue",
    "status": "processing",
    "total": 50,
    "completed": 40,
    "failed": 3,
    "cancelled": 0,
    "cost": 4.21,
    "usage": {"input_tokens": 91_000, "output_tokens": 160_000},
    "created_at": AT - timedelta(hours=3),
    "started_at": AT - timedelta(hours=2, minutes=12),
    "completed_at": None,
    "errors": [
        "Article 7: The generator did not answer within 300 seconds.",
        "Article 12: It refused the topic.",
    ],
    "pause": None,
}
OF_BULKS: Mapping[EventType, Document] = {
    EventType.BULK_COMPLETED: {"status": "completed", "completed": 47, "completed_at": AT},
    EventType.BULK_PAUSED: {
        "status": "paused",
        "pause": {"reason": "More than 5 % of the articles failed.", "cause": "failure_policy", "until": None},
    },
    EventType.BULK_CANCELLED: {"status": "cancelled", "cancelled": 7, "completed_at": AT},
    EventType.BULK_PROGRESS: {"percent": 80},
}
JOB: Document = {"position": 7, "title": "Seven ways to roast a chestnut"}
OF_JOBS: Mapping[EventType, Document] = {
    EventType.JOB_FAILED: {"error": "The generator did not answer within 300 seconds."},
    EventType.JOB_AWAITING: {"options": 5, "recommended": 2, "until": AT + timedelta(days=2)},
}


def events() -> Mapping[str, Document]:
    """By type, as they are stored."""
    of_bulks = {kind: BULK | changed for kind, changed in OF_BULKS.items()}
    of_jobs = {kind: JOB | more for kind, more in OF_JOBS.items()}
    told = {kind.value: _event(kind.value, data) for kind, data in {**of_bulks, **of_jobs}.items()}
    lines = [event | {"bulk_job_id": BULK_ID, "job_id": None, "bulk": BULK["name"]} for event in told.values()]
    return {**told, DIGEST: _event(DIGEST, {"events": lines, "event_ids": [event["id"] for event in lines]})}


def views(public_url: str | None) -> Mapping[str, Mapping[str, Any]]:
    """By type, as templates are shown them."""
    links = Links(public_url)
    more = {"address": "ada@example.com", "unsubscribe": links.unsubscribe("token")}
    return {kind: view(event, BULK_ID, _job_of(kind), links) | more for kind, event in events().items()}


def _job_of(kind: str) -> str | None:
    return JOB_ID if kind in OF_JOBS else None


def _event(kind: str, data: Document) -> Document:
    return {"id": f"{BULK_ID}-1-{kind}", "type": kind, "at": AT, "by": BY_PRESSRUN, "generation": 1, "data": data}
