"""Sees every change of the database as it takes effect, and holds it against the invariants at once (spec §4).

What may be asked at each step is asked here; what only holds at the end is `at_rest`'s, what was promised to people and
to the generator is the promises'.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from bson import ObjectId

from jobs.capacity.limits import SHARED, limits_in, tenant_limits_in
from jobs.capacity.scopes import GENERATOR, TENANT, TWIN, WINDOW
from jobs.clock import NEVER
from jobs.documents import Wish
from jobs.settling import COUNTERS
from jobs.states import BULK_MOVES, ENDED_JOBS, JOB_MOVES, LIVE_BULKS, BulkStatus, JobStatus
from jobs.storage.embedded.disk import Tables
from jobs.storage.store import Document
from tests.support.simulation.carried_out import is_dropped, left_undone

Change = Callable[[Document, Document], None]
UNSURE = timedelta(seconds=2)
"""How far two processes' clocks may be apart: half the longest time that a measurement was held up."""
CANCELLED_WHILE_IT_WAITS = (JobStatus.QUEUED, JobStatus.CANCELLED)
OTHERS_MAY_CHANGE = {"wish", "epoch", "rev", "changed_at"}
SENT_BACK = (JobStatus.FAILED, JobStatus.CANCELLED)
CENT = 0.01
OVER = (BulkStatus.COMPLETED, BulkStatus.CANCELLED)


class Violation(AssertionError):
    """An invariant does not hold."""


def demand(holds: object, *facts: object) -> None:
    if not holds:
        raise Violation(" ".join(str(fact) for fact in facts))


class Witness:
    """`on_bulk_change` and `on_job_change` are told of each change of what was there before."""

    def __init__(self, tables: Tables, now: Callable[[], datetime]) -> None:
        self.bulks: dict[ObjectId, Document] = {}
        self.jobs: dict[ObjectId, Document] = {}
        self.scopes: dict[str, Document] = {}
        self.on_bulk_change: list[Change] = []
        self.on_job_change: list[Change] = []
        self._jobs_of: dict[ObjectId, dict[ObjectId, Document]] = defaultdict(dict)
        self._lost: set[tuple[str, ObjectId]] = set()
        self._revs_before: dict[str, dict[ObjectId, int]] = {}  # by intent
        self._known_from: dict[ObjectId, datetime] = {}
        self._leases: dict[str, tuple[Document, datetime]] = {}
        self._last: dict[str, list[Document]] = {}
        self._tables = tables
        self._now = now
        self._actor, self._asked_at = "", now()

    def jobs_of(self, bulk_id: ObjectId) -> list[Document]:
        """In queue order."""
        return sorted(self._jobs_of[bulk_id].values(), key=lambda job: job.get("queue_position", 0))

    def leases(self) -> Iterable[tuple[Document, datetime]]:
        """Those that stand, and when they began: one of a worker that slept may have been over by then."""
        return self._leases.values()

    def has_lost(self, worker: str, job_id: ObjectId) -> bool:
        """Whether somebody else has ended a running of this worker (I3)."""
        return (worker, job_id) in self._lost

    def look(self, actor: str, asked_at: datetime, collection: str | None = None) -> None:
        """See what `actor` has just changed, there or anywhere, by an operation that it sent at `asked_at`."""
        self._actor, self._asked_at = actor, asked_at
        touched = set()
        if collection in ("generation_jobs", None):
            touched |= {job["bulk_job_id"] for job in self._changed("generation_jobs", self.jobs, self._job)}
        if collection in ("bulk_jobs", None):
            touched |= {bulk["_id"] for bulk in self._changed("bulk_jobs", self.bulks, self._bulk)}
        for bulk_id in touched:
            bulk = self.bulks.get(bulk_id)
            if bulk is not None and bulk.get("schema") == 1:
                self._sums(bulk)
        if collection in ("limits", None):
            self._look_at_limits()

    def _changed(self, name: str, seen: dict[ObjectId, Document], judge: Change) -> list[Document]:
        documents = self._tables[name].documents() if name in self._tables else []
        last, self._last[name] = self._last.get(name, []), documents
        if len(last) == len(documents):
            changed = [after for before, after in zip(last, documents, strict=True) if before is not after]
        else:
            changed = [document for document in documents if seen.get(document["_id"]) is not document]
            self._forget(seen, {document["_id"] for document in documents})
        for document in changed:
            before = seen.get(document["_id"])
            seen[document["_id"]] = document
            if name == "generation_jobs":
                self._jobs_of[document["bulk_job_id"]][document["_id"]] = document
            if before is not None:
                judge(before, document)
                if before.get("bulk_job_id") != document.get("bulk_job_id"):
                    del self._jobs_of[before["bulk_job_id"]][before["_id"]]
        return changed

    def _forget(self, seen: dict[ObjectId, Document], there: set[Any]) -> None:
        for gone in [one for key, one in seen.items() if key not in there]:
            del seen[gone["_id"]]
            if "bulk_job_id" in gone:
                demand(gone["bulk_job_id"] not in self.bulks, "a job of a bulk that is there was deleted", gone)
                del self._jobs_of[gone["bulk_job_id"]][gone["_id"]]

    def _bulk(self, before: Document, after: Document) -> None:
        if before.get("schema") != 1:
            return  # adopted just now
        if self._is_told(before, after, self.on_bulk_change):
            return
        was, is_now = BulkStatus(before["status"]), BulkStatus(after["status"])
        demand(was is is_now or is_now in BULK_MOVES[was], "a bulk went from", was, "to", is_now)
        demand(after["rev"] > before["rev"], "a bulk was changed and its rev was not raised")
        self._dated(after)
        for field in ("epoch", "generation"):
            demand(after[field] >= before[field], field, "went back from", before[field], "to", after[field])
        demand(before["started_at"] is None or after["started_at"], "started_at was taken back")
        demand((after["completed_at"] is None) == (is_now in LIVE_BULKS), "a bulk that is", is_now, "has completed_at")
        if is_now is BulkStatus.COMPLETED and was is not is_now:
            demand(not after["slots"] and after["intent"] is None, "a bulk was completed that owes something", after)
        self._intent(before, after)
        for told in self.on_bulk_change:
            told(before, after)

    def _intent(self, before: Document, after: Document) -> None:
        jobs, was, is_now = self._jobs_of[after["_id"]].values(), before["intent"], after["intent"]
        if was is None and is_now is not None:
            self._revs_before[is_now["id"]] = {job["_id"]: job["rev"] for job in jobs}
        elif was is not None and is_now is not None:
            demand(was["id"] == is_now["id"], "a control was written over another", was, is_now)
        elif was is not None:
            passed_over = left_undone(was, before, jobs, self._revs_before[was["id"]])
            demand(not passed_over, "a control was not carried out", was, passed_over)

    def _job(self, before: Document, after: Document) -> None:
        if before.get("schema") != 1 or self._is_told(before, after, self.on_job_change):
            return
        if is_dropped(before, after, self.bulks.get(after["bulk_job_id"])):
            self._dated(after)
            return
        was, is_now = JobStatus(before["status"]), JobStatus(after["status"])
        demand(was is is_now or is_now in JOB_MOVES[was], "a job went from", was, "to", is_now, after)
        demand((after["lease"] is None) == (is_now is not JobStatus.PROCESSING), "lease and status differ", after)
        if after["rev"] == before["rev"]:
            others = {name for name in after if after[name] != before[name]} - {"lease"}
            demand(not others, "a job was changed and its rev was not raised", others)
        else:
            self._dated(after)
        demand(after["epoch"] >= before["epoch"], "epoch went back from", before["epoch"], "to", after["epoch"], after)
        demand(was is not is_now or was not in ENDED_JOBS, "a job that had ended was changed", before, after)
        demand(before["result"] is None, "a job's result was stored twice", before, after)
        kept, added = after["attempts"][: len(before["attempts"])], after["attempts"][len(before["attempts"]) :]
        demand(kept == before["attempts"] and len(added) <= 1, "attempts are not what they were", before, after)
        if was is JobStatus.PROCESSING:
            self._owned(before, after)
            self._put_back(before, after)
        if is_now is JobStatus.PROCESSING and was is not is_now:
            self._taken(before)
        self._note_lease(before["lease"], after["lease"])
        if was in (*SENT_BACK, JobStatus.AWAITING_SELECTION) or (
            was is JobStatus.QUEUED and is_now is JobStatus.CANCELLED
        ):
            self._wanted(before, after)
        for told in self.on_job_change:
            told(before, after)

    def _is_told(self, before: Document, after: Document, hooks: list[Change]) -> bool:
        """Whether nothing has changed but that events were taken away, which no reader sees."""
        if after["rev"] != before["rev"] or any(after[name] != before[name] for name in after if name != "events"):
            return False
        demand(all(event in before["events"] for event in after["events"]), "events came without a change", after)
        for told in hooks:
            told(before, after)
        return True

    def _dated(self, after: Document) -> None:
        demand(after["changed_at"] == self._now(), "a change does not say when it was", after)

    def _note_lease(self, before: Document | None, after: Document | None) -> None:
        began = self._leases.pop(before["token"])[1] if before is not None else self._now()
        if after is not None:
            self._leases[after["token"]] = (after, began)

    def _owned(self, before: Document, after: Document) -> None:
        """Only its owner ends a running job, or whoever finds that its lease is over (I3)."""
        lease = before["lease"]
        if after["status"] == JobStatus.PROCESSING:
            demand(after["lease"]["token"] == lease["token"], "a running job was taken", before, after)
            changed = {name for name in after if after[name] != before[name]} - OTHERS_MAY_CHANGE
            demand(not changed or self._actor == lease["worker_id"], self._actor, "changed a job of another's", changed)
            return
        mine = self._actor == lease["worker_id"]
        over = lease["until"] <= self._now() + UNSURE
        demand(mine or over, self._actor, "ended a job that was not its own", before, after)
        heeded = before["wish"] != Wish.CANCEL or after["status"] != JobStatus.QUEUED
        demand(heeded, "a job that a person had cancelled was put back", before, after)
        if not mine:
            self._lost.add((lease["worker_id"], after["_id"]))

    def _put_back(self, before: Document, after: Document) -> None:
        """Of one that was taken too late, under a slot that had expired, its bulk knows when the lease is over."""
        named = before["lease"]["token"] in self.bulks[before["bulk_job_id"]]["slots"]
        if not named:
            self._known_from[before["_id"]] = before["lease"]["until"]

    def _taken(self, before: Document) -> None:
        """The first of those that wait: by lane, then by position (I1)."""
        for other in self._jobs_of[before["bulk_job_id"]].values():
            waits = other["status"] == JobStatus.QUEUED and other["due_at"] + UNSURE < self._asked_at
            ahead = (other["lane"], other["queue_position"]) < (before["lane"], before["queue_position"])
            demand(not (waits and ahead), "a job was taken before position", other["queue_position"], before)

    def _wanted(self, before: Document, after: Document) -> None:
        """A job is sent back or cancelled while it waits only because a person wished it."""
        bulk = self.bulks[before["bulk_job_id"]]
        intent = bulk["intent"] or {"kind": None, "job_ids": []}
        if after["status"] == JobStatus.QUEUED:
            kind = "select" if before["status"] == JobStatus.AWAITING_SELECTION else "retry"
            wished = intent["kind"] == kind and before["_id"] in intent["job_ids"]
        else:
            wished = bulk["status"] == BulkStatus.CANCELLED or before["_id"] in intent["job_ids"]
        demand(wished, "nobody wished this", before, after, bulk)

    def _sums(self, bulk: Document) -> None:
        """I2, and that whatever is owed can be seen by those who complete it."""
        slots, jobs = bulk["slots"], self._jobs_of[bulk["_id"]].values()
        demand(bulk["busy"] == len(slots), "busy is not the number of slots", bulk)
        demand(bulk["free"] == bulk["parallelism"] - len(slots), "free is wrong", bulk)
        demand(bulk["budget_left"] is None or bulk["budget_left"] > -CENT, "more is set aside than the budget", bulk)
        counted = sum(bulk[counter] for counter in COUNTERS.values())
        demand(bulk["remaining_items"] == bulk["total_items"] - counted >= 0, "counters overshoot", bulk)
        if bulk["intent"] is not None:
            return  # whoever meets it completes it, and recounts
        statuses = Counter(job["status"] for job in jobs)
        uncounted = 0
        for status, counter in COUNTERS.items():
            demand(bulk[counter] <= statuses[status], counter, "overshoots", dict(statuses), bulk)
            uncounted += statuses[status] - bulk[counter]
        held = {job["lease"]["token"] for job in jobs if job.get("lease")}
        left = [token for token in slots if token not in held]
        demand(left or not uncounted, uncounted, "ended jobs are neither counted nor owed by a slot", bulk)
        if not left:
            ceiling = bulk["ceiling"] or bulk["total_items"]
            waiting = [job for job in jobs if job["status"] == JobStatus.QUEUED and job["queue_position"] <= ceiling]
            known = [max(job["due_at"], self._known_from.get(job["_id"], job["due_at"])) for job in waiting]
            self._nothing_owed(bulk, statuses, known)

    def _nothing_owed(self, bulk: Document, statuses: Counter[str], waiting: list[datetime]) -> None:
        ended = sum(statuses[status] for status in ENDED_JOBS)
        if bulk["status"] in LIVE_BULKS:
            wanted = max(min(waiting, default=NEVER), self._now() + UNSURE)  # what is due already may be looked for now
            demand(bulk["due_at"] <= wanted, "a job waits, and its bulk does not know", bulk)
            demand(ended < bulk["total_items"], "all its jobs have ended, and nobody owes the bulk its end", bulk)
        else:
            demand(not statuses[JobStatus.QUEUED], "a job waits in a bulk that is over", bulk)

    def _look_at_limits(self) -> None:
        documents = self._tables["limits"].documents() if "limits" in self._tables else ()
        for after in [one for one in documents if one is not self.scopes.get(one["_id"])]:
            before = self.scopes.get(after["_id"])
            self.scopes[after["_id"]] = after
            demand(after["running"] == len(after["slots"]), "running is not the number of places", after)
            if before is not None:
                self._entered(before, after)

    def _entered(self, before: Document, after: Document) -> None:
        """No more are let in than the rules allow that stood before."""
        cap, pace, cost = self._rules(before)
        more = after["running"] > before["running"] and not self._actor.startswith("service")  # there it is counted
        demand(not more or cap is None or after["running"] <= cap, "more running than the cap", after)
        demand(not more or cost is None or after["committed"] <= cost + CENT, "more set aside than the budget", after)
        earlier = before["recent"]
        if after["recent"] != earlier and pace is not None and len(earlier) >= pace:
            since = after["recent"][0] - earlier[pace - 1]
            demand(since >= WINDOW, "more calls in a window than the pace", before, after)

    def _rules(self, scope: Document) -> tuple[int | None, int | None, float | None]:
        """The cap, the pace and the daily budget of a scope."""
        if scope["_id"].startswith(GENERATOR):
            return scope["ramp"], scope["pace"], None
        if scope["_id"].startswith(TWIN):
            return 1, None, None
        system = limits_in({name: self.scopes.get(name, {"requests_per_minute": None}) for name in SHARED})
        if scope["_id"].startswith(TENANT):
            mine = tenant_limits_in(scope).over(system)
            return mine.max_running, mine.requests_per_minute, mine.cost_per_day
        return system.max_running, None, system.cost_per_day
