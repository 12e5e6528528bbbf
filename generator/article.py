"""The plan of one article: which parts it has and how long each is. No sentence is worded here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

from generator.items import Item, Mode
from generator.page import Page
from generator.phrases import Phrases, Theme
from generator.points import points_of
from generator.sentences import Scribe, count_words
from generator.subjects import Subject, subject_of

WITH_SECTIONS = 150
WITH_QUESTIONS = 400
WITH_PROMISE = 100
SECTION_WORDS = 170
LIST_WORDS = 90
ORDERED = frozenset({"first_steps", "planning", "troubleshooting"})
GENERAL_THEMES = ("basics", "needs", "cost", "quality", "choosing", "first_steps", "planning", "practice", "mistakes")
TREND_THEMES = ("basics", "timing", "research", "outlook")


def write_article(mode: Mode, item: Item, phrases: Phrases, rng: Random) -> str:
    """Markdown of `item.word_count` words, give or take a few. The same arguments give the same text."""
    return _Article(mode, item, phrases, rng).written()


class _Article:
    def __init__(self, mode: Mode, item: Item, phrases: Phrases, rng: Random) -> None:
        self.mode = mode
        self.item = item
        self.rng = rng
        self.sentences = phrases.sentences
        self.tone = phrases.tone(item.tone)
        self.page_type = phrases.sentences.page_types.get(item.page_type.lower())
        self.subject = subject_of(mode, item)
        self.themes, self.spare = self._chosen(phrases.themes)
        self.scribe = Scribe(rng, phrases, self.tone, {"subject": self.subject.phrase})
        self.points = points_of(mode, item, self.scribe, parts=len(self.themes) or 1)
        self.page = Page(rng, self.scribe)
        self.lists_left = len(self.sentences.list_leads)

    def written(self) -> str:
        self.page.add(f"# {self._title(self.subject)}")
        link = self._link()
        promise = self.scribe.phrase(self.tone.closing) if self.item.word_count >= WITH_PROMISE else ""
        end = self.item.word_count - count_words(f"{promise} {link}")
        if self.themes:
            self._parts(end)
        else:
            self._alone(end)
        if promise:
            self.page.extend(promise)
        if link:
            self.page.add(link)
        return self.page.text()

    def _alone(self, end: int) -> None:
        opening = self.scribe.phrase(self.sentences.intro)
        fits = count_words(" ".join([opening, *self.points])) <= end - self.page.words
        self.page.fill(self.sentences.whole, end, [opening, *self.points] if fits else self.points)

    def _parts(self, end: int) -> None:
        questions = min(450, end // 7) if end >= WITH_QUESTIONS else 0
        sections_end = end - questions - min(100, end // 11)
        self._intro(self.page.words + min(110, end // 8))
        points = self.points
        for number, theme in enumerate(self.themes):
            left = len(self.themes) - number
            share = -(-len(points) // left)
            until = self.page.words + (sections_end - self.page.words) // left
            self._section(theme, until, points[:share], named=number % 2 == 0)
            points = points[share:]
        if questions:
            self._questions(self.page.words + questions)
        self._conclusion(end)

    def _intro(self, until: int) -> None:
        voice = " ".join(self.item.brand_voice.split()[:20]).rstrip(" .!;,")
        openings = [
            self.scribe.phrase(self.sentences.intro),
            self.scribe.phrase(self.tone.intro),
            self.scribe.phrase(self.page_type.intro) if self.page_type else "",
            self.scribe.phrase(self.sentences.region, region=self.item.region) if self.item.region else "",
            self.scribe.phrase(self.sentences.brand_voice, brand_voice=voice) if voice else "",
            self.scribe.phrase(self.sentences.overview, labels=_labels(self.themes[:4])),
        ]
        said: list[str] = []
        for sentence in filter(None, openings):
            if not said or self.page.words + count_words(" ".join([*said, sentence])) <= until:
                said.append(sentence)
        self.page.fill(self.sentences.whole, until, [" ".join(said)])

    def _section(self, theme: Theme, until: int, leads: Sequence[str], *, named: bool) -> None:
        naming = named and self.subject.thing
        headings = tuple(each for each in theme.headings if ("{subject}" in each) == naming)
        self.page.add(f"## {self.scribe.phrase(headings)}")
        self.page.fill(theme, until, leads, before_last=self._list(theme, until - self.page.words))

    def _list(self, theme: Theme, room: int) -> str:
        ordered = theme.name in ORDERED
        wanted = ordered or self.rng.random() < 0.4
        if room < LIST_WORDS or not wanted or not self.lists_left:
            return ""
        self.lists_left -= 1
        lead = self.scribe.phrase(self.sentences.list_leads)
        steps = [self.scribe.step(theme) for _ in range(self.rng.randint(3, 5))]
        return "\n".join([f"{lead}\n", *(f"{f'{n}.' if ordered else '-'} {step}" for n, step in enumerate(steps, 1))])

    def _questions(self, until: int) -> None:
        self.page.add("## Frequently asked questions")
        asked = (self.spare + self.themes)[: max(2, min(6, (until - self.page.words) // 60))]
        for number, theme in enumerate(asked):
            end = self.page.words + (until - self.page.words) // (len(asked) - number)
            self.page.add(f"### {self.scribe.phrase((theme.question,))}")
            self.page.fill(theme, end, [theme.answer])

    def _conclusion(self, until: int) -> None:
        self.page.add(f"## {self.scribe.phrase(self.tone.conclusion)}")
        summary = self.scribe.phrase(self.sentences.closing, labels=_labels(self.themes[-3:]))
        room = until - self.page.words
        self.page.fill(self.sentences.whole, until, [summary] if count_words(summary) <= room else [])

    def _title(self, subject: Subject) -> str:
        if subject.complete or self.item.word_count < WITH_SECTIONS:
            return " ".join(subject.title.split()[: max(8, self.item.word_count // 10)])
        return self.scribe.phrase(self.sentences.titles[self.mode], subject=subject.title)

    def _link(self) -> str:
        url = self.item.target_url
        label = self.page_type.link if self.page_type else "Read more"
        return f"[{label}]({f'<{url}>' if set('()') & set(url) else url})" if url else ""

    def _chosen(self, themes: tuple[Theme, ...]) -> tuple[list[Theme], list[Theme]]:
        """The sections' themes in reading order, and the others with the more fitting ones first."""
        words = self.item.word_count
        count = max(2, min(len(themes), round(words * 0.7 / SECTION_WORDS))) if words >= WITH_SECTIONS else 0
        preferred = self.page_type.themes if self.page_type else TREND_THEMES if self.mode is Mode.TRENDS else ()
        said = set(re.findall(r"\w+", f"{self.subject.title} {' '.join(self.item.keywords)}".lower()))

        def fit(theme: Theme) -> int:
            cued = not said.isdisjoint(theme.cues.split())
            return 4 * cued + 2 * (theme.name in preferred) + (theme.name in GENERAL_THEMES)

        ranked = sorted(self.rng.sample(themes, len(themes)), key=fit, reverse=True)
        return sorted(ranked[:count], key=themes.index), ranked[count:]


def _labels(themes: Sequence[Theme]) -> str:
    *most, last = [theme.label for theme in themes]
    return f"{', '.join(most)} and {last}" if most else last
