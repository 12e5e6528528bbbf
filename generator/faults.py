"""Failures on request: which call fails how, the same in every run with the same seed. Nothing fails here by itself."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from enum import StrEnum
from itertools import count


class Fault(StrEnum):
    SERVER_ERROR = "rate_500"
    TOO_MANY = "rate_429"
    HANG = "rate_hang"
    GARBAGE = "rate_garbage"


def faults(rates: Mapping[Fault, float], seed: int) -> Iterator[Fault | None]:
    """For the first call, the second and so on: its fault, or None. `rates` are fractions that add up to at most 1."""
    for number in count(1):
        draw = _fraction(f"{seed}:{number}")
        yield _drawn(rates, draw)


def _drawn(rates: Mapping[Fault, float], draw: float) -> Fault | None:
    for fault, rate in rates.items():
        if draw < rate:
            return fault
        draw -= rate
    return None


def _fraction(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6]) / 2**48
