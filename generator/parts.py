"""A demo article taken apart into its components, so that parts asked for one by one belong together.

No sentence is worded here but the description, which is cut from the introduction.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from itertools import takewhile

from generator.sentences import count_words
from generator.sources import first_sentences
from generator.wishes import Component

HEADING = "## "
QUESTIONS = "## Frequently asked questions"
DESCRIPTION_LENGTH = 155
FEWEST_WORDS = {Component.FAQ: 450}
FEWEST_WORDS_ELSE = 150


@dataclass(frozen=True)
class Parts:
    """Markdown, but for `title`; sections and conclusion have their headings, the questions theirs below them."""

    title: str
    intro: str
    sections: tuple[str, ...]
    faq: str
    conclusion: str

    def component(self, component: Component) -> str:
        match component:
            case Component.TITLE:
                return self.title
            case Component.INTRO:
                return self.intro
            case Component.SECTIONS:
                return "\n\n".join(self.sections)
            case Component.CONCLUSION:
                return self.conclusion
            case Component.FAQ:
                return self.faq
            case Component.META_DESCRIPTION:
                return described(self.intro)


def words_for(component: Component, asked: int) -> int:
    """The length of an article that is long enough to have this component."""
    return max(asked, FEWEST_WORDS.get(component, FEWEST_WORDS_ELSE))


def taken_apart(article: str) -> Parts:
    """The parts of an article of at least 150 words; it has questions from 450 on."""
    title, *blocks = article.rstrip("\n").split("\n\n")
    intro = list(takewhile(lambda block: not block.startswith(HEADING), blocks))
    chapters: list[list[str]] = []
    for block in blocks[len(intro) :]:
        if block.startswith(HEADING):
            chapters.append([])
        chapters[-1].append(block)
    *inner, conclusion = chapters
    return Parts(
        title=title.removeprefix("# "),
        intro="\n\n".join(intro),
        sections=tuple("\n\n".join(each) for each in inner if each[0] != QUESTIONS),
        faq="\n\n".join(block for each in inner if each[0] == QUESTIONS for block in each[1:]),
        conclusion="\n\n".join(conclusion),
    )


def described(text: str) -> str:
    """The first sentences, as many as a search engine shows."""
    told = ""
    for sentence in first_sentences(text, 5):
        longer = f"{told} {sentence}".strip()
        if len(longer) > DESCRIPTION_LENGTH:
            break
        told = longer
    return told if count_words(told) else textwrap.shorten(text, DESCRIPTION_LENGTH, placeholder="…")
