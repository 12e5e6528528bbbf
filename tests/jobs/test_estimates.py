"""How what is left of a bulk is played through: what holds for any work, and the ranges of some that are known."""

from __future__ import annotations

import math
import statistics
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.capacity.sharing import Phase
from jobs.estimation.estimates import Range, Rate, Rest, Retries, Work, estimate, retries_of
from jobs.estimation.lognormal import Lognormal, fitted

A_HAIR = 1e-6
MEASURED = [95.0, 160.0, 120.0, 210.0, 140.0, 110.0, 150.0, 180.0, 130.0, 100.0, 125.0, 170.0]
TIMES = fitted(MEASURED)
assert TIMES is not None
SURE = Lognormal(math.log(100), 0.01, 0.0, 1000.0)
"""Times that hardly vary, and are known."""

times = st.builds(
    Lognormal,
    st.floats(-2, 8),
    st.floats(0.05, 1.2),
    st.floats(0.0, 0.6),
    st.floats(2, 100),
)
works = st.builds(
    Work,
    times,
    waiting=st.integers(0, 300),
    running=st.lists(st.builds(Rest, times, st.floats(0, 5_000), st.floats(0, 50)), max_size=4),
    rows=st.integers(1, 12),
    held=st.floats(0, 60),
    retries=st.builds(Retries, st.integers(0, 2), st.integers(20, 60), st.floats(0.01, 1)),
    rates=st.lists(st.builds(Rate, st.integers(1, 60), st.integers(1, 3)), max_size=1),
)


def work(waiting: float, **fields: Any) -> Work:
    return Work(**{"times": SURE, "waiting": waiting, **fields})


def about(found: Range, seconds: float, within: float = 0.03) -> bool:
    return abs(found.low - seconds) <= within * seconds and abs(found.high - seconds) <= within * seconds


@given(works)
@settings(deadline=None)
def test_a_range_begins_before_it_ends_and_is_the_same_when_asked_again(left: Work) -> None:
    found = estimate(left)
    assert 0 <= found.low <= found.high < math.inf
    assert estimate(left) == found


@given(works, st.integers(1, 100))
@settings(deadline=None)
def test_one_at_a_time_more_left_never_ends_earlier(left: Work, more: int) -> None:
    alone = replace(left, rows=1, running=left.running[:1])
    found, later = estimate(alone), estimate(replace(alone, waiting=alone.waiting + more))
    assert later.low >= found.low - A_HAIR
    assert later.high >= found.high - A_HAIR


@given(works, st.integers(1, 20))
@settings(deadline=None)
def test_with_more_rows_it_never_ends_later(left: Work, more: int) -> None:
    few = replace(left, waiting=min(left.waiting, 30), held=0.0)
    found, sooner = estimate(few), estimate(replace(few, rows=few.rows + more))
    assert sooner.low <= found.low + A_HAIR
    assert sooner.high <= found.high + A_HAIR


@given(works, st.floats(0, 600))
@settings(deadline=None)
def test_a_longer_delay_never_ends_earlier(left: Work, delay: float) -> None:
    alone = replace(left, rows=1, running=left.running[:1])
    assert estimate(replace(alone, delay=delay)).low >= estimate(alone).low - A_HAIR


@pytest.mark.parametrize("count", [1, 2, 5, 39, 41, 100, 1000])
def test_one_at_a_time_they_take_their_sum_and_the_delays_between(count: int) -> None:
    assert about(estimate(work(count, delay=5.0)), count * 100 + (count - 1) * 5)


@pytest.mark.parametrize(("count", "rows", "turns"), [(3, 3, 1), (9, 3, 3), (10, 3, 4), (400, 10, 40), (2000, 200, 10)])
def test_several_at_once_take_their_turns(count: int, rows: int, turns: int) -> None:
    assert about(estimate(work(count, rows=rows)), turns * 100, within=0.08)


def test_what_runs_is_waited_for_and_then_the_delay() -> None:
    running = [Rest(SURE, 40.0)]
    assert about(estimate(work(0, running=running)), 60)
    assert about(estimate(work(1, running=running, delay=5.0)), 165)


def test_each_end_of_many_at_once_holds_off_the_next_start() -> None:
    apart = [Rest(SURE, float(elapsed)) for elapsed in (97, 94, 91, 88)]  # these end 3 s apart, and the delay is 5 s
    assert about(estimate(work(4, rows=4, running=apart, delay=5.0)), 12 + 5 + 100)


def test_one_that_has_lasted_long_is_expected_to_last_longer_still() -> None:
    assert TIMES is not None
    rests = [Rest(TIMES, elapsed).range for elapsed in (0.0, 60.0, 120.0, 240.0, 100_000.0)]
    assert rests[0].high > rests[1].high > 0
    assert rests[3].low > 0
    assert 60 + rests[1].low > rests[0].low
    assert all(rest.low < rest.high < math.inf for rest in rests)


def test_the_stages_after_the_one_that_runs_are_in_the_rest() -> None:
    assert Rest(SURE, 40.0, later=30.0).range.low == pytest.approx(90, abs=5)


def test_few_measurements_make_a_wide_range_and_many_a_narrow_one() -> None:
    widths = []
    for count in (1, 3, 12, 48):
        known = fitted((MEASURED * 4)[:count])
        assert known is not None
        found = estimate(Work(known, waiting=50))
        widths.append((found.high - found.low) / found.low)
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > 2
    assert widths[-1] < 0.35


def test_own_times_count_more_the_more_there_are_and_others_until_then() -> None:
    before = [10.0, 11.0, 12.0] * 10
    means = [known.mean for count in (0, 1, 5, 20) if (known := fitted([40.0] * count, before)) is not None]
    assert means == sorted(means)
    assert means[0] == pytest.approx(11, rel=0.1)
    assert means[-1] == pytest.approx(40, rel=0.15)
    assert fitted([], []) is None


def test_of_many_that_run_at_once_not_only_the_quick_ones_count() -> None:
    quick, slow = fitted([50.0, 60.0, 70.0]), fitted([50.0, 60.0, 70.0], unended=[90.0] * 7)
    assert quick is not None
    assert slow is not None
    assert slow.mean > 1.3 * quick.mean


def test_tries_that_fail_are_paid_in_time() -> None:
    often = retries_of([50.0] * 5, [100.0] * 20)
    assert (often.failed, often.tries, often.share) == (5, 25, 0.5)
    found, free = estimate(work(40, retries=often)), estimate(work(40))
    assert found.low > free.low
    assert statistics.fmean([found.low, found.high]) == pytest.approx(40 * 100 + 10 * 50, rel=0.1)


def test_a_rate_lets_so_many_calls_in_a_minute_and_counts_the_last_ones() -> None:
    quick = Lognormal(math.log(2), 0.01, 0.0, 1000.0)
    rate = Rate(per_minute=10, calls=2.0)
    assert about(estimate(work(20, times=quick, rows=20, rates=[rate])), 3 * 60 + 2)
    assert estimate(work(5, times=quick, rows=20, rates=[rate])).high < 3
    used = replace(rate, used=10, age=20.0)
    assert about(estimate(work(5, times=quick, rows=20, rates=[used])), 40 + 2)


def test_what_is_shared_takes_as_much_longer_as_others_take_of_it() -> None:
    alone, half = estimate(work(10)), estimate(work(10, course=[Phase(None, 0.5)]))
    assert half.low == pytest.approx(2 * alone.low, rel=0.05)
    later = estimate(work(10, course=[Phase(300.0, 0.0), Phase(None, 1.0)]))
    assert later.high == pytest.approx(alone.high + 300, rel=0.05)


def test_nothing_ends_before_it_may_begin() -> None:
    assert estimate(work(1, held=500.0)).low > 590
    assert estimate(work(1, last_due=500.0)).low > 590
    assert estimate(work(5, rows=5, stagger=50.0)).low > 290
    assert estimate(work(0)) == Range(0.0, 0.0)


@pytest.mark.parametrize("took", [[0.001], [0.001, 1700.0], [0.001, 0.001, 1799.0, 0.002, 900.0]])
@pytest.mark.parametrize("before", [[], [0.001] * 20 + [1800.0], [1800.0] * 3])
@pytest.mark.parametrize("elapsed", [0.0, 0.5, 1799.0])
def test_times_however_far_apart_tell_no_end_beyond_what_can_be(
    took: list[float], before: list[float], elapsed: float
) -> None:
    """That an article runs for 30 minutes at most is the worker's rule."""
    times = fitted(took, before, [elapsed] if elapsed else [])
    assert times is not None
    for rows in (1, 4):
        range = estimate(Work(times, 9, [Rest(times, elapsed)], rows=rows, delay=1.0, retries=Retries(1, 4, 1.0)))
        assert 0 <= range.low <= range.high <= 100 * 1800
