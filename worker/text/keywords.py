"""Tells which keywords an article lacks, tolerant of case, accents, word order and common endings. No advice here.

Endings are judged without a dictionary: two words are forms of one where they differ in their last three letters at
most and share the first four.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from worker.text.function_words import FUNCTION_WORDS
from worker.text.plain import IDEOGRAPH, folded, words

MAX_JUDGED = 50_000
STEM = 4
ENDING = 3
SHORT_ENDINGS = ("", "s", "es", "e", "n", "en")
SLACK = 6
_SYMBOL = re.compile(r"[+#@$%€£]")  # "C++" is not "C"
_HANGUL_FIRST, _HANGUL_LAST = "\uac00", "\ud7a3"


def missing(text: str, keywords: Sequence[str], language: str) -> list[str]:
    """The keywords, in their order and once each, that are not in the first 50,000 words of a text without marks.

    The words of one may stand in any order with a few others between them; the language's function words need not.
    """
    spoken = words(text)[:MAX_JUDGED]
    whole = "".join(folded(text).split())
    forms = {keyword: _forms(keyword, language) for keyword in dict.fromkeys(keywords) if keyword.strip()}
    places = _places(spoken, {form for wanted in forms.values() for word in wanted for form in word})
    return [keyword for keyword, wanted in forms.items() if not _found(keyword, wanted, places, whole)]


def _found(keyword: str, wanted: Sequence[frozenset[str]], places: dict[str, list[int]], whole: str) -> bool:
    if not wanted or _unspaced(keyword) or _SYMBOL.search(keyword):
        return "".join(folded(keyword).split()) in whole
    of_words = [sorted({place for form in word for place in places.get(form, ())}) for word in wanted]
    return all(of_words) and _near(of_words, len(wanted) + SLACK)


def _forms(keyword: str, language: str) -> list[frozenset[str]]:
    """For each word that counts, the beginnings of it under which a form of it is found."""
    spoken = words(keyword)
    passing = {folded(word) for word in FUNCTION_WORDS.get(language, ())}
    telling = [word for word in spoken if word not in passing] or spoken
    return [frozenset(_beginnings(word)) for word in dict.fromkeys(telling)]


def _beginnings(word: str) -> Iterator[str]:
    word = word.removeprefix("ال") if len(word) > STEM else word
    if len(word) < STEM:
        yield from (word + ending for ending in SHORT_ENDINGS)
    for length in range(max(STEM, len(word) - ENDING), len(word) + 1):
        yield word[:length]


def _places(spoken: Sequence[str], forms: set[str]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = defaultdict(list)
    for place, word in enumerate(spoken):
        bare = word.removeprefix("ال") if len(word) > STEM else word
        for length in range(max(STEM, len(bare) - ENDING), len(bare)):
            if bare[:length] in forms:
                places[bare[:length]].append(place)
        if bare in forms:
            places[bare].append(place)
    return places


def _near(of_words: Sequence[Sequence[int]], window: int) -> bool:
    """Whether some run of `window` words has each of them; each list ascends."""
    marks = sorted((place, number) for number, places in enumerate(of_words) for place in places)
    last = [-window] * len(of_words)
    for place, number in marks:
        last[number] = place
        if place - min(last) < window and min(last) >= 0:
            return True
    return False


def _unspaced(keyword: str) -> bool:
    return bool(IDEOGRAPH.search(keyword)) or any(_HANGUL_FIRST <= letter <= _HANGUL_LAST for letter in keyword)
