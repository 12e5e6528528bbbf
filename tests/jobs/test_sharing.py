"""How a capacity is shared, as far as the length of a bulk depends on it."""

from __future__ import annotations

import pytest

from jobs.capacity.sharing import Capacity, Others, Phase, phases, seconds_with


def test_alone_it_has_its_rows_for_ever() -> None:
    assert phases(Capacity(rows=3, in_all=10), 10.0, []) == [Phase(None, 3)]
    assert phases(Capacity(rows=3), 10.0, []) == [Phase(None, 3)]
    assert phases(Capacity(rows=3, in_all=2), 10.0, []) == [Phase(None, 2)]
    assert phases(Capacity(rows=3, of_tenant=1), 10.0, []) == [Phase(None, 1)]


def test_two_tenants_have_half_each_until_one_has_done() -> None:
    found = phases(Capacity(rows=1, in_all=1), 10.0, [Others(5, 10.0, rows=1, weight=1.0)])
    assert [phase.places for phase in found] == [0.5, 1]
    assert found[0].seconds == pytest.approx(100.0)
    assert seconds_with(200.0, 1, found) == pytest.approx(250.0)
    assert seconds_with(20.0, 1, found) == pytest.approx(40.0)


def test_turns_are_counted_in_jobs_so_longer_jobs_hold_the_place_for_longer() -> None:
    found = phases(Capacity(rows=1, in_all=1), 10.0, [Others(5, 30.0, rows=1, weight=1.0)])
    assert found[0].places == pytest.approx(0.25)


def test_a_heavier_tenant_has_more() -> None:
    found = phases(Capacity(rows=1, in_all=1, weight=3.0), 10.0, [Others(5, 10.0, rows=1, weight=1.0)])
    assert found[0].places == pytest.approx(0.75)


def test_who_of_the_same_tenant_is_before_it_goes_first() -> None:
    found = phases(Capacity(rows=1, in_all=1), 10.0, [Others(5, 10.0, rows=1)])
    assert [phase.places for phase in found] == [0.0, 1]
    assert found[0].seconds == pytest.approx(50.0)
    beside = phases(Capacity(rows=1, in_all=2), 10.0, [Others(5, 10.0, rows=1)])
    assert [phase.places for phase in beside] == [1, 1]


def test_who_wants_little_leaves_the_rest() -> None:
    found = phases(Capacity(rows=10, in_all=10), 10.0, [Others(1000, 10.0, rows=2, weight=1.0)])
    assert found[0].places == pytest.approx(8)


def test_one_that_never_gets_a_place_has_a_long_time_to_wait() -> None:
    found = phases(Capacity(rows=1, in_all=0), 10.0, [Others(5, 10.0, rows=1)])
    assert found == [Phase(None, 0.0)]
    assert seconds_with(10.0, 1, found) > 1e6
