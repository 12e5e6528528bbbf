"""The pipelines of a simulated deployment: real ones, and two whose stages only call, compute, ask or send back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from jobs.pipelines import CONTENT, IDEAS, IMAGES
from worker.failures import StageFailed
from worker.registry import built_in
from worker.stage import AskPerson, Pipeline, SendBack, Sofar, Stage, StageInput, Tools

PARTS = ("left", "right")
ASKED_FOR = timedelta(seconds=40)


class Given(StageInput):
    topic: str
    before: Any = None
    findings: Sequence[str] = ()


def given(sofar: Sofar) -> Given:
    before = list(sofar.results.values())[-1] if sofar.results else None
    findings = sofar.sent_back.findings if sofar.sent_back else ()
    return Given(topic=sofar.item["topic"], before=before, findings=findings)


async def prepare(work: Given, _: Tools) -> str:
    return f"about {work.topic}"


async def write(work: Given, tools: Tools) -> Any:
    return (await tools.call(CONTENT, "/write", work.model_dump(mode="json"))).content


async def think(work: Given, tools: Tools) -> Any:
    return (await tools.call(IDEAS, "/think", work.model_dump(mode="json"))).content


async def judge(work: Given, _: Tools) -> str | SendBack:
    """The first version of an even topic is not good enough."""
    if int(work.topic[-1]) % 2 == 0 and not work.findings:
        return SendBack("draft", ["too short"])
    return "well"


async def illustrate(work: Given, tools: Tools) -> list[Any]:
    """Two calls at once; each ends, whatever becomes of the other."""
    calls = [tools.call(IMAGES, "/draw", {"topic": f"{work.topic}-{part}"}, part=part) for part in PARTS]
    found = await asyncio.gather(*calls, return_exceptions=True)
    failed = [one for one in found if isinstance(one, StageFailed)]
    if failed:
        raise next((one for one in failed if one.definite), failed[0])
    return [one.content for one in found if not isinstance(one, BaseException)]


async def ask(work: Given, _: Tools) -> AskPerson:
    return AskPerson([{"title": "this"}, {"title": "that"}], recommended=1, within=ASKED_FOR)


DRAFTED = Pipeline(
    "drafted",
    (
        Stage("prepare", prepare, given, quick=True),
        Stage("draft", write, given, generator=CONTENT),
        Stage("judge", judge, given, quick=True),
        Stage("illustrate", illustrate, given, generator=IMAGES, several_calls=True),
        Stage("finish", prepare, given, quick=True),
    ),
)
CHOSEN = Pipeline(
    "chosen",
    (
        Stage("think", think, given, generator=IDEAS),
        Stage("ask", ask, given),
        Stage("write", write, given, generator=CONTENT),
    ),
)
PIPELINES = {**built_in(), DRAFTED.name: DRAFTED, CHOSEN.name: CHOSEN}
