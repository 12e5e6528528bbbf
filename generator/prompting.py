"""Which pieces of `prompts/` make the prompt for what is asked. No prompt is spelled in Python or sent here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files

from generator.fragments import Fragment, fragment
from generator.items import Item, Mode, identifier
from generator.pictures import Picture
from generator.wishes import NO_WISHES, Component, Wishes

SHARES = {Component.INTRO: 0.12, Component.SECTIONS: 0.66, Component.CONCLUSION: 0.1, Component.FAQ: 0.12}
"""What parts an article's words go into; the other components have no length of their own."""


@dataclass(frozen=True)
class Prompt:
    system: str
    user: str


@dataclass(frozen=True)
class Prompts:
    """By the names of their files."""

    fragments: Mapping[str, Fragment]

    def text(self, mode: Mode, item: Item, wishes: Wishes) -> Prompt:
        """For an article, or for the component or the format of it that is wished."""
        pieces = self._kind(wishes), *self._subject(mode, item, wishes), "details", "context", "findings"
        return self._prompt(pieces, values_of(item, wishes))

    def ideas(self, mode: Mode, item: Item, count: int) -> Prompt:
        values = {**values_of(item, NO_WISHES), "word_count": "", "target_url": "", "count": str(count)}
        return self._prompt(("ideas", *self._subject(mode, item, NO_WISHES), "details", "context"), values)

    def image(self, picture: Picture) -> str:
        return self.fragments["image"].filled({"prompt": picture.prompt, "style": picture.style})

    def _kind(self, wishes: Wishes) -> str:
        if wishes.component is not None:
            return f"component_{wishes.component}"
        if wishes.template:
            known = f"format_{identifier(wishes.template)}"
            return known if known in self.fragments else "format_other"
        return "article"

    def _subject(self, mode: Mode, item: Item, wishes: Wishes) -> Iterator[str]:
        yield f"mode_{mode}"
        page = f"page_{identifier(item.page_type)}"
        if page in self.fragments:
            yield page
        if wishes.idea is not None:
            yield "idea"

    def _prompt(self, pieces: tuple[str, ...], values: Mapping[str, str]) -> Prompt:
        user = "\n\n".join(filter(None, (self.fragments[piece].filled(values) for piece in pieces)))
        return Prompt(system=self.fragments["system"].filled({}), user=user)


def values_of(item: Item, wishes: Wishes) -> dict[str, str]:
    """A value for every placeholder in a text's prompt, empty where there is nothing to say."""
    share = SHARES.get(wishes.component) if wishes.component else None
    whole = wishes.component is None
    keywords = item.keywords or (wishes.idea.keywords if wishes.idea else ())
    own_length = not whole or (wishes.template and "word_count" not in item.model_fields_set)
    idea = wishes.idea
    return {
        **item.model_dump(mode="json", include={"topic", "trend", "region", "source_text", "source_url", "tone"}),
        **item.model_dump(mode="json", include={"brand_voice", "page_type", "context"}),
        "target_url": item.target_url if whole or wishes.component is Component.CONCLUSION else "",
        "language": item.language or "English",
        "keywords": ", ".join(keywords),
        "wanted_keywords": ", ".join(keywords if whole or wishes.component is Component.SECTIONS else keywords[:1]),
        "word_count": "" if own_length else str(item.word_count),
        "part_words": str(max(30, round(item.word_count * share))) if share else "",
        "findings": "\n".join(f"- {finding}" for finding in wishes.findings),
        "idea_title": idea.title if idea else "",
        "idea_summary": idea.summary if idea else "",
        "idea_angle": idea.angle if idea else "",
        "template": wishes.template,
        "verbosity": wishes.verbosity,
        "processing_mode": wishes.processing_mode,
        "count": "",
    }


def load_prompts() -> Prompts:
    found = (files("generator") / "prompts").iterdir()
    texts = {file.name.removesuffix(".md"): file.read_text(encoding="utf-8") for file in found}
    return Prompts({name: fragment(text) for name, text in sorted(texts.items())})
