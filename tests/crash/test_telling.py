"""The life in which there is much to tell is worth telling: it has every kind of event, and generations that follow."""

from __future__ import annotations

from collections import Counter

import pytest

from jobs.events import EventType
from tests.crash.exploring import STORIES
from tests.support.simulation.world import World


@pytest.mark.parametrize("seed", range(3))
def test_the_told_life_has_every_kind_of_event(seed: int) -> None:
    story = STORIES["told people"]
    with World(seed, story.setup, story.script) as world:
        world.run(story.life(world))
        kinds = Counter(world.telling.made.values())
        generations = {event.split("-")[1] for event, kind in world.telling.made.items() if kind == "bulk.completed"}
    assert kinds.keys() == {kind.value for kind in EventType}
    assert min(kinds["bulk.progress"], kinds["job.failed"]) >= 3
    assert generations == {"1", "2", "3"}
