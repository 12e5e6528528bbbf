"""What a worker counts for Prometheus. Nothing is decided by a metric, and nothing is asked of the database for one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from jobs.audit import Fault
from jobs.documents import MODES
from jobs.notification.addressed import Channel
from jobs.pipelines import GENERATORS
from jobs.retention.removal import Why
from jobs.scheduling.firing_log import Outcome
from worker.failures import CallEnd

OTHER = "other"
CLAIM_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)
CALL_SECONDS = (0.1, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 180, 240, 300, 600, 1800, 3600)


class ClaimEnd(StrEnum):
    """`LOST`: the database did not answer, or what a reservation was for had gone."""

    TAKEN = "taken"
    NOTHING = "nothing"
    LOST = "lost"


class AttemptEnd(StrEnum):
    """`LOST`: the lease had gone to somebody else. `AWAITING`: a person is asked."""

    COMPLETED = "completed"
    FAILED = "failed"
    RETRIED = "retried"
    CANCELLED = "cancelled"
    HANDED_BACK = "handed_back"
    AWAITING = "awaiting"
    LOST = "lost"


class NoticeEnd(StrEnum):
    """`FAILED`: it is tried again. `DEAD`: it is not."""

    DELIVERED = "delivered"
    FAILED = "failed"
    DEAD = "dead"


class Metrics:
    """On a registry of its own where none is given, so that several workers can live in one process.

    What can be counted is there from the start, as 0.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._broken = self._counter(
            "invariants_broken", "Findings of the live reconciler; any is a fault of Pressrun's", fault=Fault
        )
        self._drifted = self._counter("counter_drift", "Bulks whose counters a recount has mended")
        self._claims = self._counter("claims", "Claims by what they came to", outcome=ClaimEnd)
        self._claim_seconds = self._histogram("claim_seconds", "How long a claim takes", CLAIM_SECONDS)
        self._attempts = self._counter(
            "attempts",
            "Runnings of jobs that have ended, by what they came to",
            mode=(*MODES, OTHER),
            outcome=AttemptEnd,
        )
        self._lost = self._counter("leases_lost", "Running jobs whose lease went to somebody else")
        self._reclaimed = self._counter("jobs_reclaimed", "Jobs taken back from workers that were lost")
        self._calls = self._counter(
            "generator_calls", "Calls of generators by how they ended", endpoint=GENERATORS, outcome=CallEnd
        )
        self._call_seconds = self._histogram(
            "generator_call_seconds", "How long a call of a generator takes", CALL_SECONDS, endpoint=GENERATORS
        )
        self._notices = self._counter(
            "notices", "Tries to deliver a notice, by how they ended", channel=Channel, outcome=NoticeEnd
        )
        self._removed = self._counter("bulks_removed", "Bulks that this worker has removed, by why", why=Why)
        self._archive_failures = self._counter(
            "archive_failures", "Looks at old bulks that ended because the archive could not be written"
        )
        self._schedules = self._counter(
            "schedules_fired", "Firings of schedules that have ended, by what they came to", outcome=Outcome
        )
        self._slots = Gauge(
            "pressrun_slots", "Jobs that this worker runs, and could", ["state"], registry=self.registry
        )

    def found(self, fault: Fault) -> None:
        self._broken.labels(fault.value).inc()

    def recounted(self, bulks: int) -> None:
        """So many bulks had counters that were not the count of their jobs."""
        self._drifted.inc(bulks)

    def claimed(self, end: ClaimEnd, seconds: float) -> None:
        self._claims.labels(end.value).inc()
        self._claim_seconds.observe(seconds)

    def attempted(self, mode: object, end: AttemptEnd) -> None:
        """A mode that is none, of a job that the application has inserted, is told as `other`."""
        self._attempts.labels(mode if mode in MODES else OTHER, end.value).inc()

    def lease_lost(self) -> None:
        self._lost.inc()

    def reclaimed(self, jobs: int) -> None:
        self._reclaimed.inc(jobs)

    def called(self, generator: str, end: CallEnd, seconds: float) -> None:
        """`generator` is a name that the settings gave."""
        self._calls.labels(generator, end.value).inc()
        self._call_seconds.labels(generator).observe(seconds)

    def noticed(self, channel: Channel, end: NoticeEnd) -> None:
        self._notices.labels(channel.value, end.value).inc()

    def removed(self, why: Why) -> None:
        self._removed.labels(why.value).inc()

    def archive_failed(self) -> None:
        self._archive_failures.inc()

    def scheduled(self, outcome: Outcome) -> None:
        """A firing of a schedule has ended."""
        self._schedules.labels(outcome.value).inc()

    def watch_slots(self, slots: int, busy: Callable[[], int]) -> None:
        """`busy` is asked at each scrape, by another thread."""
        self._slots.labels("busy").set_function(busy)
        self._slots.labels("free").set_function(lambda: slots - busy())

    def _counter(self, name: str, told: str, **values: Iterable[str]) -> Counter:
        counter = Counter(f"pressrun_{name}_total", told, list(values), registry=self.registry)
        for labels in product(*values.values()) if values else ():
            counter.labels(*labels)
        return counter

    def _histogram(self, name: str, told: str, buckets: Sequence[float], **values: Iterable[str]) -> Histogram:
        histogram = Histogram(f"pressrun_{name}", told, list(values), buckets=buckets, registry=self.registry)
        for labels in product(*values.values()) if values else ():
            histogram.labels(*labels)
        return histogram
