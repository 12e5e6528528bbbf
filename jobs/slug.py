"""Makes the part of a file name or an address that a person recognises; that it is unique is seen to elsewhere."""

from __future__ import annotations

import re
import unicodedata

# Letters that NFKD leaves whole.
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe"})


def slugify(text: str, *, fallback: str = "article", limit: int = 80) -> str:
    """At most `limit` lower-case ASCII letters, digits and single hyphens; the fallback for none."""
    letters = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    ascii_only = letters.encode("ascii", "ignore").decode("ascii").lower()
    words = re.sub(r"[^a-z0-9]+", "-", ascii_only.replace("'", ""))
    return words.strip("-")[:limit].rstrip("-") or fallback
