"""The demo writer's words, read from `prose/`: no sentence may be spelled in Python, and nothing is chosen here."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict

Words = tuple[str, ...]


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Theme(Frozen):
    """What a section can be about, and the phrases it is written with (`prose/deciding.toml` tells their grammar)."""

    name: str
    label: str
    cues: str
    headings: Words
    question: str
    answer: str
    notes: Words
    focus: Words
    act: Words
    gain: Words
    risk: Words


class Tone(Frozen):
    also: Words
    openers: Words
    body: Words
    intro: Words
    closing: Words
    conclusion: Words


class PageType(Frozen):
    intro: Words
    link: str
    themes: Words


class Sentences(Frozen):
    people: Words
    when: Words
    often: Words
    body: Words
    keyword: Words
    keyword_groups: Words
    list_leads: Words
    intro: Words
    overview: Words
    closing: Words
    region: Words
    brand_voice: Words
    titles: dict[str, Words]
    page_types: dict[str, PageType]
    whole: Theme


class Phrases(Frozen):
    themes: tuple[Theme, ...]
    tones: dict[str, Tone]
    sentences: Sentences

    def tone(self, name: str) -> Tone:
        """The tone of that name, or the neutral one where nobody knows it."""
        wanted = name.strip().lower()
        for known, tone in self.tones.items():
            if wanted == known or wanted in tone.also:
                return tone
        return self.tones["neutral"]


def load_phrases() -> Phrases:
    themes = [theme for name in ("deciding", "doing", "keeping") for theme in _read(name)["theme"]]
    return Phrases.model_validate({"themes": themes, "tones": _read("tones"), "sentences": _read("sentences")})


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((files("generator") / "prose" / f"{name}.toml").read_text(encoding="utf-8"))
