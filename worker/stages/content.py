"""Texts as the generator of contents gives them: how it is asked, and where the Markdown is in what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs.pipelines import CONTENT
from worker.stage import Sofar, Stage, StageInput, Tools

TEXT_FIELDS = ("markdown", "content", "text", "article", "body")


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


def markdown_in(content: Any) -> str:
    """The text of a content that may be an object: its `markdown`, `content`, `text`, `article` or `body`, else all
    texts in it."""
    if isinstance(content, str):
        return content
    if isinstance(content, Mapping):
        named = [content[name] for name in TEXT_FIELDS if isinstance(content.get(name), str) and content[name].strip()]
        return named[0] if named else "\n\n".join(filter(None, map(markdown_in, content.values())))
    if isinstance(content, list):
        return "\n\n".join(filter(None, map(markdown_in, content)))
    return ""


PLAIN_STAGE = Stage("content-generation", write, wanted, generator=CONTENT)
