"""The reference of events: what live streams and webhooks tell, each with an example that the code itself has judged.

The examples of streams (`stream_events.json`) were told by a real `pressrun dev`; those of webhooks are made by
what sends them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bson import ObjectId
from pydantic import BaseModel

from jobs.documents import BulkId, JobId
from jobs.events import EventType
from jobs.notification.addressed import Channel
from jobs.notification.deliveries import Delivery, DeliveryId
from jobs.notification.delivery_log import TEST
from service.live.answers import BulkSnapshot, BulkUpdate, JobUpdate, QueueUpdate, RowUpdate
from tests.docs.markdown import block, code, page, table
from worker.notify import mail_examples
from worker.notify.payload import payload_of

EXAMPLES = Path(__file__).parent / "stream_events.json"
PUBLIC_URL = "https://pressrun.example"
STREAMS: Mapping[str, tuple[str, Mapping[str, tuple[type[BaseModel], str]]]] = {
    "bulk": (
        "/api/bulk-generate/{id}/events",
        {
            "snapshot": (BulkSnapshot, "All of it, with its first 200 jobs. It takes the place of all told before."),
            "bulk": (BulkUpdate, "The bulk and its progress have changed."),
            "job": (RowUpdate, "One of its jobs has changed."),
        },
    ),
    "job": ("/api/jobs/{id}/events", {"job": (JobUpdate, "All of the job; `snapshot` the first time.")}),
    "queue": ("/api/queue/events", {"queue": (QueueUpdate, "All of the queue; `snapshot` the first time.")}),
}
TELLS: Mapping[EventType, str] = {
    EventType.BULK_COMPLETED: "Every job of the bulk has ended.",
    EventType.BULK_PAUSED: "It is paused: by its owner, an admin or itself (`data.by`, `data.pause`).",
    EventType.BULK_CANCELLED: "It is cancelled, and its last running job has ended.",
    EventType.BULK_PROGRESS: "So many percent of its jobs have ended; only for who names this type.",
    EventType.JOB_FAILED: "A job has failed for good.",
    EventType.JOB_AWAITING: "A job waits for a person to choose.",
}


def events_page() -> str:
    return page(
        "# Events",
        "## Live streams",
        """Server-sent events. Each is the latest state, not a difference: whoever misses one loses nothing by it. What
readers can rely on is told [with the API](../api.md).""",
        *_streams(),
        "## Webhooks",
        """A `POST` of JSON under 20 kB, signed as Standard Webhooks has it ([verify it](../webhooks.md)). `webhook-id`
is the event's: it may come more than once, always under the same id. Dates are those of the event.""",
        table(("type", "tells that"), ((f"[{code(kind)}](#{_slug(kind)})", text) for kind, text in TELLS.items())),
        *_webhooks(),
    )


def _streams() -> Iterator[str]:
    examples: Mapping[str, Any] = json.loads(EXAMPLES.read_text())
    for subject, (route, kinds) in STREAMS.items():
        yield f"### {code('GET ' + route)}"
        for kind, (model, text) in kinds.items():
            yield f"{code(kind)}: {text}"
            judged = model.model_validate(examples[subject][kind])
            yield _json(judged.model_dump(mode="json", by_alias=True))


def _webhooks() -> Iterator[str]:
    stored = mail_examples.events()
    for kind, text in TELLS.items():
        yield f"### {kind}"
        yield text
        yield _json(
            json.loads(payload_of(_delivery(stored[kind.value], of_a_job=kind.value.startswith("job.")), PUBLIC_URL))
        )
    yield f"### {TEST}"
    yield "Sent by the button on the endpoint's page, and `POST /api/webhooks/{id}/test`."
    test = {"id": "test", "type": TEST, "at": mail_examples.AT, "by": None, "generation": None, "data": {}}
    yield _json(json.loads(payload_of(_delivery(test, of_a_job=False, bulk=None), PUBLIC_URL)))


def _delivery(event: dict[str, Any], *, of_a_job: bool, bulk: str | None = mail_examples.BULK_ID) -> Delivery:
    return Delivery(
        id=DeliveryId("one"),
        owner="ada",
        body=event,
        channel=Channel.WEBHOOK,
        recipient="one",
        tries=1,
        token="one",
        until=mail_examples.AT,
        bulk_job_id=None if bulk is None else BulkId(ObjectId(bulk)),
        job_id=JobId(ObjectId(mail_examples.JOB_ID)) if of_a_job else None,
    )


def _slug(kind: str) -> str:
    return kind.replace(".", "")


def _json(value: Any) -> str:
    return block(json.dumps(value, indent=2, ensure_ascii=False), "json")
