"""Holds what bulks and jobs have to tell against what happened to them: one event for each thing, neither none nor two.

What happened is read off the documents' other fields, change by change; so is when an event may be taken away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from bson import ObjectId

from jobs.notification.addressed import delivery_id
from jobs.states import LIVE_BULKS, BulkStatus, JobStatus
from jobs.storage.store import Document
from tests.support.simulation.deliveries import RECEIVER
from tests.support.simulation.witness import Witness, demand

Peek = Callable[[str], Sequence[dict[str, Any]]]


class Telling:
    """`peek` shows a collection as it is."""

    def __init__(self, witness: Witness, peek: Peek) -> None:
        self._witness = witness
        self._peek = peek
        self.made: dict[str, str] = {}
        self._cancelled: set[tuple[ObjectId, int]] = set()
        self._percent: dict[tuple[ObjectId, int], int] = {}
        witness.on_bulk_change.append(self._bulk_changed)
        witness.on_job_change.append(self._job_changed)

    def is_owed(self) -> bool:
        """Whether anything is still to be told."""
        documents = [*self._witness.bulks.values(), *self._witness.jobs.values()]
        return any(document.get("events") for document in documents)

    def assert_all_told(self) -> None:
        demand(not self.is_owed(), "an event was never told")
        demand(not self._cancelled, "a cancelled generation was never told", self._cancelled)
        notices = Counter(notice["_id"] for notice in self._peek("notices"))
        demand(notices == Counter(list(self.made)), "notices are not the events", notices, self.made)
        deliveries = Counter(delivery["_id"] for delivery in self._peek("deliveries"))
        planned = Counter(delivery_id(event, RECEIVER) for event in self.made)
        demand(deliveries == planned, "deliveries are not the events", deliveries, planned)

    def _bulk_changed(self, before: Document, after: Document) -> None:
        added = self._made(before, after)
        expected = Counter(self._percentages(before, after))
        was, is_now = before["status"], after["status"]
        expected["completed"] += was in LIVE_BULKS and is_now == BulkStatus.COMPLETED
        expected["paused"] += was != BulkStatus.PAUSED and is_now == BulkStatus.PAUSED
        expected["cancelled"] += self._ends_a_cancelled_one(before, after)
        told = Counter(_what(event) for event in added)
        demand(told == +expected, "a bulk tells", told, "and should tell", +expected, before, after)
        for event in added:
            self._demand_id(event, before)

    def _ends_a_cancelled_one(self, before: Document, after: Document) -> bool:
        """With the last slot's end, or where the next generation begins without waiting for it."""
        if before["status"] in LIVE_BULKS and after["status"] == BulkStatus.CANCELLED:
            self._cancelled.add((after["_id"], after["generation"]))
        this = (after["_id"], before["generation"])
        is_at_rest = not after["slots"] and after["intent"] is None and after["remaining_items"] == 0
        ends = this in self._cancelled and (is_at_rest or after["generation"] > before["generation"])
        if ends:
            self._cancelled.remove(this)
        return ends

    def _percentages(self, before: Document, after: Document) -> list[str]:
        """Those that are passed in this change, of a generation from where it stood when it began."""
        if after["intent"] is not None or after["status"] == BulkStatus.CANCELLED:
            if before["notify"] != after["notify"] and before["status"] != BulkStatus.CANCELLED:
                this = (before["_id"], before["generation"])
                self._percent[this] = max(self._percent.get(this, 0), _stands(before))
            return []
        this, stands = (after["_id"], after["generation"]), _stands(after)
        last = self._percent.setdefault(this, 0 if after["generation"] == 1 else stands)
        chosen = (after["notify"] or {}).get("progress", ())
        passed = sorted({one for one in chosen if last < one <= stands})
        self._percent[this] = max([last, *passed])
        return list(map(str, passed))

    def _demand_id(self, event: Document, before: Document) -> None:
        generation = event["id"].split("-")[1]
        demand(generation == str(before["generation"]) == str(event["generation"]), "of another generation", event)

    def _job_changed(self, before: Document, after: Document) -> None:
        added = self._made(before, after)
        ends = before["status"] == JobStatus.PROCESSING and after["status"] in (
            JobStatus.FAILED,
            JobStatus.AWAITING_SELECTION,
        )
        demand(len(added) == ends, "a job tells", added, before, after)
        for event in added:
            failed = after["status"] == JobStatus.FAILED
            demand(event["type"] == ("job.failed" if failed else "job.awaiting_selection"), "a job tells", event, after)

    def _made(self, before: Document, after: Document) -> list[Document]:
        """The events that this change has added; each has an id of its own, and those that are gone were told."""
        were, are = {event["id"] for event in before["events"]}, {event["id"] for event in after["events"]}
        for gone in were - are:
            self._demand_told(gone)
        added = [event for event in after["events"] if event["id"] not in were]
        demand(len(are) == len(after["events"]), "two events of one id", after)
        for event in added:
            demand(event["id"] not in self.made, "one event was made twice", event)
            self.made[event["id"]] = event["type"]
        return added

    def _demand_told(self, event: str) -> None:
        for collection, document in (("notices", event), ("deliveries", delivery_id(event, RECEIVER))):
            there = any(one["_id"] == document for one in self._peek(collection))
            demand(there, "an event was taken away before all that it leads to was stored", collection, event)


def _stands(bulk: Document) -> int:
    return int(100 * (bulk["total_items"] - bulk["remaining_items"]) // bulk["total_items"])


def _what(event: Document) -> str:
    """A percentage, or in one word what has happened."""
    _, _, what, *more = event["id"].split("-")
    return str(more[0] if what == "progress" else what)
