"""What waits for a person, as the page of selections shows it: on load, after a choice, and when it is asked again.

Nothing is chosen here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from jobs.documents import BulkId, UserId, parse_id
from jobs.system import System
from service.pages import html
from service.pages.wording import about_of, plural
from service.rendering.jobs import open_selection
from service.schemas.job_answers import OpenSelection

SHOWN = 20
WAITING = "waiting"
"""The element that holds all of it."""

OWN = ("title", "summary", "angle", "keywords")
"""What an idea has, and what a person may write."""


@dataclass(frozen=True)
class Wanted:
    """Which part of what waits is looked at, as the address of the page says it."""

    bulk_job_id: str | None = None
    cursor: str | None = None

    @property
    def bulk_id(self) -> BulkId | None:
        """Raises `NotFound` for a text that is no id."""
        return BulkId(parse_id(self.bulk_job_id, "bulk job")) if self.bulk_job_id else None

    def url(self, path: str = "/selections") -> str:
        named = {"bulk_job_id": self.bulk_job_id, "cursor": self.cursor}
        query = urlencode({name: value for name, value in named.items() if value})
        return f"{path}?{query}" if query else path


@dataclass(frozen=True)
class Typed:
    """What somebody made of the option `number`, and what is wrong with it: messages by field."""

    job_id: str
    number: int
    values: Mapping[str, str]
    faults: Mapping[str, str]


@dataclass(frozen=True)
class Option:
    """`number` is from 1, as people count; `others` is what an idea of our own pipelines does not have."""

    number: int
    recommended: bool
    values: Mapping[str, str]
    keywords: list[str]
    others: list[tuple[str, str]]
    faults: Mapping[str, str] = field(default_factory=dict)
    typed: Mapping[str, str] | None = None

    @property
    def in_form(self) -> Mapping[str, str]:
        return self.values if self.typed is None else self.typed


@dataclass(frozen=True)
class Question:
    asked: OpenSelection
    about: str
    bulk_name: str
    options: list[Option]


@dataclass(frozen=True)
class WaitingBulk:
    """One whose jobs wait; `count` is of all of them, shown or not."""

    id: str
    name: str
    count: int


@dataclass(frozen=True)
class Open:
    """`may_choose` is false for a key that may only read."""

    wanted: Wanted
    questions: list[Question]
    bulks: list[WaitingBulk]
    next_url: str | None
    may_choose: bool
    typed: Typed | None = None

    @property
    def sentence(self) -> str:
        total = sum(bulk.count for bulk in self.bulks)
        more = "at least " if self.next_url or self.wanted.cursor else ""
        return f"{more}{plural(total, 'article')} {'awaits' if total == 1 else 'await'} your choice".capitalize()

    def parts(self) -> dict[str, str]:
        return {WAITING: html.part("selections_parts.html", "waiting", self)}


async def open_selections(
    parts: System, owner: UserId, wanted: Wanted, *, may_choose: bool, typed: Typed | None = None
) -> Open:
    """The longest waiting first. Raises `NotFound`, and `InvalidInput` for a cursor that is none."""
    page = await parts.lookup.selections(owner, wanted.bulk_id, SHOWN, wanted.cursor)
    bulk_ids = list(dict.fromkeys(job["bulk_job_id"] for job in page.documents))
    known = await parts.briefs.names(owner, bulk_ids)
    counts = await parts.briefs.awaiting(owner, bulk_ids)
    names = {bulk_id: known.get(bulk_id) or "Untitled" for bulk_id in bulk_ids}
    further = Wanted(wanted.bulk_job_id, page.next_cursor) if page.next_cursor else None
    return Open(
        wanted=wanted,
        questions=[_question(open_selection(job), names[job["bulk_job_id"]], typed) for job in page.documents],
        bulks=[WaitingBulk(str(bulk_id), names[bulk_id], counts.get(bulk_id, 0)) for bulk_id in bulk_ids],
        next_url=further.url() if further else None,
        may_choose=may_choose,
        typed=typed,
    )


def _question(asked: OpenSelection, bulk_name: str, typed: Typed | None) -> Question:
    mine = typed if typed is not None and typed.job_id == asked.job_id else None
    options = [
        _option(place + 1, option, recommended=place == asked.recommended, typed=mine)
        for place, option in enumerate(asked.options)
    ]
    return Question(asked, about_of(asked) or f"Article {asked.queue_position}", bulk_name, options)


def _option(number: int, option: Mapping[str, Any], *, recommended: bool, typed: Typed | None) -> Option:
    keywords = option.get("keywords")
    listed = [str(word) for word in keywords] if isinstance(keywords, list) else [str(keywords)] if keywords else []
    values = {name: str(option.get(name) or "") for name in OWN} | {"keywords": ", ".join(listed)}
    others = [(name, str(value)) for name, value in option.items() if name not in OWN and value not in (None, "", [])]
    if typed is None or typed.number != number:
        return Option(number, recommended, values, listed, others)
    return Option(number, recommended, values, listed, others, typed.faults, typed.values)
