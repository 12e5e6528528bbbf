"""When a delivery is tried again: the waits of spec §9, longer where that is asked for, and an end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jobs.notification.redelivery import MOST_ASKED_FOR, MOST_TRIES, WAITS, wait_after

DAY = timedelta(hours=24)


def test_the_waits_are_those_of_the_spec_and_seven_tries_are_all() -> None:
    waits = [wait_after(tries, None, lambda: 0.0) for tries in range(1, 9)]
    seconds = [wait and wait.total_seconds() for wait in waits]
    assert seconds == [5, 300, 1800, 7200, 18_000, 36_000, None, None]
    assert len(WAITS) + 1 == MOST_TRIES == 7


@pytest.mark.parametrize("tries", range(1, MOST_TRIES))
def test_each_wait_is_longer_by_up_to_a_tenth(tries: int) -> None:
    assert wait_after(tries, None, lambda: 1.0) == WAITS[tries - 1] * 1.1


def test_a_recipient_that_asks_for_more_time_gets_it_up_to_a_day() -> None:
    assert wait_after(1, timedelta(hours=1), lambda: 0.0) == timedelta(hours=1)
    assert wait_after(1, timedelta(days=400), lambda: 0.0) == MOST_ASKED_FOR == DAY
    assert wait_after(6, timedelta(hours=1), lambda: 0.0) == timedelta(hours=10)


def test_what_it_asks_for_gives_it_no_more_tries() -> None:
    assert wait_after(MOST_TRIES, timedelta(hours=1), lambda: 0.0) is None
