"""One sentence at a time, none of them twice: the words that were used least come first. No plan of an article here."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from generator.phrases import Phrases, Theme, Tone, Words
from generator.subjects import capitalised

LETTER = re.compile(r"[^\W_]")
SLOT = re.compile(r"\{(\w+)\}")
MANY_TRIES = 60
SHORT_SENTENCE = 8
NOTE_SHARE = 0.25
OPENER_SHARE = 0.2


def count_words(text: str) -> int:
    """Words as a reader counts them: marks such as `##` and `-` are none."""
    return sum(1 for token in text.split() if LETTER.search(token))


@dataclass(frozen=True)
class Draft:
    text: str
    sources: tuple[str, ...]


Draw = Callable[[], Draft]


@dataclass
class Scribe:
    """Writes sentences in one tone about one subject; the same `rng` gives the same sentences."""

    rng: Random
    phrases: Phrases
    tone: Tone
    values: Mapping[str, str]
    _used: Counter[str] = field(default_factory=Counter)
    _written: set[str] = field(default_factory=set)

    def sentence(self, theme: Theme, room: int) -> str:
        """A new sentence that leaves either nothing of `room` (in words) or enough for another one."""
        return self._best(lambda: self._body(theme), room)

    def phrase(self, options: Words, room: int = 0, **values: str) -> str:
        """One of these, filled in; the least used first, and the one that fits where `room` is given."""
        return self._best(lambda: self._filled(self._pick(options), None, values), room)

    def step(self, theme: Theme) -> str:
        return self._best(lambda: self._filled("{act}.", theme, {}), 0)

    def adopt(self, sentence: str) -> bool:
        """Whether this sentence of somebody else's is new; it will not be written again."""
        new = sentence not in self._written
        self._written.add(sentence)
        return new

    def _best(self, draw: Draw, room: int) -> str:
        best, smallest = draw(), sys.maxsize
        for tried, draft in enumerate(self._drafts(best, draw)):
            if draft.text in self._written:
                continue
            misfit = _misfit(count_words(draft.text), room)
            repeats = sum(self._used.get(source, 0) for source in draft.sources)
            if (score := 3 * misfit + repeats) < smallest:
                best, smallest = draft, score
            if misfit <= 1 and repeats <= tried // 3:
                break
        self._written.add(best.text)
        self._used.update(best.sources)
        return best.text

    def _drafts(self, first: Draft, draw: Draw) -> Iterator[Draft]:
        yield first
        for _ in range(MANY_TRIES):
            yield draw()

    def _body(self, theme: Theme) -> Draft:
        fresh = tuple(note for note in theme.notes if not self._used[note])
        if fresh and self.rng.random() < NOTE_SHARE:
            return self._filled(self.rng.choice(fresh), theme, {})
        template = self._pick(self.phrases.sentences.body + self.tone.body)
        return self._opened(self._filled(template, theme, {}))

    def _opened(self, draft: Draft) -> Draft:
        if self.rng.random() >= OPENER_SHARE or draft.text.endswith("?"):
            return draft
        opener = self._pick(self.tone.openers)
        return Draft(f"{opener} {draft.text[0].lower()}{draft.text[1:]}", (*draft.sources, opener))

    def _filled(self, template: str, theme: Theme | None, values: Mapping[str, str]) -> Draft:
        sources = [template]

        def fill(slot: re.Match[str]) -> str:
            name = slot[1]
            if known := values.get(name, self.values.get(name)):
                return known
            chosen = self._pick(self._options(name.rstrip("2"), theme), sources)
            sources.append(chosen)
            return chosen

        return Draft(capitalised(SLOT.sub(fill, template)), tuple(sources))

    def _options(self, name: str, theme: Theme | None) -> Words:
        common = self.phrases.sentences
        match name, theme:
            case "people", _:
                return common.people
            case "when", _:
                return common.when
            case "often", _:
                return common.often
            case "focus", Theme():
                return theme.focus
            case "act", Theme():
                return theme.act
            case "gain", Theme():
                return theme.gain
            case "risk", Theme():
                return theme.risk
        raise KeyError(name)

    def _pick(self, options: Words, taken: Sequence[str] = ()) -> str:
        times = {option: self._used.get(option, 0) for option in options if option not in taken}
        least = min(times.values())
        return self.rng.choice([option for option, used in times.items() if used == least])


def _misfit(length: int, room: int) -> int:
    left = room - length
    return 0 if room <= 0 or left >= SHORT_SENTENCE else abs(left)
