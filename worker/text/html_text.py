"""Takes the readable text out of a fetched page, as plain Markdown; nothing is made safe to show here.

Not built on html.parser or html5ever: both take quadratic time for pages made to be slow. Here time is linear.
"""

from __future__ import annotations

import re
from collections.abc import Set
from html import unescape

MAX_CHARACTERS = 4 * 2**20

_SKIPPED = frozenset(
    "script style template noscript iframe svg math object canvas nav footer aside button select textarea dialog "
    "title head".split()
)
_HIDDEN = frozenset("script style template noscript iframe svg math object canvas title head".split())
_RAW = frozenset("script style noscript iframe textarea title".split())
_INLINE = frozenset(
    "a abbr b bdi bdo big cite code del dfn em font i ins kbd label mark q s samp small span strike strong sub sup "
    "time tt u var wbr".split()
)
_HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}
_MAIN = re.compile(r"<main\b", re.IGNORECASE)
_MAIN_END = re.compile(r"</main\b", re.IGNORECASE)
# Possessive throughout: a `<` that begins no tag costs one look ahead to the next `<` outside quotes.
_MARKUP = re.compile(
    r"""<!--.*?(?:-->|\Z) | <[!?][^>]*+(?:>|\Z)
      | <(?P<end>/?)(?P<name>[a-z][^\s/<>"']*+)(?:[^<>"']++|"[^"]*+"|'[^']*+')*+>""",
    re.DOTALL | re.IGNORECASE | re.VERBOSE,
)
_RAW_ENDS = {name: re.compile(rf"</{name}\b", re.IGNORECASE) for name in _RAW}


def text_of_html(html: str) -> str:
    """Paragraphs parted by a blank line, headings with `#`, list items with `-`, of the first 4 MB of a page, or of its
    `main` where it has one. Scripts, styles, navigation, asides and footers are left out."""
    main = _main(html[:MAX_CHARACTERS])
    # Where all of a page stands in its navigation, or in one that is never closed, that is what there is to read.
    return "\n\n".join(_Page(_SKIPPED).read(main) or _Page(_HIDDEN).read(main))


def _main(html: str) -> str:
    start = _MAIN.search(html)
    if start is None:
        return html
    end = _MAIN_END.search(html, start.end())
    return html[start.start() : end.start() if end else len(html)]


class _Page:
    def __init__(self, skipped: Set[str]) -> None:
        self._left_out = skipped
        self._paragraphs: list[str] = []
        self._parts: list[str] = []
        self._mark = ""
        self._skipped = ""
        self._depth = 0

    def read(self, html: str) -> list[str]:
        position = 0
        while found := _MARKUP.search(html, position):
            self._text(html[position : found.start()])
            position = found.end()
            name = (found["name"] or "").lower()
            if name in _RAW and not found["end"]:
                end = _RAW_ENDS[name].search(html, position)
                position = end.start() if end else len(html)
            elif name:
                self._tag(name, closing=bool(found["end"]), empty=found[0].endswith("/>"))
        self._text(html[position:])
        self._flush("")
        return self._paragraphs

    def _text(self, text: str) -> None:
        if not self._depth:
            self._parts.append(text)

    def _tag(self, name: str, *, closing: bool, empty: bool) -> None:
        if self._depth:
            if name == self._skipped and not empty:
                self._depth += -1 if closing else 1
        elif name in self._left_out:
            self._flush("")
            if not closing and not empty:
                self._skipped, self._depth = name, 1
        elif name not in _INLINE:
            self._flush("" if closing else "-" if name == "li" else _HEADINGS.get(name, self._kept_mark()))

    def _kept_mark(self) -> str:
        """A paragraph at the beginning of a list item or a heading is its text."""
        return self._mark if not "".join(self._parts).strip() else ""

    def _flush(self, mark: str) -> None:
        text = " ".join(unescape("".join(self._parts)).split())
        if text:
            self._paragraphs.append(f"{self._mark} {text}".strip())
        self._parts = []
        self._mark = mark
