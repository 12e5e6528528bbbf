"""What may be chosen on the pages where something is submitted: pipelines with the options they take, targets,
languages, kinds of pages. What is chosen is judged elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from jobs.documents import UserId
from jobs.languages import LANGUAGES
from jobs.pipelines import ARTICLE, BLOG, BUILT_IN, FORMATS, IDEAS, IMAGES, PLAIN, PipelineSpec
from jobs.system import System
from service.pages.request_form import NEVER, options_of
from service.pages.wording import words
from service.rules.bulk_rules import BulkRules
from service.schemas.pipeline_requests import Component
from service.schemas.values import PRIORITY_NAMES

IN_WORDS: Mapping[str, str] = {
    ARTICLE.name: "Article: checked, with one second try",
    BLOG.name: "Blog post: you choose an idea, with an image, published",
    PLAIN.name: "Plain: as the generator gives it",
}
PAGE_TYPES = ("product", "category", "brand", "inspire", "engage")
HOURS = ("1", "4", "12", "24", "48", "72", "168")
COMPONENTS: Sequence[str] = get_args(Component.__value__)
MODES: Sequence[tuple[str, str, str]] = (
    ("topic", "Topic", "An article a line: what it is about."),
    ("keywords", "Keywords", "An article a line: its keywords, with commas between."),
    ("trends", "Trend", "An article a line: the trend that it takes up."),
    ("spin", "Rewrite", "An address a line; or texts, with a line of --- between two."),
)
"""Name, label, and how pasted lines are read."""


@dataclass(frozen=True)
class Pipeline:
    """`takes` are the options that it has a use for."""

    name: str
    label: str
    takes: Sequence[str]


@dataclass(frozen=True)
class Offers:
    """`components`: an article can be written in parts."""

    pipelines: Sequence[Pipeline]
    targets: Sequence[str]
    images: bool
    components: bool
    least: int
    most: int

    languages = [(language.tag, language.name) for language in LANGUAGES]
    page_types = [("", "Any"), *((name, words(name)) for name in PAGE_TYPES)]
    priorities = [("", "By the articles and the deadline"), *((name, words(name)) for name in PRIORITY_NAMES)]
    modes = MODES

    def choosing_times(self, chosen: str) -> Sequence[tuple[str, str]]:
        given = [chosen] if chosen and chosen not in (*HOURS, NEVER) else []
        hours = [(value, f"{value} hours" if value != "1" else "1 hour") for value in (*given, *HOURS)]
        return [("", "24 hours, as usual"), *hours, (NEVER, "As long as it takes")]

    def publishing_to(self, chosen: str) -> Sequence[tuple[str, str]]:
        there = [*self.targets, *([chosen] if chosen and chosen not in self.targets else [])]
        return [("", "Nowhere"), *((name, name) for name in there)]


async def offers(owner: UserId, parts: System, rules: BulkRules) -> Offers:
    known = await parts.pipelines.all()
    return Offers(
        pipelines=[_offered(spec, rules) for name, spec in known.items() if name != FORMATS.name],
        targets=[target.name for target in await parts.targets.list(owner)],
        images=IMAGES in rules.endpoints,
        components=rules.components,
        least=rules.min_items,
        most=rules.max_items,
    )


def _offered(spec: PipelineSpec, rules: BulkRules) -> Pipeline:
    named = IN_WORDS.get(spec.name, words(spec.name)) if spec in BUILT_IN else words(spec.name)
    without_ideas = spec == BLOG and IDEAS not in rules.endpoints
    return Pipeline(
        spec.name, f"{named} (here for articles that have an idea)" if without_ideas else named, options_of(spec)
    )
