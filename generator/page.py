"""The page being written: its blocks, its length, and paragraphs up to a wanted length. No plan of parts here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from generator.phrases import Theme
from generator.sentences import Scribe, count_words

CLOSE_ENOUGH = 3
SHORT_PARAGRAPH = 20


@dataclass
class Page:
    rng: Random
    scribe: Scribe
    words: int = 0
    _blocks: list[str] = field(default_factory=list)

    def text(self) -> str:
        return "\n\n".join(self._blocks) + "\n"

    def add(self, block: str) -> None:
        self._blocks.append(block)
        self.words += count_words(block)

    def extend(self, sentence: str) -> None:
        """Goes on with the last block."""
        self._blocks[-1] += f" {sentence}"
        self.words += count_words(sentence)

    def fill(self, theme: Theme, until: int, leads: Sequence[str] = (), *, before_last: str = "") -> None:
        """Paragraphs up to that many words on the whole page, each lead said in any case.

        The block `before_last` stands before the last of several paragraphs, or after the only one.
        """
        waiting = list(leads)
        first = len(self._blocks)
        until -= count_words(before_last)
        while waiting or until - self.words > CLOSE_ENOUGH:
            paragraph = self._paragraph(theme, until - self.words, waiting)
            if count_words(paragraph) < SHORT_PARAGRAPH and len(self._blocks) > first:
                self.extend(paragraph)
            else:
                self.add(paragraph)
        if before_last:
            self.words += count_words(before_last)
            self._blocks.insert(max(first + 1, len(self._blocks) - 1), before_last)

    def _paragraph(self, theme: Theme, room: int, waiting: list[str]) -> str:
        size = self.rng.randint(35, 65)
        said: list[str] = []
        length = 0
        while not said or (room - length > CLOSE_ENOUGH and (length < size or room - length < SHORT_PARAGRAPH)):
            owed = count_words(" ".join(waiting))
            if waiting and (not said or owed * 2 >= room - length):
                said.append(waiting.pop(0))
            else:
                said.append(self.scribe.sentence(theme, room - length - owed))
            length += count_words(said[-1])
        return " ".join(said)
