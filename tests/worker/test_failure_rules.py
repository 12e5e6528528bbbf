"""The retry rules of spec §6, as the pure functions they are."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta

import pytest

from jobs.expenses import Expense
from jobs.outcomes import Cancelled, Failed, HandedBack, Outcome, Retry
from jobs.storage.store import Document
from worker.failures import StageFailed
from worker.generator import CallFailed
from worker.outcomes import (
    MAX_UNCOUNTED,
    Interruption,
    backoff,
    is_final,
    outcome_of_failure,
    outcome_of_interruption,
)

SEEDS = range(300)
MAX_RETRIES = 2
SPENT = Expense(told=0.5, settled=True)


def a_job(*, retries: int = 0, uncounted: int = 0) -> Document:
    return {"retry_count": retries, "uncounted_retries": uncounted}


def after(job: Document, failed: CallFailed, *, seed: int = 1) -> Outcome:
    return outcome_of_failure(job, MAX_RETRIES, failed, SPENT, random.Random(seed))


def waits(job: Document, failed: CallFailed) -> Sequence[timedelta]:
    outcomes = [after(job, failed, seed=seed) for seed in SEEDS]
    return [outcome.wait for outcome in outcomes if isinstance(outcome, Retry)]


@pytest.mark.parametrize(
    ("failures_before", "seconds"), [(0, 5), (1, 10), (2, 20), (3, 40), (5, 160), (6, 300), (7, 300), (10_000, 300)]
)
def test_the_backoff_doubles_from_five_seconds_to_five_minutes_a_fifth_more_or_less(
    failures_before: int, seconds: int
) -> None:
    middle = timedelta(seconds=seconds)
    drawn = [backoff(failures_before, random.Random(seed)) for seed in SEEDS]
    assert middle * 0.8 <= min(drawn) < middle * 0.85
    assert middle * 1.15 < max(drawn) <= middle * 1.2


@pytest.mark.parametrize("definite", [True, False])
def test_a_counted_failure_is_retried_until_max_retries(definite: bool) -> None:
    failed = CallFailed("No luck.", definite=definite)
    for retries in range(MAX_RETRIES):
        outcome = after(a_job(retries=retries), failed)
        assert isinstance(outcome, Retry)
        assert (outcome.error, outcome.counted, outcome.definite) == ("No luck.", True, definite)
    assert after(a_job(retries=MAX_RETRIES), failed) == Failed("No luck.", definite, SPENT)


def test_who_waits_for_a_turn_is_never_given_up() -> None:
    failed = StageFailed("Not yet.", counted=False, wait=timedelta(seconds=70), turn=True)
    for job in (a_job(), a_job(retries=MAX_RETRIES, uncounted=MAX_UNCOUNTED)):
        outcome = outcome_of_failure(job, 0, failed, SPENT, random.Random(1))
        assert outcome == Retry("Not yet.", timedelta(seconds=70), False, False, SPENT, turn=True)
        assert not is_final(job, 0, failed)


def test_without_retries_the_first_counted_failure_is_the_last() -> None:
    assert after(a_job(retries=MAX_RETRIES), CallFailed("No.")) == Failed("No.", definite=False, expense=SPENT)


def test_a_permanent_failure_is_not_retried() -> None:
    assert after(a_job(), CallFailed("Bad input.", permanent=True, definite=True)) == Failed(
        "Bad input.", definite=True, expense=SPENT
    )


def test_an_uncounted_failure_is_retried_twenty_times_whatever_max_retries_says() -> None:
    failed = CallFailed("Refused.", counted=False)
    for uncounted in range(20):
        outcome = after(a_job(retries=MAX_RETRIES, uncounted=uncounted), failed)
        assert isinstance(outcome, Retry)
        assert not outcome.counted
    assert after(a_job(uncounted=20), failed) == Failed(
        "Refused. Given up after 20 tries.", definite=False, expense=SPENT
    )


def test_giving_up_is_told_in_sentences_even_if_the_generator_uses_no_full_stop() -> None:
    outcome = after(a_job(uncounted=20), CallFailed("Refused", counted=False))
    assert outcome == Failed("Refused. Given up after 20 tries.", definite=False, expense=SPENT)


def test_counted_and_uncounted_failures_each_have_their_own_backoff() -> None:
    assert max(waits(a_job(retries=0, uncounted=6), CallFailed("No."))) <= timedelta(seconds=6)
    assert min(waits(a_job(retries=1, uncounted=0), CallFailed("No.", counted=False))) < timedelta(seconds=6)
    assert min(waits(a_job(retries=0, uncounted=6), CallFailed("No.", counted=False))) >= timedelta(minutes=4)


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize(("asked", "waited"), [(0, 5), (1, 5), (5, 5), (7, 7), (600, 600)])
def test_what_the_generator_asks_to_wait_is_waited_but_never_less_than_five_seconds(
    counted: bool, asked: int, waited: int
) -> None:
    failed = CallFailed("Too many.", counted=counted, wait=timedelta(seconds=asked))
    assert set(waits(a_job(retries=1, uncounted=5), failed)) == {timedelta(seconds=waited)}


def test_a_wish_to_cancel_ends_the_job_cancelled() -> None:
    assert outcome_of_interruption(a_job(uncounted=20), Interruption.CANCEL, SPENT) == Cancelled(SPENT)


@pytest.mark.parametrize("why", [Interruption.ABORT, Interruption.SHUTDOWN])
def test_abort_and_shutdown_hand_the_job_back_twenty_times(why: Interruption) -> None:
    for uncounted in range(20):
        assert isinstance(outcome_of_interruption(a_job(retries=9, uncounted=uncounted), why, SPENT), HandedBack)
    given_up = outcome_of_interruption(a_job(uncounted=20), why, SPENT)
    assert isinstance(given_up, Failed)
    assert given_up.error.startswith("Put back 20 times without an end: ")
    assert not given_up.definite


def test_running_too_long_fails_the_job() -> None:
    outcome = outcome_of_interruption(a_job(), Interruption.TOO_LONG, SPENT)
    assert outcome == Failed("The job ran for more than 30 minutes.", definite=False, expense=SPENT)


def test_a_lost_lease_has_no_outcome() -> None:
    assert outcome_of_interruption(a_job(), Interruption.LEASE_LOST, SPENT) is None
