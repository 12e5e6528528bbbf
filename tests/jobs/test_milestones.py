"""When a bulk has something to tell: no percentage is passed over, and no end of a job recounted for nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jobs.clock import NEVER
from jobs.milestones import crossed, ends_until, reached
from jobs.notification.telling import told_of

counts = st.integers(1, 400).flatmap(lambda total: st.tuples(st.just(total), st.integers(0, total)))
percents = st.lists(st.integers(1, 99), max_size=4)


@given(counts=counts, chosen=percents)
def test_counting_down_to_the_next_milestone_passes_over_none(counts: tuple[int, int], chosen: list[int]) -> None:
    total, ended = counts
    told, seen, recounts = reached(ended, total), [], 0
    expected = [percent for percent in sorted(set(chosen)) if percent > told]
    while ended < total:
        ended += (until := ends_until(chosen, told, ended, total))
        assert until >= 1
        new = crossed(sorted(set(chosen)), told, ended, total)
        assert new or ended == total
        assert all(percent > reached(ended - 1, total) for percent in new)
        seen += new
        told = max([told, *new])
        recounts += 1
    assert seen == expected
    assert recounts <= len(expected) + 1


def test_a_percentage_is_one_of_jobs_that_have_ended_rounded_down() -> None:
    assert [reached(ended, 3) for ended in range(4)] == [0, 33, 66, 100]
    assert ends_until([33, 34], 0, 0, 3) == 1
    assert ends_until([34], 0, 1, 3) == 1
    assert ends_until([95], 0, 9, 10) == 1
    assert ends_until([50], 50, 5, 10) == 5


def test_of_a_bulk_that_does_not_say_what_it_told_what_has_ended_counts_as_told() -> None:
    running = {"generation": 2, "completed_at": None}
    assert told_of(running) == {"generation": 1, "percent": None}
    assert told_of(running | {"completed_at": NEVER})["generation"] == 2
