"""Takes the readable text out of HTML, for a generator; nothing is made safe to show here.

Not built on html.parser: a cell of 100,000 characters can keep that busy for a minute. Here time is linear.
"""

from __future__ import annotations

import re
from html import unescape

_HIDDEN = frozenset({"script", "style", "template", "noscript", "head", "iframe", "svg"})
_INLINE = frozenset(
    {
        "a",
        "abbr",
        "b",
        "bdi",
        "bdo",
        "big",
        "cite",
        "code",
        "del",
        "dfn",
        "em",
        "font",
        "i",
        "ins",
        "kbd",
        "mark",
    }
    | {"q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr"}
)
# Possessive throughout: a `<` that begins no tag costs one look ahead to the next `<` outside quotes.
_MARKUP = re.compile(
    r"""<!--.*?(?:-->|\Z) | <[!?][^>]*+(?:>|\Z)
      | <(?P<end>/?)(?P<name>[a-z][^\s/<>"']*+)(?:[^<>"']++|"[^"]*+"|'[^']*+')*+>""",
    re.DOTALL | re.IGNORECASE | re.VERBOSE,
)


def text_of(html: str) -> str:
    """Tags, comments, scripts and styles dropped, entities decoded, all white space one space."""
    parts: list[str] = []
    position = 0
    while found := _MARKUP.search(html, position):
        parts.append(html[position : found.start()])
        position = found.end()
        name = (found["name"] or "").lower()
        if name in _HIDDEN and not found["end"] and not found[0].endswith("/>"):
            position = _end_of_hidden(html, name, position)
        if name and name not in _INLINE:
            parts.append(" ")
    parts.append(html[position:])
    return " ".join(unescape("".join(parts)).split())


def _end_of_hidden(html: str, name: str, position: int) -> int:
    end = re.compile(rf"</{name}\b", re.IGNORECASE).search(html, position)
    return end.start() if end else len(html)
