"""How bulks are found by name: the words that are stored with each, and the filter for what a person types.

Words are compared without case and accents, and by their beginnings. Scripts that put no space between words are
taken letter by letter. Nothing is read here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

MOST_WORDS = 40
LONGEST_WORD = 40
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
"""Thai, Lao, Burmese, Khmer, kana, Chinese characters."""

WORD = re.compile(rf"[{UNSPACED}]|[^\W_{UNSPACED}]+")


def words_of(text: str | None) -> list[str]:
    """Each once, in their order; of a very long text the first."""
    parts = unicodedata.normalize("NFKD", (text or "").casefold())
    bare = unicodedata.normalize("NFC", "".join(each for each in parts if not unicodedata.combining(each)))
    found = (word[:LONGEST_WORD] for word in WORD.findall(bare))
    return list(dict.fromkeys(found))[:MOST_WORDS]


def having_words(words: Sequence[str]) -> list[dict[str, Any]]:
    """Filters that hold together for a bulk that has a word beginning with each of these; for none, no bulk has."""
    if not words:
        return [{"words": {"$in": []}}]
    # nothing in a word needs an escape: it is of letters and digits
    return [{"words": {"$regex": f"^{word}"}} for word in words]
