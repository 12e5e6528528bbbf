"""Claims that meet are played through as the queue's code has them meet."""

from __future__ import annotations

import random

from benchmarks.scaling.races import Play, played


def lost(workers: int, tenants: int, job_seconds: float = 0.0, command_seconds: float = 0.001) -> float:
    return played(Play(workers, tenants, job_seconds, command_seconds), random.Random(1)).lost


def test_a_worker_alone_loses_nothing() -> None:
    assert lost(1, 50) == 0


def test_of_one_tenant_no_turns_are_counted_so_nobody_loses() -> None:
    assert lost(64, 1) == 0


def test_the_more_claim_at_once_the_more_lose_for_all_see_the_same_turn() -> None:
    assert 0 < lost(2, 50) < lost(4, 50) < lost(64, 50)


def test_more_tenants_do_not_help_for_the_first_of_them_is_everybodys() -> None:
    assert abs(lost(16, 50) - lost(16, 500)) < 0.1


def test_workers_that_claim_now_and_then_hardly_meet() -> None:
    assert lost(100, 50, job_seconds=180) < 0.01
    assert lost(10_000, 50, job_seconds=180) > lost(1_000, 50, job_seconds=180)


def test_a_longer_way_to_the_server_makes_claims_meet_more_often() -> None:
    assert lost(10_000, 50, 180, command_seconds=0.002) > lost(10_000, 50, 180, command_seconds=0.001)


def test_the_same_play_with_the_same_dice_ends_alike() -> None:
    assert lost(8, 5) == lost(8, 5)
