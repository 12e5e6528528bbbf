"""A guess of the language that a text is in. Which ones articles can be asked for in is known to `jobs.languages`."""

from __future__ import annotations

import re
from collections import Counter

from worker.text.function_words import FUNCTION_WORDS
from worker.text.plain import prose

MAX_JUDGED = 20_000
LEAST_LETTERS = 20
LEAST_WORDS = 8
LEAST_SHARE = 0.06
LEAST_LEAD = 1.25


_SCRIPTS = {
    "kana": re.compile(r"[\u3041-\u3096\u30a1-\u30fa]"),
    "han": re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"),
    "ko": re.compile(r"[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]"),
    "el": re.compile(r"[\u0370-\u03ff\u1f00-\u1fff]"),
    "he": re.compile(r"[\u0590-\u05ff]"),
    "hi": re.compile(r"[\u0900-\u097f]"),
    "arabic": re.compile(r"[\u0600-\u06ff\u0750-\u077f]"),
    "cyrillic": re.compile(r"[\u0400-\u04ff]"),
    "latin": re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff]"),
}
_WRITTEN_IN = {"arabic": ("ar", "fa", "ur"), "cyrillic": ("ru", "uk", "bg", "sr")}
_WRITTEN_IN["latin"] = tuple(
    tag for tag in FUNCTION_WORDS if tag not in {*_WRITTEN_IN["arabic"], "ru", "uk", "bg", "sr"}
)
_WORD = re.compile(r"[^\W\d_]+")


def guess(text: str) -> str | None:
    """The primary tag of the language that most of a Markdown text is in, judged by its first 20,000 characters.

    None where it is too short (20 letters, or 8 words for a script of many languages) or two languages are too alike.
    """
    read = prose(text[:MAX_JUDGED])
    letters = {script: len(found.findall(read)) for script, found in _SCRIPTS.items()}
    total = sum(letters.values())
    if total < LEAST_LETTERS:
        return None
    east_asian = letters.pop("kana"), letters.pop("han")
    letters["zh" if east_asian[0] < 0.05 * sum(east_asian) else "ja"] = sum(east_asian)
    script = max(letters, key=lambda each: letters[each])
    if letters[script] < 0.5 * total:
        return None
    return _by_words(read, _WRITTEN_IN[script]) if script in _WRITTEN_IN else script


def _by_words(text: str, tags: tuple[str, ...]) -> str | None:
    """A word that several languages have speaks less for each of them."""
    spoken = Counter(_WORD.findall(text.lower()))
    if spoken.total() < LEAST_WORDS:
        return None
    points = dict.fromkeys(tags, 0.0)
    for word, times in spoken.items():
        of = [tag for tag in tags if word in FUNCTION_WORDS[tag]]
        for tag in of:
            points[tag] += times / len(of)
    first, second = sorted(tags, key=lambda tag: points[tag], reverse=True)[:2]
    enough = points[first] >= LEAST_SHARE * spoken.total() and points[first] >= LEAST_LEAD * points[second]
    return first if enough else None
