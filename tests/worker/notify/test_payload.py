"""What a webhook is sent: its shape, its bounds, and that it can always be sent."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import ObjectId

from jobs import events
from jobs.documents import BulkId, JobId
from jobs.notification.addressed import Channel
from jobs.notification.deliveries import Delivery, DeliveryId
from jobs.storage.store import Document
from worker.notify.payload import MOST_BYTES, payload_of

AT = datetime(2026, 11, 22, 20, 15, 3, 127_000, tzinfo=UTC)
AT_TEXT = "2026-11-22T20:15:03.127Z"
BULK_ID = BulkId(ObjectId("665f1c2ab4d1e0a1b2c3d4e5"))
JOB_ID = JobId(ObjectId("665f1c2ab4d1e0a1b2c3d4e6"))
BULK: Document = {
    "_id": BULK_ID,
    "rev": 7,
    "generation": 2,
    "name": "Tee ☕",
    "status": "completed",
    "total_items": 10,
    "completed_items": 8,
    "failed_items": 2,
    "cancelled_items": 0,
    "cost": 0.5,
    "usage": {"input_tokens": 100, "output_tokens": 2000},
    "created_at": AT,
    "started_at": AT,
    "completed_at": AT,
    "error_summary": ["Job 3: no", "Job 4: no"],
    "pause": None,
}
PUBLIC = "https://press.example/"


def sent(body: Document, job_id: JobId | None = None, public_url: str | None = PUBLIC) -> Any:
    delivery = Delivery(
        DeliveryId(f"{body['id']}.r"),
        "owner",
        body,
        Channel.WEBHOOK,
        "r",
        1,
        "token",
        AT,
        bulk_job_id=BULK_ID if not body["id"].startswith("test") else None,
        job_id=job_id,
    )
    text = payload_of(delivery, public_url)
    assert text == payload_of(delivery, public_url)
    assert len(text) <= MOST_BYTES
    return json.loads(text)


def test_a_completed_bulk_is_told_with_counts_errors_and_links() -> None:
    assert sent(events.ended(BULK, AT, cancelled=False)) == {
        "type": "bulk.completed",
        "timestamp": AT_TEXT,
        "data": {
            "bulk_job_id": str(BULK_ID),
            "generation": 2,
            "by": None,
            "name": "Tee ☕",
            "status": "completed",
            "counts": {"total": 10, "completed": 8, "failed": 2, "cancelled": 0},
            "cost": 0.5,
            "usage": {"input_tokens": 100, "output_tokens": 2000},
            "created_at": AT_TEXT,
            "started_at": AT_TEXT,
            "completed_at": AT_TEXT,
            "errors": ["Job 3: no", "Job 4: no"],
            "pause": None,
            "links": {
                "page": f"https://press.example/bulks/{BULK_ID}",
                "bulk_job": f"https://press.example/api/bulk-generate/{BULK_ID}",
                "results": f"https://press.example/api/bulk-generate/{BULK_ID}/results?format=json",
            },
        },
    }


def test_a_failed_job_is_told_with_its_own_links() -> None:
    job = {"_id": JOB_ID, "epoch": 3, "queue_position": 4, "topic": "Tea"}
    told = sent(events.failed(job, AT, "The generator said no."), JOB_ID)
    assert told["type"] == "job.failed"
    assert told["data"] == {
        "bulk_job_id": str(BULK_ID),
        "job_id": str(JOB_ID),
        "position": 4,
        "title": "Tea",
        "error": "The generator said no.",
        "links": {
            "page": f"https://press.example/jobs/{JOB_ID}",
            "job": f"https://press.example/api/jobs/{JOB_ID}",
        },
    }


def test_a_pause_tells_who_and_why() -> None:
    pause = {"reason": "8 of 10 failed", "cause": "failures", "until": None}
    told = sent(events.paused({**BULK, "status": "paused", "pause": pause}, AT, events.BY_PRESSRUN))["data"]
    assert (told["by"], told["pause"], told["status"]) == ("pressrun", pause, "paused")


def test_without_a_public_url_links_are_paths() -> None:
    links = sent(events.progress(BULK, AT, 50), public_url=None)["data"]["links"]
    assert links["page"] == f"/bulks/{BULK_ID}"


def test_a_test_has_a_type_and_no_links() -> None:
    body: Document = {"id": "test-1", "type": "webhook.test", "at": AT, "by": None, "generation": None, "data": {}}
    assert sent(body) == {"type": "webhook.test", "timestamp": AT_TEXT, "data": {}}


@pytest.mark.parametrize("letter", ["x", "☕", "\x01", '"', "\\", "🔑"])
def test_the_longest_texts_of_any_letters_stay_under_twenty_kilobytes(letter: str) -> None:
    line = letter * 10_000
    pause = {"reason": line, "cause": "failures", "until": AT}
    told = sent(events.paused({**BULK, "name": line, "error_summary": [line] * 50, "pause": pause}, AT, "person"))
    assert told["data"]["counts"]["failed"] == 2
    assert told["data"]["name"].startswith(letter)


def test_half_a_surrogate_pair_is_sent_as_a_question_mark() -> None:
    job = {"_id": JOB_ID, "epoch": 1, "queue_position": 1, "topic": "Tea"}
    body = events.failed(job, AT, "no")
    told = sent({**body, "data": {**body["data"], "title": "a\ud800b"}}, JOB_ID)
    assert told["data"]["title"] == "a?b"
