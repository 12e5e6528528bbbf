"""When a bulk will have ended: what is left of it is played through, several times, with times as they were measured.

Pure functions, and the same answer for the same question: the numbers that vary the times are always the same ones.
Nothing is read here, and nothing is said of what waits for something that has no known end.
"""

from __future__ import annotations

import heapq
import math
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from jobs.capacity.sharing import Phase, seconds_with
from jobs.estimation.lognormal import SHORTEST, STANDARD, Lognormal, seconds

PLAYS = 32
FEWEST_PLAYS = 8
MOST_STEPS = 1_200
"""So many jobs are played in all, if these are enough for the fewest plays."""

LEAST_PLAYED = 30
"""The last ones, one by one: of more, the first are only summed up."""

MOST_ROWS = 100
"""Of more, a part is played that stands for the others."""
LOW, HIGH = 0.06, 0.94
"""The quantiles of the plays between which the end is told to lie. That the end lies there in four of five moments, for
every kind of bulk, is what `benchmarks/estimates.py` proves: these leave room for what the plays do not know."""

BACKOFF_SECONDS = 5.0
"""Of the first try again (spec §6)."""

LEAST_SHARE = 0.01
WINDOW_SECONDS = 60.0
"""In which a rate counts its calls."""

_TABLE = 4096
_RANDOM = random.Random(6)  # noqa: S311 - the same numbers in every process, and no secret


def _scores(count: int) -> list[float]:
    """Normal scores that are spread evenly, in an order without order."""
    evenly = [STANDARD.inv_cdf((place + 0.5) / count) for place in range(count)]
    _RANDOM.shuffle(evenly)
    return evenly


_TIMES, _AGAIN = _scores(_TABLE) * 2, _scores(_TABLE) * 2
_SUMS, _LUCK, _OTHERS = _scores(PLAYS), _scores(PLAYS), _scores(PLAYS)
_OFF = [STANDARD.inv_cdf((place + 0.5) / PLAYS) for place in range(PLAYS)]
_STRIDE = 997


@dataclass(frozen=True)
class Range:
    """Seconds."""

    low: float
    high: float


@dataclass(frozen=True)
class Rest:
    """A running job: so many seconds in a stage that takes `times`, and then `later` seconds for the stages after."""

    times: Lognormal
    elapsed: float
    later: float = 0.0

    @property
    def range(self) -> Range:
        unsure = replace(self.times, sigma=math.hypot(self.times.sigma, self.times.error))
        return Range(*(unsure.rest(self.elapsed, probability) + self.later for probability in (LOW, HIGH)))


@dataclass(frozen=True)
class Retries:
    """`failed` of `tries` so far have failed; one that does takes `share` of a good one's time, and is made again."""

    failed: float = 0.0
    tries: float = 1.0
    share: float = 1.0

    def more_tries(self, jobs: float, luck: float) -> int:
        """How many more tries so many jobs need, if it goes as well as `luck` (a normal score) says."""
        if not self.failed:
            return 0
        seen = self.failed / self.tries
        fails = min(0.9, max(0.0, seen + luck * math.sqrt(seen * (1 - seen) / self.tries)))
        return max(0, round((jobs * fails + luck * math.sqrt(jobs * fails)) / (1 - fails)))


def retries_of(failed: Sequence[float], good: Sequence[float]) -> Retries:
    """From the seconds of the tries that failed, and of those that did not."""
    if not failed or not good:
        return Retries()
    share = statistics.fmean(failed) / max(statistics.fmean(good), SHORTEST)
    return Retries(len(failed), len(failed) + len(good), min(1.0, max(LEAST_SHARE, share)))


@dataclass(frozen=True)
class Rate:
    """`calls` that each job makes; `per_minute` may be made; `used` of them were made in the last minute, the earliest
    of those `age` seconds ago."""

    per_minute: int
    calls: float = 1.0
    used: int = 0
    age: float = 0.0

    def held_back(self, tries: float) -> float:
        """The seconds until the last call of so many tries may be made."""
        count = self.used + math.ceil(tries * self.calls)
        return max(0.0, (math.ceil(count / self.per_minute) - 1) * WINDOW_SECONDS - self.age)


@dataclass(frozen=True)
class Work:
    """What is left of a bulk. All times are in seconds.

    `waiting` jobs are still to begin, some with less to do than a whole one, so it need not be a whole number. `rows`
    run at once; after the end of one none begins for `delay`, after a start none for `stagger`, and none at all for the
    next `held`; none that failed ends for good before `last_due`. `course`: what the bulk has of a capacity that is
    shared with others; empty where it has its rows to itself.
    """

    times: Lognormal
    waiting: float
    running: Sequence[Rest] = ()
    rows: int = 1
    delay: float = 0.0
    stagger: float = 0.0
    held: float = 0.0
    last_due: float = 0.0
    retries: Retries = Retries()
    rates: Sequence[Rate] = ()
    course: Sequence[Phase] = ()


def estimate(work: Work) -> Range:
    """How long it is from now until all of it has ended: probably more than the one, and less than the other."""
    work = _with_fewer_rows(replace(work, rows=_rows_of(work)))
    most = max(LEAST_PLAYED, 2 * work.rows)
    played = min(math.ceil(work.waiting), most) + len(work.running)
    plays = min(PLAYS, max(FEWEST_PLAYS, MOST_STEPS // max(1, played)))
    numbers = [int((place + 0.5) * PLAYS / plays) for place in range(plays)]
    ends = sorted(_play(work, most, number) for number in numbers)
    return Range(_between(ends, LOW), _between(ends, HIGH))


def _with_fewer_rows(work: Work) -> Work:
    part = math.ceil(work.rows / MOST_ROWS)
    if part == 1:
        return work
    running, rates = work.running[::part], [replace(rate, calls=rate.calls * part) for rate in work.rates]
    return replace(work, rows=work.rows // part, waiting=work.waiting / part, running=running, rates=rates)


def _play(work: Work, most: int, number: int) -> float:
    """The seconds until the end, once."""
    times, shift = work.times, work.times.shifted(_OFF[number])
    running = [_rest(rest, number, place) for place, rest in enumerate(work.running)]
    extra = work.retries.more_tries(work.waiting + len(running), _LUCK[number])
    if work.waiting <= 0 and not extra:
        return max(running, default=0.0)
    mu, sigma, at = times.mu + shift, times.sigma, number * _STRIDE % _TABLE
    whole = int(work.waiting)
    few, again = min(whole, most), min(extra, most)
    drawn = [seconds(mu + sigma * score) for score in _TIMES[at : at + few]]
    if work.waiting > whole:
        drawn.append((work.waiting - whole) * seconds(mu + sigma * _TIMES[at + few]))
    smaller = mu + math.log(work.retries.share)
    drawn += [seconds(smaller + sigma * score) for score in _AGAIN[at : at + again]]
    before = whole - few + work.retries.share * (extra - again)
    mean = seconds(mu + sigma**2 / 2)
    begins = before * (_sum(times, _SUMS[number], before) * mean + _pause(work, mean)) / work.rows if before else 0.0
    end = begins + _last_end(running, drawn, work)
    # That of any job: were it that of the last one, one more job could make the end come earlier.
    last = min(1.0, work.waiting or work.retries.share) * seconds(mu + sigma * _TIMES[at])
    floors = [rate.held_back(work.waiting + extra) for rate in work.rates]
    end = max(
        end, work.last_due + last, work.held + work.stagger * (whole - 1) + last, *(each + last for each in floors)
    )
    if extra:
        end += BACKOFF_SECONDS
    return _shared(work, end, running, _OTHERS[number]) if work.course else end


def _rest(rest: Rest, number: int, place: int) -> float:
    probability = ((number * 7 + place * 11) % PLAYS + 0.5) / PLAYS
    return rest.times.rest(rest.elapsed, probability, rest.times.shifted(_OFF[number])) + rest.later


def _last_end(running: Sequence[float], drawn: Sequence[float], work: Work) -> float:
    """When the last of them has ended, each beginning as soon as it may."""
    if work.rows == 1 and len(running) <= 1:
        first = max(work.held, running[0] + work.delay) if running else work.held
        return first + sum(drawn) + work.delay * (len(drawn) - 1) if drawn else max(running, default=0.0)
    if not work.delay and not work.held and len(running) <= work.rows:
        ends = [*running, *[0.0] * (work.rows - len(running))]
        heapq.heapify(ends)
        for took in drawn:
            heapq.heapreplace(ends, ends[0] + took)
        return max(ends)
    ends, idle = list(running), work.rows - len(running)
    heapq.heapify(ends)
    opens, now = work.held, 0.0
    for took in drawn:
        # An end lets the next begin, though not before the delay; another end meanwhile holds that off anew.
        while ends and (idle <= 0 or ends[0] <= opens):
            now = heapq.heappop(ends)
            opens = max(opens, now + work.delay)
            idle += 1
        now = max(now, opens)
        heapq.heappush(ends, now + took)
        idle -= 1
    return max(ends, default=now)


def _pause(work: Work, mean: float) -> float:
    """Between the end of a job and the next start in its row: each end of another holds that off anew."""
    if work.rows == 1 or not work.delay:
        return work.delay
    often = (work.rows - 1) / (mean + work.delay)
    all_at_once = mean * work.times.sigma * math.sqrt(2 * math.log(work.rows))
    return min(math.expm1(often * work.delay) / often, all_at_once + work.delay)


def _sum(times: Lognormal, score: float, count: float) -> float:
    """By what the sum of so many times differs from as many means; it grows with every one more."""
    spread = times.relative_spread / math.sqrt(count)
    return math.exp(spread * score - spread**2 / 2)


def _shared(work: Work, end: float, running: Sequence[float], score: float) -> float:
    """The same end where others take part of the capacity, once a place is free."""
    busy = min(running) if len(running) >= work.rows else 0.0
    longer = busy + seconds_with(end - busy, work.rows, work.course) - end
    jobs = max(1.0, longer / work.times.mean)
    return end + longer * _sum(work.times, score, jobs)


def _rows_of(work: Work) -> int:
    """How many there are on an average, with what the others leave."""
    if not work.course:
        return work.rows
    alone = work.waiting * work.times.mean / work.rows
    took = seconds_with(alone, work.rows, work.course)
    return min(work.rows, max(1, math.ceil(work.rows * alone / took))) if took > 0 else work.rows


def _between(ordered: Sequence[float], quantile: float) -> float:
    place = quantile * len(ordered) - 0.5
    below = min(max(0, int(place)), len(ordered) - 1)
    above = min(below + 1, len(ordered) - 1)
    part = min(1.0, max(0.0, place - below))
    return ordered[below] * (1 - part) + ordered[above] * part
