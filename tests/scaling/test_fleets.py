"""What a fleet needs is computed from what one of each kind was measured to cost, and what is too much comes first."""

from __future__ import annotations

import pytest

from benchmarks.scaling.costs import Cost
from benchmarks.scaling.model import DeedCosts, Fleet, Measured, at, connections_of, needs, strains, total


def cost(commands: float, cpu_ms: float | None, wall_ms: float = 1.0) -> Cost:
    return Cost({"find bulk_jobs": commands}, cpu_ms, wall_ms, written=100.0)


COSTS = Measured(
    deeds={
        "idle poll": DeedCosts("a worker with a free slot", 1.0, {0: cost(1, 0.5)}),
        "look for wishes": DeedCosts("a worker that runs jobs", 1.0, {0: cost(1, 0.5)}),
        "sweep": DeedCosts("each worker", 5.0, {0: cost(1, 1.0), 100: cost(6, 11.0), 1_000: cost(6, 101.0)}),
        "census": DeedCosts("a service that is scraped", 15.0, {0: cost(10, 3.0)}),
    },
    looks={1: cost(1, 0.5), 50: cost(1, 5.4)},
    lists={100: cost(2, 1.0, 10.0), 1_000: cost(2, 10.0, 100.0)},
    caps={100: cost(8, 4.0)},
    jobs={"article": cost(16, 20.0), "plain": cost(6, 10.0)},
    connections={"service, idle": 18, "worker, idle": 14, "worker, 1 running": 14, "worker, 10 running": 23},
)


def of(fleet: Fleet, name: str) -> tuple[float, float]:
    found = {need.name: need for need in needs(fleet, COSTS)}[name]
    return found.operations, found.cores


def test_an_idle_fleet_polls_and_a_busy_one_looks_for_wishes() -> None:
    assert of(Fleet(100, busy=False), "idle poll") == pytest.approx((100, 0.05))
    assert of(Fleet(100, busy=False), "look for wishes") == (0, 0)
    assert of(Fleet(100), "idle poll") == (0, 0)
    assert of(Fleet(100), "look for wishes") == pytest.approx((100, 0.05))


def test_a_worker_of_many_slots_looks_at_all_that_it_runs_at_once() -> None:
    assert of(Fleet(100, slots=50), "look for wishes") == pytest.approx((100, 0.54))


def test_longer_pauses_ask_less() -> None:
    assert of(Fleet(100, busy=False, poll_seconds=5), "idle poll")[0] == 20
    assert of(Fleet(100, busy=False, sweep_seconds=50), "sweep")[0] == 2


def test_a_sparing_fleet_pauses_the_longer_the_larger_it_is_and_a_small_one_as_before() -> None:
    assert Fleet(10).sparing == Fleet(10)
    large = Fleet(10_000).sparing
    assert (large.poll_seconds, large.sweep_seconds) == (10, 60)


def test_a_sweep_costs_what_lies_between_what_was_measured() -> None:
    assert at(COSTS.deeds["sweep"].by_live, 50).cpu_ms == pytest.approx(6.0)
    assert at(COSTS.deeds["sweep"].by_live, 50).operations == pytest.approx(3.5)


def test_beyond_what_was_measured_time_grows_on_and_the_number_of_commands_does_not() -> None:
    beyond = at(COSTS.deeds["sweep"].by_live, 10_000)
    assert beyond.cpu_ms == pytest.approx(1_001.0)
    assert beyond.operations == 6


def test_a_cost_that_fell_does_not_become_a_gain() -> None:
    falling = {0: cost(1, 1.0), 100: cost(1, 0.9)}
    assert at(falling, 10_000).cpu_ms == 1.0


def test_jobs_are_as_many_as_slots_run_and_each_reads_the_short_list() -> None:
    fleet = Fleet(90, slots=2, job_seconds=180, waiting=100)
    assert fleet.jobs_a_second == 1
    assert of(fleet, "jobs") == pytest.approx((16, 0.02))
    assert of(fleet, "short list") == pytest.approx((2, 0.001))


def test_services_ask_by_themselves_however_many_workers_there_are() -> None:
    assert of(Fleet(1, services=3), "census")[0] == of(Fleet(1_000, services=3), "census")[0] == 2


def test_the_whole_is_the_sum_of_its_parts() -> None:
    parts = list(needs(Fleet(10), COSTS))
    assert total(parts).cores == pytest.approx(sum(part.cores for part in parts))


def test_connections_are_each_processs_and_more_for_more_slots() -> None:
    assert connections_of(Fleet(10, busy=False, services=1), COSTS) == 158
    assert connections_of(Fleet(1, slots=10, services=0), COSTS) == 23


def test_what_is_too_much_comes_first() -> None:
    found = strains(Fleet(10_000, waiting=2_000_000), COSTS, server_cores=16, command_ms=1)
    assert [strain.share for strain in found] == sorted((strain.share for strain in found), reverse=True)
    names = {strain.name: strain.share for strain in found}
    assert names["connections"] == pytest.approx((10_000 * 14 + 36) / 51_200)
    assert names["reading the short list"] > 1


def test_one_worker_strains_nothing() -> None:
    assert all(strain.share < 0.1 for strain in strains(Fleet(1, waiting=100), COSTS, server_cores=16, command_ms=1))
