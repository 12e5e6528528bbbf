"""The stage that judges an article, and sends it back once with what is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from worker.stage import Instead, SendBack, Sofar, Stage, StageInput, Tools
from worker.stages.writing import NAME as WRITING
from worker.text.markdown import cleaned
from worker.text.quality import Finding, Sibling, Wanted, check


class Candidate(StageInput):
    """`is_second`: it was sent back before."""

    markdown: str
    word_count: int | None
    keywords: Sequence[str]
    language: str
    components: Sequence[str]
    is_second: bool
    skips: bool


class Judged(BaseModel):
    """`passed` is None where it was not judged."""

    passed: bool | None
    findings: list[dict[str, Any]]
    sent_back: bool


async def judge(given: Candidate, tools: Tools) -> Judged | SendBack:
    siblings = [Sibling(one.position, one.sketch) for one in await tools.siblings()]
    wanted = Wanted(given.word_count, given.keywords, given.language, siblings, given.components)
    findings = await asyncio.to_thread(lambda: check(cleaned(given.markdown), wanted))
    blocking = [finding.text for finding in findings if finding.blocking]
    if blocking and not given.is_second:
        return SendBack(WRITING, blocking)
    return Judged(passed=not blocking, findings=[_told(finding) for finding in findings], sent_back=given.is_second)


def _candidate(sofar: Sofar) -> Candidate:
    item, validated = sofar.item, sofar.results["validation"]
    skips = item.get("skip_quality_check")
    return Candidate(
        markdown=sofar.results["template-assembly"].markdown,
        word_count=item.get("word_count"),
        keywords=keywords_of(item.get("keywords")),
        language=validated.language,
        components=validated.components,
        is_second=sofar.sent_back is not None,
        skips=bool(sofar.options.get("skip_quality_check") if skips is None else skips),
    )


def _skipped(given: Candidate) -> Instead | None:
    if not given.skips:
        return None
    return Instead(Judged(passed=None, findings=[], sent_back=given.is_second), "skipped as asked")


def keywords_of(told: Any) -> list[str]:
    """One by one, of a list or of a text with commas."""
    each = told if isinstance(told, list) else str(told).split(",") if told else []
    return [word for one in each if (word := str(one).strip())]


def _told(finding: Finding) -> dict[str, Any]:
    return {"code": finding.code.value, "text": finding.text, "blocking": finding.blocking}


QUALITY = Stage("quality-validation", judge, _candidate, Judged, quick=True, can_skip=_skipped)
