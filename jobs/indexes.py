"""Every index, each beside the query that needs it. They are made at every start."""

from __future__ import annotations

from jobs.documents import SCHEMA
from jobs.states import JobStatus
from jobs.storage.store import Document, Index

HAS_HOURS: Document = {"hours.closes_at": {"$exists": True}}
HAS_EVENTS: Document = {"events.at": {"$exists": True}}
INDEXES = (
    Index("bulk_jobs", (("status", 1), ("tenant", 1)), "idle poll: tenants that have bulks which may run"),
    Index("bulk_jobs", (("tenant", 1), ("status", 1), ("rank", 1), ("_id", 1)), "a tenant's that may run, in order"),
    Index("bulk_jobs", (("userId", 1), ("created_at", -1), ("_id", -1)), "a user's bulks, newest first"),
    Index("bulk_jobs", (("busy", 1),), "sweep: bulks that have slots", where={"busy": {"$gt": 0}}),
    Index("bulk_jobs", (("intent.at", 1),), "upkeep: half done controls", where={"intent.at": {"$exists": True}}),
    Index("bulk_jobs", (("pause.until", 1),), "upkeep: pauses that end", where={"pause.until": {"$exists": True}}),
    Index("bulk_jobs", (("hours.closes_at", 1),), "upkeep: hours that are over", where=HAS_HOURS),
    Index("bulk_jobs", (("events.at", 1),), "the relay: bulks with something to tell", where=HAS_EVENTS),
    Index(
        "bulk_jobs",
        (("userId", 1), ("status", 1), ("created_at", -1), ("_id", -1)),
        "a user's bulks by status, and those that have not ended",
    ),
    Index(
        "bulk_jobs",
        (("userId", 1), ("found_by", 1), ("created_at", -1)),
        "a user's bulks by the words of their names, by pipeline, by kind",
    ),
    Index("bulk_jobs", (("userId", 1), ("changed_at", 1)), "a user's tallies: what has changed since"),
    Index("bulk_jobs", (("created_at", 1),), "the tallies of all users, day by day"),
    Index("bulk_jobs", (("status", 1), ("completed_at", 1)), "retention: bulks that ended long ago, the oldest first"),
    Index(
        "bulk_jobs",
        (("status", 1), ("results_dropped_at", 1), ("completed_at", 1)),
        "retention: bulks that ended long ago and still have their articles",
    ),
    # not the other way round: a server that combines indexes would read all of `schema` 1 beside any other
    Index("bulk_jobs", (("status", 1), ("schema", 1)), "adoption: the application's own bulks"),
    Index("bulk_jobs", (("changed_at", 1), ("_id", 1)), "live streams, tallies of all: what has changed since"),
    Index(
        "generation_jobs",
        (("bulk_job_id", 1), ("status", 1), ("lane", 1), ("queue_position", 1)),
        "take, settle: a bulk's jobs by status, in the order they are taken",
    ),
    Index("generation_jobs", (("bulk_job_id", 1), ("queue_position", 1)), "a bulk's jobs and results in order"),
    Index(
        "generation_jobs",
        (("lease.until", 1),),
        "sweep: running jobs whose lease is over",
        where={"status": JobStatus.PROCESSING.value},
    ),
    Index("generation_jobs", (("userId", 1), ("created_at", -1), ("_id", -1)), "a user's jobs, newest first"),
    Index(
        "generation_jobs",
        (("userId", 1), ("status", 1), ("created_at", -1), ("_id", -1)),
        "a user's jobs by status, newest first",
    ),
    Index("generation_jobs", (("userId", 1), ("completed_at", -1)), "the queue's last ended jobs and throughput"),
    Index("generation_jobs", (("status", 1), ("userId", 1)), "the queue: what runs or waits, of one user or of all"),
    Index("generation_jobs", (("completed_at", -1),), "the whole queue's last ended jobs and throughput"),
    Index("generation_jobs", (("changed_at", 1), ("_id", 1)), "live streams: what has changed since"),
    Index("generation_jobs", (("events.at", 1),), "the relay: jobs with something to tell", where=HAS_EVENTS),
    Index(
        "generation_jobs",
        (("bulk_job_id", 1), ("twin_key", 1)),
        "a completed twin of the same bulk",
        where={"twin_key": {"$type": "string"}},
    ),
    Index(
        "generation_jobs",
        (("twin_key", 1), ("status", 1)),
        "a twin that has begun and is to go on",
        where={"twin_key": {"$type": "string"}},
    ),
    Index(
        "generation_jobs",
        (("selection.until", 1),),
        "upkeep: selections whose deadline is past",
        where={"status": JobStatus.AWAITING_SELECTION.value},
    ),
    Index(
        "creations",
        (("userId", 1), ("key", 1)),
        "a repeated Idempotency-Key",
        unique=True,
        where={"key": {"$exists": True}},
    ),
    Index("creations", (("state", 1), ("until", 1)), "upkeep: creations that are half done"),
    Index("creations", (("expires_at", 1),), "forget keys after a day", expire_after_seconds=0),
    Index("limits", (("running", 1),), "sweep: scopes that have places taken", where={"running": {"$gt": 0}}),
    Index("api_keys", (("hash", 1),), "authentication", unique=True),
    Index(
        "api_keys",
        (("userId", 1), ("place", 1)),
        "a user's API keys, at most so many",
        unique=True,
        where={"place": {"$type": "number"}},
    ),
    Index("api_keys", (("userId", 1), ("created_at", -1), ("_id", -1)), "a user's API keys, newest first"),
    Index("api_keys", (("revoked_at", 1),), "forget revoked keys after 90 days", expire_after_seconds=7_776_000),
    Index("api_keys", (("expires_at", 1),), "forget expired keys after 90 days", expire_after_seconds=7_776_000),
    Index("targets", (("userId", 1), ("name", 1)), "an owner's targets, and one by name", unique=True),
    Index("templates", (("userId", 1), ("name", 1)), "an owner's template of a name", unique=True),
    Index("templates", (("userId", 1), ("place", 1)), "an owner's templates, at most so many", unique=True),
    Index("templates", (("userId", 1), ("created_at", -1), ("_id", -1)), "an owner's templates, newest first"),
    Index("schedules", (("due_at", 1), ("_id", 1)), "upkeep: schedules that are due"),
    Index("schedules", (("userId", 1), ("place", 1)), "an owner's schedules, at most so many", unique=True),
    Index("firings", (("schedule_id", 1), ("at", -1), ("_id", -1)), "a schedule's firings, newest first"),
    Index("firings", (("expires_at", 1),), "forget firings after 90 days", expire_after_seconds=0),
    Index("endpoints", (("userId", 1), ("place", 1)), "an owner's webhook endpoints, at most so many", unique=True),
    Index(
        "deliveries",
        (("due_at", 1), ("recipient", 1), ("channel", 1)),
        "couriers: what is due, the longest first",
        where={"state": "pending"},
    ),
    Index(
        "deliveries",
        (("userId", 1), ("endpoint_id", 1), ("created_at", -1), ("_id", -1)),
        "an endpoint's deliveries, newest first, and those of a range of time",
    ),
    Index("user_counts", (("expires_at", 1),), "forget what users did an hour ago", expire_after_seconds=0),
    Index("mailboxes", (("token", 1),), "unsubscribe links", unique=True),
    Index("deliveries", (("created_at", 1),), "forget deliveries after 90 days", expire_after_seconds=7_776_000),
    Index("notices", (("userId", 1), ("shown", 1), ("at", -1), ("_id", -1)), "an owner's notices, newest first"),
    Index("notices", (("userId", 1), ("read_at", 1)), "an owner's unread notices", where={"shown": True}),
    Index("notices", (("at", 1),), "forget notices after 90 days", expire_after_seconds=7_776_000),
    Index("assets", (("bulk_job_id", 1),), "a removal, an archive: what belongs to a bulk"),
    Index("assets", (("userId", 1),), "a user's data: counted, written out, erased"),
    Index("notices", (("bulk_job_id", 1),), "a removal: what belongs to a bulk"),
    Index("removals", (("state", 1), ("until", 1)), "upkeep: removals that are half done"),
    Index("removals", (("userId", 1), ("gone_at", 1)), "a user's tallies: what was removed since"),
    Index("removals", (("gone_at", 1),), "the tallies of all: what was removed since"),
    Index("removals", (("expires_at", 1),), "forget removals after 30 days", expire_after_seconds=0),
    # Long before the removals that they may not have counted yet are forgotten.
    Index("tallies", (("since", 1),), "sums of a week ago are made anew", expire_after_seconds=604_800),
    Index("workers", (("last_heartbeat", 1),), "forget workers after a day", expire_after_seconds=86_400),
    Index("replicas", (("last_heartbeat", 1),), "forget services after a day", expire_after_seconds=86_400),
    # Empty, as long as there is no other schema.
    Index("bulk_jobs", (("schema", 1),), "check: bulks of a newer schema", where={"schema": {"$gt": SCHEMA}}),
    Index("generation_jobs", (("schema", 1),), "check: jobs of a newer schema", where={"schema": {"$gt": SCHEMA}}),
)  # fmt: skip
