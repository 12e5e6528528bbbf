"""What a recount finds that is to be told: the end of a generation, and percentages of it. Pure; it stores nothing.

`told` on the bulk says up to where that is done: the last generation whose end is told, and the percentage of the
running one up to which all is told (None: it has just begun, and starts from where it stands). It is changed in the
write that stores the events, by compare-and-set: so each is made once.
"""

from __future__ import annotations

from datetime import datetime

from jobs import events
from jobs.milestones import crossed, ends_until, reached
from jobs.states import LIVE_BULKS, BulkStatus
from jobs.storage.store import Document


def told_of(bulk: Document) -> Document:
    """Of a bulk of an earlier version that has ended, all counts as told."""
    before = bulk["generation"] if bulk["completed_at"] is not None else bulk["generation"] - 1
    told: Document = bulk.get("told") or {"generation": before, "percent": None}
    return told


def milestones(after: Document, *, is_over: bool, now: datetime) -> tuple[Document, list[Document]]:
    """`told` and `until_told` of a bulk that is to become `after`, and the events that its write has to store.

    Nothing is told while an intent stands: the counts are on the move. Of a cancelled bulk no percentage is.
    """
    told, found = told_of(after), []
    total, ended = after["total_items"], after["total_items"] - after["remaining_items"]
    chosen = (after.get("notify") or {}).get("progress") or []
    percent = told["percent"]
    if after["intent"] is None and after["status"] != BulkStatus.CANCELLED:
        percent = reached(ended, total) if percent is None else percent
        new = crossed(chosen, percent, ended, total)
        found += [events.progress(after, now, one) for one in new]
        percent = max([percent, *new])
    generation = told["generation"]
    if is_over and after["status"] not in LIVE_BULKS and generation < after["generation"]:
        generation = after["generation"]
        found.append(_ended(after, now))
    until = ends_until(chosen, 0 if percent is None else percent, ended, total)
    return {"told": {"generation": generation, "percent": percent}, "until_told": until}, found


def next_generation(bulk: Document, now: datetime) -> tuple[Document, list[Document]]:
    """What changes where a person begins the next one, and what is still to be told of the last: one that was
    cancelled may have jobs that run, and its end would never come."""
    told = told_of(bulk)
    untold = told["generation"] < bulk["generation"]
    changes = {"told": {"generation": bulk["generation"], "percent": None}, "cancelled_by": None}
    return changes, [_ended(bulk, now)] if untold else []


def chosen_anew(bulk: Document) -> Document:
    """What changes with the percentages: those that it has passed already are not told."""
    told = told_of(bulk)
    if told["percent"] is None:
        return {"told": told}
    stands = reached(bulk["total_items"] - bulk["remaining_items"], bulk["total_items"])
    return {"told": {**told, "percent": max(told["percent"], stands)}}


def _ended(bulk: Document, now: datetime) -> Document:
    cancelled = bulk["status"] == BulkStatus.CANCELLED
    # one whose jobs were all cancelled singly: only people do that
    by = (bulk.get("cancelled_by") or events.BY_PERSON) if cancelled else None
    return events.ended(bulk, now, cancelled=cancelled, by=by)
