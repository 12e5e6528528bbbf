"""From what an estimate was made, in plain words with the figures. Nothing is computed that the estimate rests on."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from jobs.estimation.estimates import Retries

FEW = 3
"""Of fewer a median says nothing."""


@dataclass(frozen=True)
class Facts:
    """`done` and `before` are the seconds of the bulk's own jobs and of others of its kind; `completed` is how many it
    has completed. `per_minute` is a rate that holds it up; `ahead` jobs of its tenant's go first; `shared`: it takes
    turns with others; `hours` of the day that it runs within; `awaiting` wait for a person."""

    done: Sequence[float]
    before: Sequence[float]
    completed: int
    rows: int
    delay: float
    retries: Retries = Retries()
    per_minute: int | None = None
    ahead: int = 0
    shared: bool = False
    hours: str | None = None
    awaiting: int = 0


def basis_of(facts: Facts) -> str:
    said = [_times(facts), _rows(facts)]
    if facts.retries.failed:
        again = 100 * facts.retries.failed / facts.retries.tries
        said.append(f"{max(1, round(again))} % tried again")
    if facts.per_minute is not None:
        said.append(f"at most {_so_many(facts.per_minute, 'call')} a minute")
    if facts.ahead:
        said.append(f"after {_so_many(facts.ahead, 'article')} of the same tenant that go first")
    if facts.shared:
        said.append("in turns with others")
    if facts.hours:
        said.append(f"only {facts.hours}")
    if facts.awaiting:
        they = (
            "the one that waits for a person" if facts.awaiting == 1 else f"the {facts.awaiting} that wait for a person"
        )
        said.append(f"as if {they} had been chosen for now")
    return "; ".join(said)


def in_words(seconds: float) -> str:
    """`45 s`, `2 min 40 s`, `1 h 5 min`; under ten seconds with a tenth."""
    if seconds < 9.95:
        return f"{seconds:.1f} s" if round(seconds, 1) % 1 else f"{seconds:.0f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    hours, minutes = divmod(whole // 60, 60)
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min {whole % 60} s" if whole % 60 else f"{minutes} min"


def _times(facts: Facts) -> str:
    done = f"{_so_many(facts.completed, 'article')} done" if facts.completed else "none done yet"
    if len(facts.done) >= FEW:
        return f"{done}, {_spread(facts.done)}"
    own = f", {in_words(statistics.fmean(facts.done))} each" if facts.done else ""
    if facts.before:
        return f"{done}{own}; the last {len(facts.before)} of its kind took {_spread(facts.before)}"
    return done + own


def _spread(seconds: Sequence[float]) -> str:
    median = in_words(statistics.median(seconds))
    if len(seconds) < FEW:
        return f"{median} each"
    tenths = statistics.quantiles(seconds, n=10, method="inclusive")
    low, high = in_words(tenths[0]), in_words(tenths[-1])
    return f"{median} each at the median ({low} to {high})" if low != high else f"{median} each"


def _rows(facts: Facts) -> str:
    together = "one at a time" if facts.rows == 1 else f"{facts.rows} at once"
    return f"{together}, {in_words(facts.delay)} apart" if facts.delay else together


def _so_many(count: int, one: str) -> str:
    return f"{count} {one}" if count == 1 else f"{count} {one}s"
