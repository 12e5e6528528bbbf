"""Leases and due times are judged by the database's clock (I7): what a process's own clocks say changes nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.crash.exploring import STORIES, Story, deaths, tell

ROOT = Path(__file__).parents[2]
TEN_MINUTES = 600.0
OFF = {"worker-1": TEN_MINUTES, "worker-2": -TEN_MINUTES, "worker-3": 7 * 86_400.0, "service-1": -TEN_MINUTES}
WALL_CLOCK_IS_READ_FOR = {
    "jobs/storage/embedded": "the embedded store is the database",
    "worker/generator.py": "Retry-After may be a date, told by the endpoint's wall clock",
}


def with_wrong_clocks(story: Story) -> Story:
    return replace(story, setup=replace(story.setup, skew=lambda process: OFF.get(process, 0.0)))


@pytest.mark.parametrize("name", STORIES)
def test_a_clock_ten_minutes_ahead_or_behind_changes_nothing(name: str) -> None:
    story = STORIES[name]
    right, wrong = tell(story, 5), tell(with_wrong_clocks(story), 5)
    assert [one.told() for one in wrong] == [one.told() for one in right]


def test_nor_does_it_where_a_worker_dies() -> None:
    story = with_wrong_clocks(STORIES["one at a time"])
    for case in deaths(tell(story, 5))[::25]:
        tell(story, 5, {case.point: case.fate})


def test_no_wall_clock_is_read_where_leases_and_due_times_are_judged() -> None:
    """So one that is wrong, or jumps, cannot change anything."""
    found = {
        f"{path.relative_to(ROOT)}:{line}"
        for folder in ("jobs", "worker")
        for path in (ROOT / folder).rglob("*.py")
        if not str(path.relative_to(ROOT)).startswith(tuple(WALL_CLOCK_IS_READ_FOR))
        for line in wall_clock_reads(ast.parse(path.read_text()))
    }
    assert found == set()


def wall_clock_reads(module: ast.Module) -> Iterator[int]:
    for node in ast.walk(module):
        match node:
            case ast.Attribute(value=ast.Name(id="datetime"), attr="now" | "utcnow" | "today"):
                yield node.lineno
            case ast.Attribute(value=ast.Name(id="time"), attr="time" | "time_ns" | "localtime" | "gmtime"):
                yield node.lineno
