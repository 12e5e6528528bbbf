"""How bulks are found: the words and marks that are stored with each, and the filters that ask for them.

Words are compared without case and accents, and by their beginnings. Scripts that put no space between words are
taken letter by letter. Nothing is read here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from jobs.storage.store import Document

MOST_WORDS = 40
LONGEST_WORD = 40
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
"""Thai, Lao, Burmese, Khmer, kana, Chinese characters."""

WORD = re.compile(rf"[{UNSPACED}]|[^\W_{UNSPACED}]+")


def found_by(name: str | None, pipeline: str, kind: str) -> list[str]:
    """What a bulk is found by, as it is stored with it: one index serves all of it."""
    return [*words_of(name), _mark("pipeline", pipeline), _mark("kind", kind)]


def words_of(text: str | None) -> list[str]:
    """Each once, in their order; of a very long text the first."""
    parts = unicodedata.normalize("NFKD", (text or "").casefold())
    bare = unicodedata.normalize("NFC", "".join(each for each in parts if not unicodedata.combining(each)))
    found = (word[:LONGEST_WORD] for word in WORD.findall(bare))
    return list(dict.fromkeys(found))[:MOST_WORDS]


def having_words(words: Sequence[str]) -> list[Document]:
    """Filters that hold together for a bulk that has a word beginning with each of these; for none, no bulk has."""
    if not words:
        return [{"found_by": {"$in": []}}]
    # nothing in a word needs an escape: it is of letters and digits
    return [{"found_by": {"$regex": f"^{word}"}} for word in words]


def having(pipeline: str | None, kind: str | None) -> list[Document]:
    """The same for a bulk of this pipeline and kind; None is any."""
    marks = {"pipeline": pipeline, "kind": kind}
    return [{"found_by": _mark(name, value)} for name, value in marks.items() if value is not None]


def _mark(name: str, value: str) -> str:
    """No word begins like it."""
    return f":{name}:{value}"
