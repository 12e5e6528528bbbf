"""Other people's error messages, made fit to be passed on: one line, not long, and without a key. No judging here."""

from __future__ import annotations

import re

LONGEST = 300
SHORTEST_SECRET = 6
"""Shorter keys are no secret but a word that a local endpoint insists on, such as `none`."""
KEY = re.compile(r"\b(?:sk|pk|gsk|xai)-[\w*.-]{4,}|\bBearer\s+\S+", re.IGNORECASE)


def quoted(message: str, key: str) -> str:
    """Without a full stop at the end; `key` is the one that must not show, whatever it looks like."""
    bare = message.replace(key, "[key]") if len(key) >= SHORTEST_SECRET else message
    line = " ".join(KEY.sub("[key]", bare).encode("utf-8", "replace").decode().split())
    return line[:LONGEST].rstrip(". ")
