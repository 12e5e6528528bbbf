"""The demo writer's ideas: each theme of its prose makes one. Nothing is asked of a model here."""

from __future__ import annotations

import re
from random import Random

from generator.ideas import Idea, Ideas
from generator.items import Item, Mode
from generator.phrases import Phrases, Theme
from generator.sentences import Scribe
from generator.subjects import Subject, capitalised, subject_of


def think_up(mode: Mode, item: Item, count: int, phrases: Phrases, rng: Random) -> Ideas:
    """So many different ideas, at most as many as there are themes; the most fitting one is recommended."""
    subject = subject_of(mode, item)
    scribe = Scribe(rng, phrases, phrases.tone(item.tone), {"subject": subject.phrase})
    said = set(re.findall(r"\w+", f"{subject.title} {' '.join(item.keywords)}".lower()))
    themes = rng.sample(phrases.themes, count)
    fitting = [len(said.intersection(theme.cues.split())) for theme in themes]
    ideas = tuple(_idea(theme, subject, item, scribe) for theme in themes)
    return Ideas(ideas=ideas, recommended=fitting.index(max(fitting)))


def _idea(theme: Theme, subject: Subject, item: Item, scribe: Scribe) -> Idea:
    with_subject = tuple(heading for heading in theme.headings if "{subject}" in heading)
    title = scribe.phrase(with_subject) if subject.thing else f"{subject.title}: {theme.label}"
    return Idea(
        title=title,
        summary=f"{scribe.phrase((theme.question,))} {scribe.phrase((theme.answer,))}",
        angle=f"{capitalised(theme.label)}, for readers who want to {theme.act[0]}.",
        keywords=tuple(dict.fromkeys((*item.keywords[:4], subject.phrase, theme.label)))[:5],
    )
