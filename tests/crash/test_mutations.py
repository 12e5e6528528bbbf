"""The simulation can see: it finds each guard of the protocol that is taken away. Run by `scripts/soak`."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.crash.exploring import KINDS, STORIES, Case, tell
from tests.crash.mutations import HARMLESS, MUTATIONS, SHOWN_BY
from tests.crash.mutations_of_telling import MUTATIONS_OF_TELLING, TELLING_SHOWN_BY

pytestmark = pytest.mark.skipif(
    os.environ.get("PRESSRUN_TEST_SOAK_SEEDS", "0") == "0", reason="takes minutes of a processor: scripts/soak"
)
SEEDS = 8
QUARRELS = 2000
BROKEN = MUTATIONS | MUTATIONS_OF_TELLING
NEEDED = SHOWN_BY | TELLING_SHOWN_BY
HARMLESS_QUARRELS = 100
Told = tuple[str, int, Case | None]


def undisturbed(quarrels: int) -> Iterator[Told]:
    yield from ((story, seed, None) for seed in range(SEEDS) for story in STORIES)
    yield from (("quarrelling people", seed, None) for seed in range(SEEDS, quarrels))


def disturbed(kind: str, operation: str) -> Iterator[Told]:
    for story in STORIES:
        yield story, 0, None
        for case in KINDS[kind](tell(STORIES[story], 0)):
            if case.point.operation.startswith(operation):
                yield story, 0, case


def first_shown(told: Iterator[Told]) -> Told | None:
    try:
        for one in told:
            story, seed, case = one
            tell(STORIES[story], seed, {case.point: case.fate} if case else None)
    except AssertionError:
        return one
    return None


@pytest.mark.parametrize("name", BROKEN)
def test_a_protocol_that_is_broken_is_found_out(name: str) -> None:
    with BROKEN[name]():
        shown = first_shown(disturbed(*NEEDED[name]) if name in NEEDED else undisturbed(QUARRELS))
    assert shown is not None, f"nothing that is told shows that {name}: the simulation is blind, or nothing has changed"


@pytest.mark.parametrize("name", HARMLESS)
def test_a_guard_that_nothing_depends_on_is_not_missed(name: str) -> None:
    mutation, why = HARMLESS[name]
    with mutation():
        shown = first_shown(undisturbed(HARMLESS_QUARRELS))
    assert shown is None, f"{name}, and {why}: but {shown} shows it"
