"""Sentences out of text that a caller handed in, cleaned of markup and lightly reworded. Nothing is fetched here."""

from __future__ import annotations

import re
from collections.abc import Iterator

SHORTEST = 4
LONGEST = 40

SYNONYMS = {
    "almost": "nearly",
    "because": "since",
    "begin": "start",
    "begins": "starts",
    "big": "large",
    "but": "yet",
    "buy": "purchase",
    "extremely": "exceptionally",
    "important": "essential",
    "many": "numerous",
    "maybe": "perhaps",
    "often": "frequently",
    "quickly": "rapidly",
    "sometimes": "at times",
    "usually": "generally",
}
WORD = re.compile(rf"\b({'|'.join(SYNONYMS)})\b")
LINK = re.compile(r"!?\[([^\[\]]{0,500})\]\([^()]{0,500}\)")
MARKS = re.compile(r"<[^<>]{0,500}>|[*`]+|(?<!\w)_+|_+(?!\w)")
LIST_MARK = re.compile(r"(?:[-+*>]|\d{1,3}[.)]) ")
HEADING_MARK = re.compile(r"#{1,6} ")
SENTENCE_END = re.compile(r"(?<=[.!?]) ")


def first_heading(text: str) -> str:
    for line in _lines(text):
        if HEADING_MARK.match(line):
            return _clean(line.strip("# "))
    return ""


def first_sentences(text: str, count: int) -> list[str]:
    """At most `count` different whole sentences of a readable length, in their order."""
    found: dict[str, str] = {}
    for paragraph in _paragraphs(text):
        for raw in SENTENCE_END.split(_clean(paragraph)):
            sentence = raw if raw.endswith((".", "!", "?")) else raw.rstrip(" ,;:") + "."
            if SHORTEST <= len(sentence.split()) <= LONGEST:
                found.setdefault(sentence.casefold(), sentence)
        if len(found) >= count:
            break
    return list(found.values())[:count]


def reworded(sentence: str) -> str:
    return WORD.sub(lambda found: SYNONYMS[found[1]], sentence)


def _paragraphs(text: str) -> Iterator[str]:
    """Paragraphs and list items; headings are none."""
    lines: list[str] = []
    for line in _lines(text):
        ends = not line or HEADING_MARK.match(line) or LIST_MARK.match(line)
        if ends and lines:
            yield " ".join(lines)
            lines = []
        if not HEADING_MARK.match(line):
            lines.append(LIST_MARK.sub("", line, count=1) if LIST_MARK.match(line) else line)
    yield " ".join(lines)


def _lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        yield " ".join(line.split())


def _clean(text: str) -> str:
    return " ".join(MARKS.sub("", LINK.sub(r"\1", text)).split())
