"""Every factor of a computed priority, at its bounds (spec §5), and what a step is worth."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs.priority import Priority, computed, named, points, points_for_deadline, rank

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize(("skus", "worth"), [(None, 10), (0, 10), (100, 10), (101, 20), (1000, 20), (1001, 30)])
def test_points_for_the_number_of_skus(skus: int | None, worth: int) -> None:
    assert points({"sku_count": skus}) == worth + points({}) - 10


@pytest.mark.parametrize(
    ("searches", "worth"), [(None, 10), (0, 10), (1000, 10), (1001, 20), (10_000, 20), (10_001, 30)]
)
def test_points_for_monthly_searches(searches: int | None, worth: int) -> None:
    assert points({"monthly_searches": searches}) == worth + points({}) - 10


@pytest.mark.parametrize(("status", "worth"), [(None, 0), ("current", 0), ("outdated", 10), ("missing", 20)])
def test_points_for_the_content(status: str | None, worth: int) -> None:
    assert points({"content_status": status}) == worth + points({})


@pytest.mark.parametrize(
    ("hours", "worth"), [(-1, 30), (0, 30), (23.99, 30), (24, 20), (71.99, 20), (72, 0), (1000, 0)]
)
def test_points_for_the_deadline(hours: float, worth: int) -> None:
    assert points_for_deadline(NOW + timedelta(hours=hours), NOW) == worth


def test_no_deadline_is_worth_nothing() -> None:
    assert points_for_deadline(None, NOW) == 0


MUCH = {"sku_count": 2000, "monthly_searches": 20_000, "content_status": "missing"}
SOME = {"sku_count": 200, "monthly_searches": 2000}


@pytest.mark.parametrize(
    ("items", "hours", "expected"),
    [
        ([{}], None, Priority.LOW),
        ([{"metadata": None}], None, Priority.LOW),
        ([{"metadata": SOME}], None, Priority.NORMAL),
        ([{"metadata": MUCH}], None, Priority.HIGH),
        ([{"metadata": SOME}], 1, Priority.HIGH),
        ([{}], 48, Priority.NORMAL),
        ([{}, {"metadata": MUCH}, {"metadata": SOME}], None, Priority.HIGH),
    ],
)
def test_a_bulk_takes_its_highest_item(items: list[dict[str, Any]], hours: int | None, expected: Priority) -> None:
    deadline = None if hours is None else NOW + timedelta(hours=hours)
    assert computed(items, deadline, NOW) is expected


def test_a_step_is_worth_a_quarter_of_an_hour_of_waiting() -> None:
    waited = rank(NOW - timedelta(minutes=31), Priority.LOW)
    assert waited < rank(NOW, Priority.HIGH)
    assert rank(NOW - timedelta(minutes=29), Priority.LOW) > rank(NOW, Priority.HIGH)
    assert rank(NOW, 2.5) < rank(NOW, 2) < rank(NOW, 1)


@pytest.mark.parametrize(
    ("steps", "name"),
    [(0, Priority.LOW), (1.9, Priority.LOW), (2, Priority.NORMAL), (2.9, Priority.NORMAL), (3, Priority.HIGH), (50, 3)],
)
def test_a_number_is_counted_under_a_name(steps: float, name: Priority) -> None:
    assert named(steps) == name
