"""From a text as it was written to one that can be shown: clean Markdown, safe HTML, slug, figures."""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic import BaseModel

from jobs.languages import normalised
from jobs.slug import slugify
from worker.text.markdown import cleaned, title_of
from worker.text.measures import reading_ease, reading_minutes, word_count
from worker.text.safe_html import safe_html
from worker.text.shingles import sketch

MOST_MARKDOWN = 2_000_000
"""Of a longer text only the content is kept, as the generator gave it."""

MOST_HTML = 1_000_000
"""Of a longer text no HTML is made: what is stored has to fit."""


class Processed(BaseModel):
    """`reading_ease` is None for a language that has no measure; `html` for a text that is too long."""

    markdown: str
    html: str | None
    title: str
    slug: str
    word_count: int
    reading_minutes: int
    reading_ease: float | None
    sketch: list[int]


def markdown_beside(content: Any, own: Processed) -> dict[str, str]:
    """The clean text, where it says more than the content does and is not too long to be kept beside it."""
    same = isinstance(content, str) and content.strip() == own.markdown
    return {} if same or len(own.markdown) > MOST_MARKDOWN else {"markdown": own.markdown}


async def processed(markdown: str, *, title: str, language: str) -> Processed:
    """`title` is for a text without a heading. Not on the event loop: a long text takes a while."""
    return await asyncio.to_thread(_processed, markdown, title, language)


def _processed(markdown: str, title: str, language: str) -> Processed:
    text = cleaned(markdown)
    own_title = title_of(text) or title
    known = normalised(language)
    ease = reading_ease(text, known.tag) if known else None
    return Processed(
        markdown=text,
        html=safe_html(text) if len(text) <= MOST_HTML else None,
        title=own_title[:300],
        slug=slugify(own_title),
        word_count=word_count(text),
        reading_minutes=reading_minutes(text),
        reading_ease=round(ease, 1) if ease is not None else None,
        sketch=sketch(text),
    )
