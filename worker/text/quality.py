"""Judges a finished article: findings in words that a writer can act on. Nothing is changed or sent back here."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from jobs.languages import LANGUAGES, normalised
from worker.text.blocks import HEADING, LIST_ITEM, ends_in_code, lines_of
from worker.text.keywords import missing
from worker.text.languages import guess
from worker.text.measures import reading_ease, sentences, word_count
from worker.text.placeholders import placeholders
from worker.text.plain import counted, folded, line_text, prose
from worker.text.shingles import likeness, sketch

LENGTH_TOLERANCE = 0.2  # spec §7
NEAR_DUPLICATE = 0.5
LEAST_EASE = 30.0  # below it Flesch calls a text very difficult
REPEATED_WORDS = 6
MOST_REPEATS = 1
UNENDED_WORDS = 8
MOST_NAMED = 10
MAX_JUDGED = 300_000

_CLOSERS = "*_~\"'”’»)]}」』）>` "
_ENDINGS = ".!?…:;。！？؟۔।\u037e"
_BROKEN_OFF = (",", "،", "、", "，", " -", " –", " —", "[", "(")
_OPEN_LINK = re.compile(r"\[[^\[\]]{0,500}$|\]\([^()\s]{0,2000}$")
_QUESTION = re.compile(r"[?？؟;\u037e][*_ ]{0,6}$")


class Code(StrEnum):
    EMPTY = "empty"
    UNFINISHED = "unfinished"
    LENGTH = "length"
    KEYWORDS = "keywords"
    PLACEHOLDERS = "placeholders"
    DUPLICATE = "duplicate"
    LANGUAGE = "language"
    REPETITION = "repetition"
    COMPONENTS = "components"
    READABILITY = "readability"


_ADVISORY = frozenset({Code.COMPONENTS, Code.READABILITY})


@dataclass(frozen=True)
class Finding:
    """`text` tells the writer in a sentence or two what is wrong and what is wanted instead."""

    code: Code
    text: str

    @property
    def blocking(self) -> bool:
        """Whether the article should be written again; what is advisory is only kept with it."""
        return self.code not in _ADVISORY


@dataclass(frozen=True)
class Sibling:
    """An article of the same bulk that is finished: its `queue_position`, and the sketch of its text."""

    position: int
    sketch: Sequence[int]


@dataclass(frozen=True)
class Wanted:
    """What was asked for. `language` is any tag or name; `components` those of `worker.text.components`, if any."""

    word_count: int | None = None
    keywords: Sequence[str] = ()
    language: str = "en"
    siblings: Sequence[Sibling] = ()
    components: Sequence[str] = ()


def check(article: str, wanted: Wanted) -> Sequence[Finding]:
    """What is wrong with a cleaned article, in the order of `Code`, at most one finding a code; none for a good one.

    Of one with more than 300,000 characters only the length and the end are judged by all of it.
    """
    words = word_count(article)
    if not words:
        return [Finding(Code.EMPTY, "The article has no text.")]
    whole, article = article, article[:MAX_JUDGED]
    text = prose(article)
    known = normalised(wanted.language)
    language = known.tag if known else ""
    findings = {
        Code.UNFINISHED: _unfinished(whole),
        Code.LENGTH: _length(words, wanted.word_count),
        Code.KEYWORDS: _keywords(text, wanted.keywords, language),
        Code.PLACEHOLDERS: _placeholders(article, language),
        Code.DUPLICATE: _duplicate(article, wanted.siblings),
        Code.LANGUAGE: _language(article, language),
        Code.REPETITION: _repetition(article),
        Code.COMPONENTS: _components(article, wanted.components),
        Code.READABILITY: _readability(article, language),
    }
    return [Finding(code, text) for code, text in findings.items() if text]


def _unfinished(article: str) -> str:
    if ends_in_code(article):
        return "The article ends inside a code block: close the block, or leave the fence out, and finish the article."
    last = article.rstrip().rpartition("\n")[2].strip()
    if HEADING.match(last):
        return f"The article ends with the heading “{_short(line_text(last))}” and nothing under it: finish it."
    bare = last.rstrip(_CLOSERS)
    listed = LIST_ITEM.match(last) or last.startswith(("|", "```", "~~~"))
    unended = not listed and sum(counted(line_text(last))) >= UNENDED_WORDS and not bare.endswith(tuple(_ENDINGS))
    if unended or last.endswith(_BROKEN_OFF) or _OPEN_LINK.search(last[-2500:]):
        return f"The article ends in the middle of a sentence (“…{line_text(last)[-60:]}”): finish it."
    return ""


def _length(words: int, asked: int | None) -> str:
    if not asked or abs(words - asked) <= LENGTH_TOLERANCE * asked:
        return ""
    least, most = round(asked * (1 - LENGTH_TOLERANCE)), round(asked * (1 + LENGTH_TOLERANCE))
    how = "longer" if words < asked else "shorter"
    return f"The article has {words} words and {asked} are wanted: make it {how}, {least} to {most} words."


def _keywords(text: str, keywords: Sequence[str], language: str) -> str:
    lacking = missing(text, keywords, language)
    if not lacking:
        return ""
    named = _named(lacking)
    return (
        f"{'This keyword is' if len(lacking) == 1 else 'These keywords are'} missing: {named}. Use each at least once."
    )


def _placeholders(article: str, language: str) -> str:
    found = placeholders(article, language)
    return f"There are placeholders in the text: {_named(found)}. Write what belongs there." if found else ""


def _duplicate(article: str, siblings: Sequence[Sibling]) -> str:
    own = sketch(article)
    like = [(likeness(own, sibling.sketch), -sibling.position) for sibling in siblings]
    most, position = max(like, default=(0.0, 0))
    if most < NEAR_DUPLICATE:
        return ""
    return (
        f"The article is {most:.0%} like article {-position} of the same bulk: "
        "write it afresh, with other points, examples and wording."
    )


def _language(article: str, language: str) -> str:
    found = guess(article)
    if not language or found is None or found == language:
        return ""
    names = {each.tag: each.name for each in LANGUAGES}
    return f"The article is in {names[found]} and {names[language]} is wanted: write it in {names[language]}."


def _repetition(article: str) -> str:
    said = sentences(article)
    times = Counter(folded(sentence) for sentence in said)
    repeated = {key: count for key, count in times.items() if count > 1 and sum(counted(key)) >= REPEATED_WORDS}
    if sum(repeated.values()) - len(repeated) <= MOST_REPEATS:
        return ""
    shown = {folded(sentence): sentence for sentence in reversed(said) if folded(sentence) in repeated}
    worst = sorted(repeated, key=lambda key: -repeated[key])[:3]
    named = ", ".join(f"“{_short(shown[key])}” ({repeated[key]} times)" for key in worst)
    return f"Sentences are repeated: {named}. Say each thing once."


def _components(article: str, components: Sequence[str]) -> str:
    lacking = list(_lacking(article, frozenset(components)))
    return f"The article seems to lack {', '.join(lacking)}." if lacking else ""


def _lacking(article: str, components: frozenset[str]) -> Iterator[str]:
    """What can be seen from outside: a conclusion looks like any section, and the meta description is not in it."""
    lines = [line.text for line in lines_of(article.splitlines()) if not line.code and line.text.strip()]
    headings = [found for line in lines if (found := HEADING.match(line))]
    levels = [len(heading["marks"]) for heading in headings]
    if "title" in components and 1 not in levels:
        yield "a title (a heading with one #)"
    first = next((line for line in lines if not line.startswith("# ")), "")
    if "intro" in components and HEADING.match(first):
        yield "an introduction before the first section"
    if "sections" in components and sum(level > 1 for level in levels) < 2:
        yield "sections with headings (##)"
    if "faq" in components and sum(1 for line in lines if _QUESTION.search(line[-10:])) < 2:
        yield "questions and answers"


def _readability(article: str, language: str) -> str:
    ease = reading_ease(article, language)
    if ease is None or ease >= LEAST_EASE:
        return ""
    average = word_count(article) / max(1, len(sentences(article)))
    return (
        f"The text is hard to read (reading ease {ease:.0f} of 100, at least {LEAST_EASE:.0f} is wanted; "
        f"{average:.0f} words a sentence): use shorter sentences and simpler words."
    )


def _named(found: Sequence[str]) -> str:
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    return ", ".join(f"“{_short(each)}”" for each in found[:MOST_NAMED]) + more


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:79]}…"
