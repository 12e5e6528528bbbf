"""What one owner may have so many of is numbered, so that no two requests together make one too many. Nothing is stored
here: that a place is taken once is a unique index's affair, and whoever meets another looks again."""

from __future__ import annotations

import secrets
from collections.abc import Collection

from jobs.errors import TooMany


def free_place(taken: Collection[int | None], most: int, too_many: str) -> int:
    """One of the free places, by chance: of many requests at once few then want the same. Raises `TooMany`."""
    free = [place for place in range(most) if place not in taken]
    if not free:
        raise TooMany(too_many, most)
    return secrets.choice(free)
