"""When a schedule fires: expressions, time zones, both changes of the clocks, and the hours of the day it keeps to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.errors import InvalidInput
from jobs.scheduling.cron import read_rhythm

NIGHT = ("22:00", "06:00")
CRONS = ("30 2 * * *", "*/20 * * * *", "0 */3 * * *", "15,45 1-3 * * *", "0 12 * * 1", "59 23 * * *", "0 0 1 * *")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")
HOURS = (None, NIGHT, ("02:30", "03:30"), ("09:00", "17:00"), ("00:00", "02:00"))


def firings(cron: str, zone: str, after: str, count: int = 3, hours: tuple[str, str] | None = None) -> list[str]:
    found = islice(read_rhythm(cron, zone, hours).after(datetime.fromisoformat(after)), count)
    return [f"{moment:%m-%dT%H:%M}" for moment in found]


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        # clocks go from 02:00 to 03:00: what is left out comes when they have changed
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00Z", ["03-28T01:30", "03-29T01:00", "03-30T00:30"]),
        ("0,30 2 * * *", "Europe/Berlin", "2026-03-29T00:00Z", ["03-29T01:00", "03-30T00:00", "03-30T00:30"]),
        ("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:30Z", ["03-29T01:00", "03-29T01:30", "03-29T02:00"]),
        ("30 2 * * *", "America/New_York", "2026-03-07T00:00Z", ["03-07T07:30", "03-08T07:00", "03-09T06:30"]),
        # clocks go from 03:00 (02:00 in New York) back an hour: a fixed time comes once, an interval goes on
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00Z", ["10-25T00:30", "10-26T01:30", "10-27T01:30"]),
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T00:45Z", ["10-26T01:30", "10-27T01:30", "10-28T01:30"]),
        ("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:15Z", ["10-25T00:30", "10-25T01:00", "10-25T01:30"]),
        ("30 1 * * *", "America/New_York", "2026-10-31T12:00Z", ["11-01T05:30", "11-02T06:30", "11-03T06:30"]),
        ("30 1 * * *", "America/New_York", "2026-11-01T06:15Z", ["11-02T06:30", "11-03T06:30", "11-04T06:30"]),
        ("0 * * * *", "America/New_York", "2026-11-01T04:30Z", ["11-01T05:00", "11-01T06:00", "11-01T07:00"]),
    ],
)
def test_both_changes_of_the_clocks(cron: str, zone: str, after: str, expected: list[str]) -> None:
    assert firings(cron, zone, after) == expected


@pytest.mark.parametrize(
    ("cron", "after", "expected"),
    [
        ("0 0 * * 1", "2026-11-23T00:00Z", ["11-30T00:00", "12-07T00:00", "12-14T00:00"]),  # Mondays
        ("0 0 * * 7", "2026-11-23T00:00Z", ["11-29T00:00", "12-06T00:00", "12-13T00:00"]),  # 7 is Sunday as 0 is
        ("0 0 29 2 *", "2026-11-23T00:00Z", ["02-29T00:00", "02-29T00:00", "02-29T00:00"]),
        ("0 0 L * *", "2026-11-23T00:00Z", ["11-30T00:00", "12-31T00:00", "01-31T00:00"]),
    ],
)
def test_days_are_those_of_cron(cron: str, after: str, expected: list[str]) -> None:
    assert firings(cron, "UTC", after) == expected


@pytest.mark.parametrize(
    ("cron", "after", "expected"),
    [
        ("0 12 * * *", "2026-06-01T00:00Z", ["06-01T20:00", "06-02T20:00", "06-03T20:00"]),
        ("0 12 * * *", "2026-06-01T15:00Z", ["06-01T20:00", "06-02T20:00", "06-03T20:00"]),  # planned, and not yet due
        ("0 23 * * *", "2026-06-01T15:00Z", ["06-01T21:00", "06-02T21:00", "06-03T21:00"]),
        ("0 */6 * * *", "2026-06-01T00:00Z", ["06-01T20:00", "06-01T22:00", "06-02T20:00"]),  # 06, 12, 18: one of them
        ("0 12 * * 1", "2026-06-01T10:00Z", ["06-01T20:00", "06-08T20:00", "06-15T20:00"]),
    ],
)
def test_outside_of_its_hours_it_waits_for_them_once(cron: str, after: str, expected: list[str]) -> None:
    assert firings(cron, "Europe/Berlin", after, hours=NIGHT) == expected


@given(
    cron=st.sampled_from(CRONS),
    zone=st.sampled_from(ZONES),
    hours=st.sampled_from(HOURS),
    after=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
)
def test_firings_come_in_order_and_are_the_same_from_wherever_one_looks(
    cron: str, zone: str, hours: tuple[str, str] | None, after: datetime
) -> None:
    rhythm = read_rhythm(cron, zone, hours)
    found = list(islice(rhythm.after(after), 6))
    assert len(found) == 6
    assert found[0] > after
    assert all(earlier < later for earlier, later in pairwise(found))
    for number, moment in enumerate(found[:-1]):
        assert rhythm.next(moment) == found[number + 1]
        between = moment + (found[number + 1] - moment) / 2
        assert rhythm.next(between) == found[number + 1]


@pytest.mark.parametrize(
    ("cron", "zone", "hours", "path"),
    [
        ("@daily", "UTC", None, "cron"),
        ("* * * *", "UTC", None, "cron"),
        ("* * * * * *", "UTC", None, "cron"),
        ("61 * * * *", "UTC", None, "cron"),
        ("* * * * mo", "UTC", None, "cron"),
        ("0 0 30 2 *", "UTC", None, "cron"),
        ("0 0 */29 2 1#5", "UTC", None, "cron"),
        (f"{'0,' * 60}0 * * * *", "UTC", None, "cron"),
        ("* * * * *", "Mars/Olympus", None, "time_zone"),
        ("* * * * *", "", None, "time_zone"),
        ("* * * * *", "../etc/passwd", None, "time_zone"),
        ("* * * * *", "Europe", None, "time_zone"),
        ("* * * * *", "UTC", ("22:00", "22:00"), "run_between.to"),
        ("* * * * *", "UTC", ("22", "06:00"), "run_between.from"),
        ("* * * * *", "UTC", ("22:00", "24:00"), "run_between.to"),
    ],
)
def test_what_cannot_be_read_is_named(cron: str, zone: str, hours: tuple[str, str] | None, path: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_rhythm(cron, zone, hours)
    assert [fault.path for fault in refused.value.faults] == [path]


@pytest.mark.parametrize(
    ("cron", "right"),
    [
        ("61 * * * *", "wrong minute: it must be of 0 to 59"),
        ("* 24 * * *", "wrong hour: it must be of 0 to 23"),
        ("* * 32 * *", "wrong day-of-month: it must be of 1 to 31"),
        ("0 0 30 2 *", "wrong day-of-month: it must be of 1 to 31 and in its months"),
        ("* * * 13 *", "wrong month: it must be of 1 to 12"),
        ("* * * * mo", "wrong day-of-week: it must be of 0 to 7"),
    ],
)
def test_a_wrong_part_is_told_with_what_it_may_be(cron: str, right: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_rhythm(cron, "UTC")
    assert right in refused.value.faults[0].message


def test_spaces_in_an_expression_do_not_matter() -> None:
    assert read_rhythm("  0   6 * *  1 ", "UTC").cron == "0 6 * * 1"


def test_a_rhythm_that_has_a_moment_finds_none_in_it() -> None:
    rhythm, at = read_rhythm("0 * * * *", "UTC"), datetime(2026, 6, 1, 12, tzinfo=UTC)
    assert rhythm.next(at) == at + timedelta(hours=1)
