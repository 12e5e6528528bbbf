"""How many values a JSON text holds, before anything is made of it. Whether it is JSON at all is not judged here."""

from __future__ import annotations

MAX_VALUES = 500_000
"""Numbers, texts, lists and objects together: a bulk of 10,000 items with 30 fields has 310,000."""

MAX_QUOTES = 4 * MAX_VALUES
"""Each value may be a text and have a key."""

OPENING = "[{,"


def holds_too_many_values(text: str) -> bool:
    """Each value but the first follows a comma, or what opens a list or an object: so these are counted, and what is
    empty counts twice. That they may stand in texts is heeded only where it makes a difference: it takes longer."""
    if _marks(text) < MAX_VALUES:
        return False
    bare = text.replace("\\\\", "").replace('\\"', "")
    if bare.count('"') > MAX_QUOTES:
        return True
    return sum(_marks(between) for between in bare.split('"')[::2]) >= MAX_VALUES


def _marks(text: str) -> int:
    return sum(text.count(mark) for mark in OPENING)
