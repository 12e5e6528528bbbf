"""What the generator may be asked, and when: order, one at a time, pause, cancel, keys (I1, I4, I5, I9).

It is told of each call as it is accepted, of each change of a job, and of each answer that a person got.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from bson import ObjectId

from jobs import leases
from jobs.documents import Wish
from jobs.states import ACTIVE_BULKS, ENDED_JOBS, BulkStatus, JobStatus
from jobs.storage.store import Document
from tests.support.simulation.simulated_generator import OpenCall, SimulatedGenerator
from tests.support.simulation.witness import CENT, OVER, SENT_BACK, UNSURE, Witness, demand

ABORT_WITHIN = timedelta(seconds=2)
BETWEEN_LOOKS = timedelta(seconds=1)
"""A worker looks at controls once a second: each look that the database has not answered makes its next one later."""


@dataclass(frozen=True)
class Stop:
    """A call that a cancel has named, until when it may be open, and how long operations were held up, and how many
    reads of its worker were not answered, before."""

    call: OpenCall
    until: datetime
    held_before: timedelta
    unanswered_before: int


class Promises:
    """`cap` is the system's, None once somebody changes it; `held` for how long operations were held up so far."""

    def __init__(
        self,
        witness: Witness,
        generator: SimulatedGenerator,
        now: Callable[[], datetime],
        held: Callable[[], timedelta],
        cap: int | None,
    ) -> None:
        self._witness = witness
        self._generator = generator
        self._now = now
        self._held = held
        self.cap = cap
        self.lifts: Counter[ObjectId] = Counter()
        self._asking: Counter[ObjectId] = Counter()
        self._parallelism: Counter[ObjectId] = Counter()
        self._allowed: dict[ObjectId, set[str]] = {}
        self._last_start: Counter[ObjectId] = Counter()
        self._started: set[ObjectId] = set()
        # taken under a slot that had expired while its worker slept, and put back, while the next one went ahead
        self._out_of_turn: set[ObjectId] = set()
        self._owed: Counter[ObjectId] = Counter()
        self._sent_back: dict[ObjectId, set[str]] = defaultdict(set)
        self._definite: set[str] = set()
        self._stops: list[Stop] = []
        witness.on_bulk_change.append(self._bulk_changed)
        witness.on_job_change.append(self._job_changed)
        generator.on_open = self._opened
        generator.on_close = self._closed

    def stopped(self, bulk_id: ObjectId, running: Iterable[ObjectId], *, since: int, aborts: bool) -> None:
        """A pause or a cancel has answered: of this bulk only those runnings may still begin a call.

        Unless somebody has asked for it to go on `since` (the number of `lifts` when this was asked).
        """
        bulk, named = self._witness.bulks[bulk_id], set(running)
        if self.lifts[bulk_id] != since or self._asking[bulk_id] or bulk["status"] in ACTIVE_BULKS:
            return
        self._allowed[bulk_id] = {token for token, slot in bulk["slots"].items() if slot["job_id"] in named}
        if aborts:
            self._stop([call for call in self._generator.open_calls if self._bulk_of(call) == bulk_id])

    def cancelled(self, job_id: ObjectId, *, since: int) -> None:
        """The cancel of one job has answered, and nobody has asked for it to go on `since`."""
        job = self._witness.jobs[job_id]
        if self.lifts[job["bulk_job_id"]] == since and not self._asking[job["bulk_job_id"]]:
            heeded = job["status"] in ENDED_JOBS or job["wish"] == Wish.CANCEL
            demand(heeded, "a job was cancelled, and is not", job)
            self._stop([call for call in self._generator.open_calls if call.job_id == job_id])

    @contextmanager
    def lifting(self, bulk_id: ObjectId, *, pause_too: bool) -> Iterator[None]:
        """Somebody asks for the bulk to go on, or for jobs of it to be sent back, which does not end a pause."""
        self.lifts[bulk_id] += 1
        self._asking[bulk_id] += 1
        if pause_too or self._witness.bulks[bulk_id]["status"] != BulkStatus.PAUSED:
            self._allowed.pop(bulk_id, None)
        try:
            yield
        finally:
            self._asking[bulk_id] -= 1

    def look(self) -> None:
        """Calls that a person cancelled are over in time (I5), while their owner lives."""
        self._stops = [stop for stop in self._stops if stop.call.is_open and not stop.call.process.was_stalled]
        for stop in self._stops:
            unanswered = stop.call.process.unanswered_reads - stop.unanswered_before
            late = self._now() > stop.until + self._held() - stop.held_before + unanswered * BETWEEN_LOOKS
            demand(not late, "a call is open 2 s after its cancel has answered", stop.call)

    def _stop(self, calls: Iterable[OpenCall]) -> None:
        until, held = self._now() + ABORT_WITHIN, self._held()
        self._stops += [Stop(call, until, held, call.process.unanswered_reads) for call in calls]

    def assert_kept(self) -> None:
        """Every running that began a call left an attempt; nothing was called for more often than it was owed."""
        keys: dict[ObjectId, set[int]] = defaultdict(set)
        for call in self._generator.calls:
            job = self._witness.jobs[call.job_id]
            keys[call.job_id].add(call.number)
            ends = [attempt for attempt in job["attempts"] if attempt["token"] == call.token]
            demand(call.token is None or len(ends) == 1, "a running left no attempt of its own", call, job)
        for job_id, numbers in keys.items():
            job = self._witness.jobs[job_id]
            owed = set(range(1, self._owed[job_id] + 2))
            demand(numbers <= owed, "keys were used that nothing owed", numbers, job)
            if job["status"] == JobStatus.COMPLETED and not self._sent_back[job_id]:
                demand(numbers == owed, "keys that were owed were not used", numbers, job)
                self._demand_counted(job)

    def _demand_counted(self, job: Document) -> None:
        """Whatever was answered under a key was paid once. What only a worker heard that died is known from repeating
        the call, which does not happen where the job then takes over its twin's article."""
        if job["lost_workers"] and job["result_meta"].get("shared_from"):
            return
        mine = [call for call in self._generator.calls if call.job_id == job["_id"] and call.answered]
        paid = sum({call.key: call.answer.cost for call in mine}.values())
        demand(job["cost"] > paid - CENT, "what was paid is not counted", paid, job)

    def _bulk_changed(self, before: Document, after: Document) -> None:
        bulk_id = after["_id"]
        self._parallelism[bulk_id] = max(self._parallelism[bulk_id], before["parallelism"], after["parallelism"])
        if (
            bulk_id in self._allowed
            and before["status"] in (BulkStatus.PAUSED, *OVER)
            and after["status"] in ACTIVE_BULKS
        ):
            until = (before["pause"] or {}).get("until")
            is_time = until is not None and until <= self._now() + UNSURE
            demand(is_time or self._asking[bulk_id], "nobody asked for this to go on", before, after)
            del self._allowed[bulk_id]

    def _job_changed(self, before: Document, after: Document) -> None:
        job_id = after["_id"]
        if after["status"] == JobStatus.PROCESSING and not self._slot_of(after):
            self._out_of_turn.add(job_id)
        if before["status"] == JobStatus.PROCESSING and after["status"] != JobStatus.PROCESSING:
            answered = after["attempts"] and after["attempts"][-1]["outcome"] in ("failed", "retried")
            self._owed[job_id] += bool(answered and before["lease"]["token"] in self._definite)
        if before["status"] in SENT_BACK and after["status"] == JobStatus.QUEUED:
            intent = self._witness.bulks[after["bulk_job_id"]]["intent"]["id"]
            demand(intent not in self._sent_back[job_id], "one retry sent a job back twice", before, after)
            self._sent_back[job_id].add(intent)
            self._owed[job_id] += 1
        demand(after["call_number"] == self._owed[job_id] + 1, "n is not", self._owed[job_id] + 1, before, after)

    def _opened(self, call: OpenCall) -> None:
        job = self._witness.jobs[call.job_id]
        owns = job["lease"] is not None and job["lease"]["worker_id"] == call.process.name
        if call.slept and not owns:
            return  # its job is somebody else's by now, under the same key
        demand(owns, "a call by a worker that does not own the job", call, job)
        bulk = self._witness.bulks[job["bulk_job_id"]]
        call.token = job["lease"]["token"]
        demand(self._slot_of(job).get("job_id") == call.job_id, "a call without a slot", call, bulk)
        allowed = self._allowed.get(bulk["_id"])
        demand(allowed is None or call.token in allowed, "a job started after pause or cancel had answered", call)
        self._demand_room(bulk)
        self._demand_order(job, bulk)
        owed = self._owed[call.job_id] + 1
        demand(call.number == owed, "the key should have n =", owed, call, job)
        stage, part = call.label
        is_kept = stage in job["checkpoints"] or part in job["paid"].get(stage, {})
        demand(not is_kept, "what was kept is paid for again", call, job)
        others = [one for one in self._generator.calls if one.job_id == call.job_id and one.answers_alike(call)]
        again = [one for one in others if one.number != call.number]
        demand(not again or self._sent_back[call.job_id], "what was answered is paid for again", call, again)

    def _closed(self, call: OpenCall) -> None:
        if call.answered and call.answer.definite_failure and call.token is not None:
            self._definite.add(call.token)

    def _demand_room(self, bulk: Document) -> None:
        calls = [call for call in self._generator.open_calls if self._is_owned(call)]
        mine = [call for call in calls if self._bulk_of(call) == bulk["_id"]]
        most = max(self._parallelism[bulk["_id"]], bulk["parallelism"])
        at_once = {call.job_id for call in mine}
        demand(len(at_once) <= most, len(at_once), "jobs of one bulk at once", bulk)
        twins = [call for call in calls if self._twin_key(call) is not None]
        demand(len(twins) == len({self._twin_key(call) for call in twins}), "twins are called for at once", twins)
        jobs = {call.job_id for call in calls}
        demand(self.cap is None or len(jobs) <= self.cap, len(jobs), "jobs at once in the system", calls)

    def _demand_order(self, job: Document, bulk: Document) -> None:
        if job["_id"] in self._started:
            return
        self._started.add(job["_id"])
        alone = max(self._parallelism[bulk["_id"]], bulk["parallelism"]) == 1
        came_in_vain = job["waits_for"] or job["uncounted_retries"]  # a twin was before it, or nobody took its call
        if self._sent_back[job["_id"]] or job["_id"] in self._out_of_turn or came_in_vain or not alone:
            return  # where several run, the order is that in which they are taken: the witness looks at that
        last, position = self._last_start[bulk["_id"]], job["queue_position"]
        demand(position > last, "position", position, "first started after", last)
        self._last_start[bulk["_id"]] = position

    def _slot_of(self, job: Document) -> Document:
        """That of its running; empty where there is none."""
        slot: Document = self._witness.bulks[job["bulk_job_id"]]["slots"].get(job["lease"]["token"], {})
        return slot

    def _is_owned(self, call: OpenCall) -> bool:
        return call.token is not None and leases.holds(self._witness.jobs[call.job_id], call.token)

    def _twin_key(self, call: OpenCall) -> str | None:
        key: str | None = self._witness.jobs[call.job_id]["twin_key"]
        return key

    def _bulk_of(self, call: OpenCall) -> ObjectId:
        bulk_id: ObjectId = self._witness.jobs[call.job_id]["bulk_job_id"]
        return bulk_id
