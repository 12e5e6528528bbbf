"""What MongoDB itself refuses in Pressrun's documents: rules that concern only those that carry `schema`.

They are put on by `pressrun check --install` and never by a start, since the application shares the collections.
"""

from __future__ import annotations

from typing import Protocol

from jobs.documents import SCHEMA
from jobs.states import BulkStatus, JobStatus
from jobs.storage.store import Document, Name

COUNT = {"bsonType": ["int", "long"], "minimum": 0}
DATE_OR_NULL = {"bsonType": ["date", "null"]}
OBJECT_OR_NULL = {"bsonType": ["object", "null"]}
USER = {"bsonType": ["objectId", "string"]}

BULK: Document = {
    "bsonType": "object",
    "required": [
        "userId", "mode", "status", "total_items", "completed_items", "failed_items", "cancelled_items", "created_at",
        "shard", "rev", "generation", "remaining_items", "slots", "busy", "free", "due_at", "spaced_until", "epoch",
    ],
    "properties": {
        "userId": USER,
        "status": {"enum": [status.value for status in BulkStatus]},
        "total_items": COUNT,
        "completed_items": COUNT,
        "failed_items": COUNT,
        "cancelled_items": COUNT,
        "remaining_items": COUNT,
        "busy": COUNT,
        "slots": {"bsonType": "object"},
        "intent": OBJECT_OR_NULL,
        "pause": OBJECT_OR_NULL,
        "due_at": {"bsonType": "date"},
        "spaced_until": {"bsonType": "date"},
        "started_at": DATE_OR_NULL,
        "completed_at": DATE_OR_NULL,
        "changed_at": {"bsonType": "date"},
    },
}  # fmt: skip

JOB: Document = {
    "bsonType": "object",
    "required": [
        "bulk_job_id", "userId", "mode", "status", "queue_position", "retry_count", "created_at",
        "shard", "rev", "lane", "due_at", "epoch", "call_number", "attempts",
    ],
    "properties": {
        "bulk_job_id": {"bsonType": "objectId"},
        "userId": USER,
        "status": {"enum": [status.value for status in JobStatus]},
        "queue_position": {"bsonType": ["int", "long"], "minimum": 1},
        "retry_count": COUNT,
        "lease": OBJECT_OR_NULL,
        "due_at": {"bsonType": "date"},
        "attempts": {"bsonType": "array"},
        "completed_at": DATE_OR_NULL,
        "changed_at": {"bsonType": "date"},
    },
}  # fmt: skip


class RuleTarget(Protocol):
    async def set_rule(self, name: Name, rule: Document) -> None: ...


async def install_rules(store: RuleTarget) -> list[str]:
    """The names of the collections that have rules now. Safe to repeat."""
    rules: dict[Name, Document] = {"bulk_jobs": BULK, "generation_jobs": JOB}
    for name, schema in rules.items():
        ours = {"schema": SCHEMA, "$jsonSchema": schema}
        await store.set_rule(name, {"$or": [{"schema": {"$exists": False}}, ours]})
    return list(rules)
