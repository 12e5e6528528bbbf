"""The stage that has the generator of contents write a whole text from the item."""

from __future__ import annotations

from typing import Any

from jobs.pipelines import CONTENT
from worker.stage import Sofar, Stage, StageInput, Tools


class Wanted(StageInput):
    """`told` is the body of the call."""

    mode: str
    told: dict[str, Any]


def path_of(mode: str) -> str:
    return f"/api/content/generate/{mode}"


def wanted(sofar: Sofar) -> Wanted:
    return Wanted(mode=sofar.mode, told={**sofar.item, "mode": sofar.mode})


async def write(given: Wanted, tools: Tools) -> Any:
    """The content as the generator gave it."""
    return (await tools.call(CONTENT, path_of(given.mode), given.told)).content


PLAIN_STAGE = Stage("content-generation", write, wanted, generator=CONTENT)
