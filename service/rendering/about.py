"""What an article is about, in a line, told of its item. Nothing is looked up here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST = 120


def about(item: Mapping[str, Any]) -> str:
    """At most 120 characters; empty where nothing tells it."""
    keywords = item.get("keywords")
    candidates = (
        item.get("topic"),
        item.get("trend"),
        ", ".join(map(str, keywords)) if isinstance(keywords, list) else keywords,
        item.get("source_url"),
        item.get("source_text"),
    )
    found = " ".join(str(next(filter(None, candidates), ""))[: 10 * MOST].split())
    return found if len(found) <= MOST else found[: MOST - 1] + "…"
