"""Measures a text: words, sentences, reading time, reading ease. What the figures mean for an article is not said here.

Texts are Markdown; marks, addresses and code are not counted. A character of Chinese or Japanese counts as a word.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass

from worker.text.plain import counted, prose

# Brysbaert 2019 (English, silent, non-fiction); Trauzettel-Klosinski and Dietz 2012 (IReST, Chinese characters).
WORDS_A_MINUTE = 238
CHARACTERS_A_MINUTE = 255
MAX_JUDGED = 200_000
LEAST_WORDS_FOR_EASE = 30

_END = re.compile(r"(?:[.!?…؟۔।\u037e]+|(?P<wide>[。！？]+))[\"'”’»)\]」』]{0,4}")
_ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof st sr sra jr vs bzw vgl bspw ggf inkl evtl zzgl mio mrd mme mlle dott ing dña г гг др руб "
    "тыс млн млрд".split()
)
_BEFORE_NUMBERS = frozenset("no nr art fig p pp vol max min ca tel abb str ст рис".split())
_LAST_WORD = re.compile(r"[\w.]{1,20}$")
_SPELLED = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class Scale:
    """`base - a * words a sentence - b * syllables a word`."""

    base: float
    sentence: float
    syllables: float
    vowels: str


# Flesch 1948; de: Amstad 1978; es: Fernández Huerta 1959; fr: Kandel and Moles 1958; it: Franchina and Vacca 1972;
# nl: Douma 1960; pt: Martins et al. 1996; ru: Oborneva 2006.
SCALES = {
    "en": Scale(206.835, 1.015, 84.6, "aeiouy"),
    "de": Scale(180.0, 1.0, 58.5, "aeiouyäöü"),
    "es": Scale(206.84, 1.02, 60.0, "aeiouáéíóúü"),
    "fr": Scale(207.0, 1.015, 73.6, "aeiouyàâäéèêëîïôöùûüœæ"),
    "it": Scale(217.0, 1.3, 60.0, "aeiouàèéìíîòóùú"),
    "nl": Scale(206.835, 0.93, 77.0, "aeiouyáéëèïóöüĳ"),
    "pt": Scale(248.835, 1.015, 84.6, "aeiouáâãàéêíóôõúü"),
    "ru": Scale(206.835, 1.3, 60.1, "аеёиоуыэюя"),
}
_GROUPS = {tag: re.compile(f"[{scale.vowels}]+") for tag, scale in SCALES.items() if tag != "ru"}
_GROUPS["ru"] = re.compile(f"[{SCALES['ru'].vowels}]")
# What is written as one group and spoken as two.
_HIATUS = {
    "es": re.compile(r"[aeoáéó](?=[aeoáéó])|[íú](?=[aeo])|[aeo](?=[íú])"),
    "it": re.compile(r"[aeoàèéòó](?=[aeoàèéòó])"),
    "pt": re.compile(r"[aeoáâéêóô](?=[aeoáâéêóô])|[íú](?=[aeo])|[aeo](?=[íú])"),
}
_SILENT = {
    "en": re.compile(r"(?<=[^aeiouyl])e$|(?<=[aeiouy])le$|(?<=[^aeioutd])ed$|(?<=[^aeioulscxzgh])es$"),
    "fr": re.compile(r"(?<=[^aeiouyé])(?:e|es|ent)$"),
}


def word_count(text: str) -> int:
    """Words as a reader counts them; Chinese and Japanese by characters."""
    return sum(counted(prose(text)))


def reading_minutes(text: str) -> int:
    """Whole minutes, rounded up; 0 where there is nothing to read."""
    spaced, characters = counted(prose(text))
    return math.ceil(spaced / WORDS_A_MINUTE + characters / CHARACTERS_A_MINUTE)


def sentences(text: str) -> list[str]:
    """In their order, on one line each. A heading and a list item are sentences of their own."""
    return [sentence for paragraph in prose(text).split("\n\n") for sentence in _parted(paragraph) if sentence]


def reading_ease(text: str, language: str) -> float | None:
    """0 (very hard) to 100 (very easy) by the formula for the language's primary tag, judged by the first 200,000
    characters; None for a language that has no formula here, or for fewer than 30 words."""
    scale = SCALES.get(language)
    if scale is None:
        return None
    judged = [sentence for sentence in sentences(text[:MAX_JUDGED]) if _SPELLED.search(sentence)]
    spelled = Counter(word for sentence in judged for word in _SPELLED.findall(sentence.casefold()))
    total = spelled.total()
    if total < LEAST_WORDS_FOR_EASE:
        return None
    spoken = sum(syllables(word, language) * times for word, times in spelled.items())
    ease = scale.base - scale.sentence * total / len(judged) - scale.syllables * spoken / total
    return min(100.0, max(0.0, ease))


def syllables(word: str, language: str) -> int:
    """About as many as are spoken, at least 1, of a lower-case word in one of the languages that have a scale."""
    silent = _SILENT.get(language)
    word = silent.sub("", word) if silent else word
    count = len(_GROUPS[language].findall(word))
    hiatus = _HIATUS.get(language)
    return max(1, count + (len(hiatus.findall(word)) if hiatus else 0))


def _parted(paragraph: str) -> list[str]:
    parts: list[str] = []
    start = 0
    for end in _END.finditer(paragraph):
        after = paragraph[end.end() : end.end() + 2]
        if end["wide"] or (not after.strip()) or (after[0].isspace() and _ends(paragraph, start, end, after[1:])):
            parts.append(paragraph[start : end.end()].strip())
            start = end.end()
    return [*parts, paragraph[start:].strip()]


def _ends(paragraph: str, start: int, end: re.Match[str], following: str) -> bool:
    """A full stop after an abbreviation, an initial or an ordinal ends nothing, nor one before a small letter."""
    if following.islower():
        return False
    if not end[0].startswith(".") or end[0].startswith(".."):
        return True
    last = _LAST_WORD.search(paragraph[max(start, end.start() - 20) : end.start()])
    word = last[0].casefold() if last else ""
    if word in _BEFORE_NUMBERS:
        return not following.isdigit()
    initials = bool(word) and all(len(part) == 1 and part.isalpha() for part in word.split("."))
    ordinal = word.isdigit() and len(word) <= 2
    return not (word in _ABBREVIATIONS or initials or ordinal)
