"""What is stored: how a bulk, its jobs and their parts look in MongoDB when they are new. Nothing is written here.

Fields that users see are named in spec §3; the rest is the queue's, and is told in `docs/protocol.md`.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Any, NewType

from bson import ObjectId
from bson.errors import InvalidId

from jobs import priority
from jobs.errors import NotFound
from jobs.milestones import ends_until
from jobs.pipelines import ARTICLE, PipelineSpec, stages_of
from jobs.searching import found_by
from jobs.states import BulkStatus, JobStatus
from jobs.storage.bson_json import plain
from jobs.storage.store import Document

SCHEMA = 1
SHARDS = 4096
MAX_ATTEMPTS_KEPT = 50
MAX_ERROR_LINES = 50
A_HAIR = 1e-6
"""Sums of costs that differ by less are the same: what is added up in binary is never quite what was meant."""

BulkId = NewType("BulkId", ObjectId)
JobId = NewType("JobId", ObjectId)
UserId = ObjectId | str
Token = NewType("Token", str)

MODES: Mapping[str, tuple[str, ...]] = {
    "topic": ("topic",),
    "keywords": ("keywords",),
    "trends": ("trend",),
    "spin": ("source_text", "source_url"),
}
"""The modes, and of which fields an item needs one."""

ITEM_FIELDS = (
    "topic", "keywords", "trend", "region", "source_text", "source_url", "word_count", "tone", "language",
    "brand_voice", "page_type", "target_url", "components", "external_id", "dedupe", "metadata", "context",
)  # fmt: skip
"""The item's declared fields, kept at the top level of its job; every other one goes into `params`."""


class Lane(IntEnum):
    """Which of a bulk's waiting jobs go first (I1): those that never failed, then those that are tried again."""

    FIRST = 0
    AGAIN = 1


class Wish(StrEnum):
    """What a person wants of a running job; only its owner, or the sweep after it, carries it out."""

    CANCEL = "cancel"
    ABORT = "abort"


@dataclass(frozen=True)
class Budget:
    """What all jobs of a bulk may cost together, and what is set aside for one before its cost is known."""

    cost: float
    cost_per_job: float


@dataclass(frozen=True)
class FailurePolicy:
    """When a bulk pauses itself: more than `max_failed_percent` of at least `min_items` ended jobs have failed; or its
    first `canary` jobs have ended."""

    max_failed_percent: float | None = None
    min_items: int = 10
    canary: int | None = None


@dataclass(frozen=True)
class Notify:
    """Who is told of one bulk beside the owner's own endpoints and address, and at which percentages of its jobs ended
    (1 to 99) there is a `bulk.progress`."""

    webhook_url: str | None = None
    email: str | None = None
    progress: Sequence[int] = ()


@dataclass(frozen=True)
class RunBetween:
    """Times of the day as `22:00`, in a time zone of the IANA database, between which alone jobs of a bulk start."""

    since: str
    until: str
    time_zone: str


@dataclass(frozen=True)
class BulkRequest:
    """A validated request for a bulk. `items` hold declared fields and `params`; `priority` is computed where None."""

    mode: str
    items: Sequence[Mapping[str, Any]]
    name: str | None = None
    tenant: str | None = None
    metadata: Mapping[str, Any] | None = None
    kind: str = "bulk"
    max_retries: int = 2
    delay: timedelta = timedelta(seconds=5)
    parallelism: int = 1
    stagger: timedelta = timedelta(0)
    priority: float | None = None
    deadline: datetime | None = None
    budget: Budget | None = None
    cost_per_job: float = 0.0
    failure_policy: FailurePolicy | None = None
    notify: Notify | None = None
    run_between: RunBetween | None = None
    pipeline: PipelineSpec = ARTICLE
    options: Mapping[str, Any] = field(default_factory=dict)
    """What the pipeline is told for all of the bulk's jobs."""


def user_id(text: str) -> UserId:
    """An ObjectId where the text is 24 hex digits, as the application stores its users; else the text (spec §3)."""
    return ObjectId(text) if len(text) == 24 and ObjectId.is_valid(text) else text


def parse_id(text: str, what: str) -> ObjectId:
    """Raises `NotFound` for a text that is no id: to its sender it is one that does not exist."""
    try:
        return ObjectId(text)
    except InvalidId:
        raise NotFound(what) from None


def shard_of(tenant: str) -> int:
    return zlib.crc32(tenant.encode()) % SHARDS


def bucket_of(tenant: str) -> int:
    """0 to 99, and always the same: in which percent of the tenants this one is."""
    return zlib.crc32(b"bucket " + tenant.encode()) % 100


def new_bulk(bulk_id: BulkId, owner: UserId, request: BulkRequest, now: datetime, trace: str | None = None) -> Document:
    """`trace`: the `traceparent` of what has led to it."""
    tenant = request.tenant or str(owner)
    return {
        "_id": bulk_id,
        "userId": owner,
        "mode": request.mode,
        "name": request.name,
        "found_by": found_by(request.name, request.pipeline.name, request.kind),
        "kind": request.kind,
        "tenant": tenant,
        "shard": shard_of(tenant),
        "status": BulkStatus.QUEUED.value,
        "total_items": len(request.items),
        "completed_items": 0,
        "failed_items": 0,
        "cancelled_items": 0,
        "created_at": now,
        "started_at": None,
        "completed_at": None,
        "estimated_completion": None,
        "error_summary": [],
        "metadata": dict(request.metadata) if request.metadata is not None else None,
        "max_retries": request.max_retries,
        "delay_seconds": request.delay.total_seconds(),
        "parallelism": request.parallelism,
        "stagger_ms": round(request.stagger / timedelta(milliseconds=1)),
        "deadline": request.deadline,
        "budget": asdict(request.budget) if request.budget else None,
        "failure_policy": asdict(request.failure_policy) if request.failure_policy else None,
        "notify": notify_as_stored(request.notify),
        "generation": 1,
        "schema": SCHEMA,
        "trace": trace,
        **queue_fields_of_bulk(tenant, request, now),
    }


def notify_as_stored(notify: Notify | None) -> Document | None:
    return {**asdict(notify), "progress": sorted(set(notify.progress))} if notify else None


def queue_fields_of_bulk(tenant: str, request: BulkRequest, now: datetime) -> Document:
    given = request.priority
    steps = float(priority.computed(request.items, request.deadline, now) if given is None else given)
    policy, budget = request.failure_policy, request.budget
    return {
        "rev": 1,
        "changed_at": now,
        "remaining_items": len(request.items),
        "slots": {},
        "busy": 0,
        "free": request.parallelism,
        "due_at": now,
        "spaced_until": now,
        "priority": steps,
        "rank": priority.rank(now, steps),
        "bucket": bucket_of(tenant),
        "head": 1,
        "ceiling": policy.canary if policy else None,
        "judged_from": {"completed": 0, "failed": 0},
        "job_cost": budget.cost_per_job if budget else request.cost_per_job,
        "usual_cost": request.cost_per_job,
        "budget_left": budget.cost if budget else None,
        "epoch": 1,
        "intent": None,
        "pause": None,
        "cancelled_by": None,
        "events": [],
        "told": {"generation": 0, "percent": 0},
        "until_told": ends_until(request.notify.progress if request.notify else (), 0, 0, len(request.items)),
        "cost": 0.0,
        "usage": {"input_tokens": 0, "output_tokens": 0},
        "pipeline": request.pipeline.name,
        "stages": stages_of(request.pipeline),
        "options": dict(request.options),
    }


def new_job(job_id: JobId, bulk: Document, position: int, item: Mapping[str, Any], now: datetime) -> Document:
    return {
        "_id": job_id,
        "bulk_job_id": bulk["_id"],
        "userId": bulk["userId"],
        "mode": bulk["mode"],
        **{name: item[name] for name in ITEM_FIELDS if item.get(name) is not None},
        "params": dict(item.get("params") or {}),
        "status": JobStatus.QUEUED.value,
        "queue_position": position,
        "retry_count": 0,
        "error": None,
        "result": None,
        "result_meta": None,
        "created_at": now,
        "started_at": None,
        "completed_at": None,
        "schema": SCHEMA,
        "trace": bulk.get("trace"),
        **queue_fields_of_job(bulk, now),
    }


def queue_fields_of_job(bulk: Document, now: datetime) -> Document:
    return {
        "shard": bulk["shard"],
        "rev": 1,
        "changed_at": now,
        "current_stage": bulk["stages"][0]["name"],
        "percentage": 0,
        "checkpoints": {},
        "paid": {},
        "sent_back": None,
        "selection": None,
        "sketch": None,
        "usage": {"input_tokens": 0, "output_tokens": 0},
        "lane": Lane.FIRST.value,
        "due_at": now,
        "epoch": bulk["epoch"],
        "lease": None,
        "wish": None,
        "call_number": 1,
        "unanswered": [],
        "uncounted_retries": 0,
        "lost_workers": 0,
        "attempts": [],
        "events": [],
        "cost": 0.0,
        "owed": 0.0,
        "twin_key": None,
        "waits_for": None,
    }


def input_of(job: Document) -> Document:
    """What the generator is told of a job, as plain JSON values: its declared fields and its `params`."""
    fields = {name: job[name] for name in ITEM_FIELDS if name != "dedupe" and job.get(name) is not None}
    told = plain({**(job.get("params") or {}), **fields})
    return told if isinstance(told, dict) else {}


def job_fields() -> frozenset[str]:
    """Every field of a job that is Pressrun's own: an item may set none of them."""
    empty: Document = {"_id": None, "userId": None, "mode": None, "shard": 0, "epoch": 0, "stages": [{"name": ""}]}
    moment = datetime.min
    others = {"id", "bulk_id", "user_id", "result_dropped_at"}
    return frozenset(new_job(JobId(ObjectId()), empty, 1, {}, moment)) - {"params"} | others
