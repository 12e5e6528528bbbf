"""The stage that has an article written: in one call, or a call for each of its components, some at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field

from jobs.pipelines import CONTENT
from worker.failures import StageFailed
from worker.stage import Instead, Sofar, Stage, StageInput, Tools
from worker.stages.content import markdown_in, path_of

NAME = "component-generation"


@dataclass(frozen=True)
class Components:
    """Whether the generator `can` write parts, is `always` to do so, and how many of them `at_once`."""

    can: bool = False
    always: bool = False
    at_once: int = 2


class Written(BaseModel):
    """The whole, as it was given; or its parts by name, as Markdown."""

    content: Any = None
    parts: dict[str, str] | None = None


class Assignment(StageInput):
    """`told` is the body of each call; `first` is what was written before it was sent back."""

    mode: str
    told: dict[str, Any]
    components: Sequence[str]
    first: Written | None = Field(default=None, exclude=True)


class Writing:
    def __init__(self, components: Components) -> None:
        self._at_once = components.at_once
        self.stage = Stage(
            NAME,
            self._write,
            _assignment,
            Written,
            generator=CONTENT,
            several_calls=True,
            on_error=_first_version,
        )

    async def _write(self, given: Assignment, tools: Tools) -> Written:
        if not given.components:
            return Written(content=(await tools.call(CONTENT, path_of(given.mode), given.told)).content)
        turns = asyncio.Semaphore(self._at_once)

        async def part(name: str) -> str:
            async with turns:
                body = {**given.told, "component": name}
                return markdown_in((await tools.call(CONTENT, path_of(given.mode), body, part=name)).content)

        found = await asyncio.gather(*map(part, given.components), return_exceptions=True)
        return Written(parts=dict(zip(given.components, _all_or_first_failure(found), strict=True)))


def _all_or_first_failure(found: Sequence[str | BaseException]) -> Sequence[str]:
    """Each call ends by itself, so that none that was paid for is cut off by another's failure."""
    failed = [one for one in found if isinstance(one, BaseException)]
    other = [one for one in failed if not isinstance(one, StageFailed)]
    answered = [one for one in failed if isinstance(one, StageFailed) and one.definite]
    for failure in (*other, *answered, *failed):  # after a definite answer the next calls need another key
        raise failure
    return [one for one in found if isinstance(one, str)]


def _assignment(sofar: Sofar) -> Assignment:
    validated, gathered = sofar.results["validation"], sofar.results["context-building"]
    told = {**sofar.item, "mode": sofar.mode, "language": validated.language}
    told.pop("components", None)
    told.pop("skip_quality_check", None)
    if gathered.context is not None:
        told["context"] = gathered.context
    first = None
    if sofar.sent_back is not None:
        told["findings"] = list(sofar.sent_back.findings)
        first = Written.model_validate(sofar.sent_back.first) if sofar.sent_back.first else None
    return Assignment(mode=sofar.mode, told=told, components=validated.components, first=first)


def _first_version(given: Assignment, failure: StageFailed, final: bool) -> Instead | None:
    """What was paid for and could be better is better than nothing."""
    if given.first is None or not final:
        return None
    return Instead(given.first, f"The first version is kept, for no better one could be had: {failure.error}")
