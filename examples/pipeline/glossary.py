"""A pipeline of one's own, as an example: `glossary` has terms explained, one call each, and puts them in order.

Named in the settings: `PRESSRUN_PIPELINES=examples.pipeline.glossary`. Its bulks are submitted with
`"pipeline": "glossary"` and the terms in `keywords`.
"""

from __future__ import annotations

import asyncio

from pydantic import BaseModel

from worker.failures import StageFailed
from worker.registry import Registry
from worker.stage import Pipeline, Product, Sofar, Stage, StageInput, Tools

MOST_TERMS = 50


class Terms(BaseModel):
    """What one stage makes for the next. It is kept, so it has to be what JSON can say."""

    terms: list[str]


class Words(StageInput):
    """What the first stage works from. As long as this stays the same, its result is used again."""

    keywords: list[str] | str = ""


async def sort_terms(given: Words, tools: Tools) -> Terms:
    told = given.keywords.split(",") if isinstance(given.keywords, str) else given.keywords
    terms = sorted({term.strip() for term in told if term.strip()}, key=str.casefold)
    if not 1 <= len(terms) <= MOST_TERMS:
        raise StageFailed(f"A glossary needs 1 to {MOST_TERMS} terms in keywords, not {len(terms)}.", permanent=True)
    return Terms(terms=terms)


class Explaining(StageInput):
    terms: list[str]
    language: str = "en"


class Explained(BaseModel):
    entries: dict[str, str]


async def explain(given: Explaining, tools: Tools) -> Explained:
    """A call for each term. Each answer is kept when it comes: what was paid for is not paid for again."""

    async def one(number: int, term: str) -> str:
        body = {"mode": "topic", "topic": f"What is meant by {term}?", "word_count": 60, "language": given.language}
        reply = await tools.call("default", "/api/content/generate/topic", body, part=f"term-{number}")
        return str(reply.content)

    found = await asyncio.gather(*(one(*each) for each in enumerate(given.terms)), return_exceptions=True)
    for failure in found:
        if isinstance(failure, BaseException):
            raise failure
    return Explained(entries=dict(zip(given.terms, map(str, found), strict=True)))


def glossary(sofar: Sofar) -> Product:
    entries = sofar.results["explaining"].entries
    text = "\n\n".join(f"## {term}\n\n{said}" for term, said in entries.items())
    return Product(f"# Glossary\n\n{text}", {"terms": len(entries)})


def register(registry: Registry) -> None:
    """Called once when a worker starts."""
    registry.add(
        Pipeline(
            "glossary",
            (
                Stage(
                    "sorting",
                    sort_terms,
                    lambda sofar: Words(keywords=sofar.item.get("keywords") or ""),
                    Terms,
                    quick=True,
                ),
                Stage(
                    "explaining",
                    explain,
                    lambda sofar: Explaining(
                        terms=sofar.results["sorting"].terms, language=sofar.item.get("language") or "en"
                    ),
                    Explained,
                    generator="default",
                    several_calls=True,
                ),
            ),
            glossary,
        )
    )
