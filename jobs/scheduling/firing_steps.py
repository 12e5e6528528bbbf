"""What becomes of a schedule's document when a firing of it begins and ends. Pure: nothing is stored or fired here."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from bson import ObjectId

from jobs.clock import NEVER
from jobs.errors import InvalidInput, PressrunError
from jobs.scheduling.firing_log import Outcome, Why
from jobs.scheduling.schedules import Missed, ScheduleState, read
from jobs.storage.store import Document

IN_TIME = timedelta(minutes=10)
"""A firing that is later than this was missed."""

MOST_COUNTED = 1000
FAILURES_IN_A_ROW = 5
MISSED = "No worker was there in time, and the schedule skips what was missed."


def begun(stored: Document, now: datetime) -> Document:
    """The firing that is due, and when the next one will be. Raises `InvalidInput` for a rhythm that cannot be read
    here."""
    first, rhythm = stored["next_at"], read(stored).plan.rhythm
    last, passed_over = first, 0
    for moment in rhythm.after(first):
        if moment > now or passed_over == MOST_COUNTED - 1:
            break
        last, passed_over = moment, passed_over + 1
    if passed_over == MOST_COUNTED - 1:  # not the last one yet: that of the last minutes may still be in time
        last = max(takewhile(lambda moment: moment <= now, rhythm.after(now - IN_TIME)), default=last)
    is_skipped = stored["missed"] == Missed.SKIP and last < now - IN_TIME
    # named by the first: what is planned is the same for whoever looks, and later ones may come to be due
    firing_id = f"{stored['_id']}-{first:%Y%m%dT%H%M%S}"
    firing = _firing(firing_id, Why.TIME, last, passed_over, now, MISSED if is_skipped else None)
    return {"firing": firing, "next_at": rhythm.next(now) or NEVER}


def by_hand(stored: Document, now: datetime) -> Document:
    """One that nobody has planned: the next stays as it is."""
    return {"firing": _firing(f"{stored['_id']}-{ObjectId()}", Why.HAND, now, 0, now)}


def sentence_of(error: PressrunError) -> str:
    """With what is wrong with single fields, the first three of them."""
    faults = error.faults if isinstance(error, InvalidInput) else ()
    told = "; ".join(": ".join(filter(None, (fault.path, fault.message))) for fault in faults[:3])
    return f"{error} {told}" if told else str(error)


def _firing(
    firing_id: str, why: Why, planned_at: datetime, passed_over: int, now: datetime, skipped: str | None = None
) -> dict[str, Any]:
    return {
        "id": firing_id,
        "why": why.value,
        "planned_at": planned_at,
        "passed_over": passed_over,
        "at": now,
        "skipped": skipped,
    }


def without_firing(stored: Document, outcome: Outcome, now: datetime) -> Document:
    by_itself = stored["firing"]["why"] == Why.TIME
    untold = stored.get("untold")
    done: Document = {"firing": None, "due_at": untold["at"] if untold is not None else stored["next_at"]}
    match outcome:
        case Outcome.FIRED:
            return done | {"failures": 0}
        case Outcome.FAILED if by_itself and stored["state"] == ScheduleState.ACTIVE:
            failures = stored["failures"] + 1
            if failures < FAILURES_IN_A_ROW:
                return done | {"failures": failures}
            reason = f"{FAILURES_IN_A_ROW} firings in a row have failed: see what was wrong, mend it, and resume."
            return done | {"failures": failures} | paused(stored, reason, now)
        case _:
            return done


def paused(stored: Document, reason: str, now: datetime) -> Document:
    """By itself. `rev`, which the write replaces, tells this pause from others; whoever looks next tells the owner."""
    untold = {"id": f"{stored['_id']}-paused-{stored['rev']}", "at": now, "name": stored["name"], "reason": reason}
    state = {"state": ScheduleState.PAUSED.value, "pause_reason": reason}
    return state | {"next_at": NEVER, "due_at": now, "untold": untold}


def told(stored: Document) -> Document:
    """Its owner has heard of it."""
    return {"untold": None, "due_at": stored["next_at"]}
