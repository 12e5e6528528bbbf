"""URLs that are made from an article's request: where its values stand, and how they are written there.

Whether a request may go to such a URL is not judged here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any
from urllib.parse import quote

FIELDS = (
    "topic", "keywords", "trend", "region", "tone", "language", "page_type", "target_url", "external_id", "tenant"
)  # fmt: skip
LONGEST_VALUE = 150
"""Of a query, in characters: a URL may have 2,048, and a character may take nine of them."""

SAMPLE = "x"
_ORIGIN = re.compile(r"https?://[^/?#{}\s]+(?=[/?]|$)")
_STEP = re.compile(r"[/\\]")


class ValueMissing(Exception):
    """A value of the path is not there, or would lead elsewhere; the text says which."""


@dataclass(frozen=True)
class _Piece:
    """Literal text, and the field that follows it, if any."""

    text: str
    field: str | None
    in_path: bool


class UrlTemplate:
    """`https://pim.example/products/{external_id}?lang={language}`"""

    def __init__(self, text: str) -> None:
        """Raises ValueError with a sentence about what is wrong with it."""
        if not _ORIGIN.match(text):
            raise ValueError("must begin with https:// or http:// and a host, and no value may stand in these")
        self._pieces = tuple(_pieces(text))

    def fill(self, item: Mapping[str, Any]) -> str:
        """Values are encoded. One that is not there is empty in the query; in the path it has to be there, and may not
        lead to another path. Raises `ValueMissing`."""
        return "".join(piece.text + self._value(piece, item) for piece in self._pieces)

    @property
    def sample(self) -> str:
        """Filled with anything."""
        return "".join(piece.text + (SAMPLE if piece.field else "") for piece in self._pieces)

    def _value(self, piece: _Piece, item: Mapping[str, Any]) -> str:
        if piece.field is None:
            return ""
        text = _text(item.get(piece.field))
        if not piece.in_path:
            return quote(text[:LONGEST_VALUE], safe="")
        if not text:
            raise ValueMissing(f"the item has no {piece.field}")
        # Encoded too: some servers decode before they look for these.
        if any(step in (".", "..") for step in _STEP.split(text)):
            raise ValueMissing(f"the item's {piece.field} would lead to another path")
        return quote(text, safe="")


def _pieces(text: str) -> Iterator[_Piece]:
    in_path = True
    for literal, field, form, conversion in _parsed(text):
        if form or conversion or (field is not None and field not in FIELDS):
            raise ValueError(f"may hold no {{{field}}}: there are {', '.join(FIELDS)}")
        in_path = in_path and "?" not in literal and "#" not in literal
        yield _Piece(literal, field, in_path)


def _parsed(text: str) -> list[tuple[str, str | None, str | None, str | None]]:
    try:
        return list(Formatter().parse(text))
    except ValueError:
        raise ValueError("has a { or } without the other") from None


def _text(value: object) -> str:
    match value:
        case str():
            return value.strip().encode("utf-8", "replace").decode()
        case list():
            return ", ".join(_text(one) for one in value)
        case _:
            return ""
