"""Tells what a line of Markdown is: code, a heading, a fence. No text is changed here.

Only what an article needs of CommonMark: a fence or a heading inside a list or a quote counts as its text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

HEADING = re.compile(r" {0,3}(?P<marks>#{1,6})(?:[ \t]+(?P<text>.*))?$")
FENCE = re.compile(r" {0,3}(?P<marks>`{3,}+|~{3,}+)(?P<info>[^`]*)$")
LIST_ITEM = re.compile(r"\s{0,40}(?:[-*+]|\d{1,9}[.)])\s+")


class Line(NamedTuple):
    """`code`: inside a fenced block, or one of its fences."""

    text: str
    code: bool


def lines_of(lines: Iterable[str]) -> Iterator[Line]:
    """Every line in its order; a fence that is never closed makes code of all that follows it."""
    fence = ""
    for text in lines:
        if fence:
            yield Line(text, code=True)
            if closes(text, fence):
                fence = ""
        else:
            opening = FENCE.match(text) if text else None
            fence = opening["marks"] if opening else ""
            yield Line(text, opening is not None)


def closes(text: str, fence: str) -> bool:
    """Whether the line is the closing one of a block opened with the marks `fence`."""
    found = FENCE.match(text)
    return bool(found and not found["info"].strip() and found["marks"].startswith(fence))


def heading_text(heading: re.Match[str]) -> str:
    """Of a match of `HEADING`, without the closing marks."""
    text = (heading["text"] or "").strip()
    opened = text.rstrip("#")
    return opened.rstrip() if opened != text and opened[-1:] in {"", " ", "\t"} else text


def ends_in_code(text: str) -> bool:
    """Whether a fenced block is still open at the end."""
    fence = ""
    for line in text.splitlines():
        if fence:
            fence = "" if closes(line, fence) else fence
        elif opening := FENCE.match(line):
            fence = opening["marks"]
    return bool(fence)
