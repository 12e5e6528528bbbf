"""Brings a model's Markdown into one shape, and reads its title. No HTML is made here, and nothing is judged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from worker.text.blocks import FENCE, HEADING, LIST_ITEM, heading_text, lines_of
from worker.text.plain import line_text
from worker.text.wrapping import unwrapped

MOST_BLANK_LINES = 2
DEEPEST = 6

_LINE_ENDS = re.compile("\r\n?|[\u0085\u2028\u2029]")
# Controls, surrogates (they cannot be stored), noncharacters; of what is invisible those that shape no script:
# joiners, direction marks and isolates stay.
_UNWANTED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u180e\u200b\u202a-\u202e\u2060-\u2064\ud800-\udfff\ufeff\ufff9-\uffff]"
)
_UNDERLINE = re.compile(r" {0,3}(?P<marks>={2,}+|-{2,}+)$")
_NO_PARAGRAPH = re.compile(r" {4}|\t|\s*[>|<\[]|\s*(?:[-*_=+][ \t]*+){3,}$")


def cleaned(text: str) -> str:
    """The article alone, in Markdown: no wrapping fence or greeting of a model's, line ends `\\n`, no invisible or
    control characters, no spaces at line ends, at most two blank lines together (code keeps its own), headings as
    `#`, at most one of level 1 and no level left out. Empty for a text with nothing to see.

    Cleaning what is clean changes nothing.
    """
    text = _UNWANTED.sub("", _LINE_ENDS.sub("\n", text))
    lines = unwrapped([line.rstrip() for line in text.split("\n")])
    return "\n".join(_squeezed(_levelled(_underlined(lines))))


def title_of(markdown: str) -> str | None:
    """The text of the first heading of level 1, else of the first heading, without marks; None where there is none."""
    first: str | None = None
    for line in lines_of(_underlined(markdown.splitlines())):
        heading = None if line.code else HEADING.match(line.text)
        title = line_text(heading_text(heading)) if heading else ""
        if heading and title and len(heading["marks"]) == 1:
            return title
        first = first or title
    return first or None


def _underlined(lines: Iterable[str]) -> list[str]:
    """A line underlined with `===` or `---` becomes a heading with `#`."""
    kept: list[str] = []
    for line in lines_of(lines):
        underline = None if line.code else _UNDERLINE.match(line.text)
        if underline and kept and _is_title(kept):
            kept[-1] = f"{'#' if underline['marks'][0] == '=' else '##'} {kept[-1].strip()}"
        else:
            kept.append(line.text)
    return kept


def _is_title(lines: Sequence[str]) -> bool:
    """Whether the last line is a paragraph of one line."""
    line = lines[-1]
    alone = len(lines) == 1 or not lines[-2].strip() or HEADING.match(lines[-2])
    other = HEADING.match(line) or FENCE.match(line) or LIST_ITEM.match(line) or _NO_PARAGRAPH.match(line)
    return bool(line.strip() and alone and not other)


def _levelled(lines: Iterable[str]) -> list[str]:
    """A second heading of level 1 goes down to 2, with all that is under it; so does one that skips a level go up."""
    kept: list[str] = []
    open_levels: list[tuple[int, int]] = []
    titled = demoted = False
    for line in lines_of(lines):
        heading = None if line.code else HEADING.match(line.text)
        if heading is None:
            kept.append(line.text)
            continue
        asked = len(heading["marks"])
        if asked == 1:
            demoted, titled = titled, True
        asked += demoted
        while open_levels and open_levels[-1][0] >= asked:
            open_levels.pop()
        level = open_levels[-1][1] + 1 if open_levels else min(asked, 2)
        open_levels.append((asked, level))
        text = (heading["text"] or "").strip()
        kept.append(f"{'#' * min(level, DEEPEST)} {text}".rstrip())
    return kept


def _squeezed(lines: Iterable[str]) -> list[str]:
    kept: list[str] = []
    blank = 0
    for line in lines_of(lines):
        blank = 0 if line.text or line.code else blank + 1
        if blank <= MOST_BLANK_LINES:
            kept.append(line.text)
    return kept
