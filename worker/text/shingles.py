"""Sketches texts so that near-duplicates among siblings are found without keeping the texts. No threshold is set here.

A sketch is the bottom-k sample (Broder 1997) of the hashes of all runs of five words: the same in every process.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from heapq import nsmallest

from worker.text.plain import prose, words

SIZE = 128
RUN = 5


def sketch(text: str) -> list[int]:
    """At most 128 ascending numbers under 2**63 (they fit BSON's int64); none for a text without words."""
    spoken = [word.encode("utf-8", "replace") for word in words(prose(text))]
    runs = {b" ".join(spoken[at : at + RUN]) for at in range(max(1, len(spoken) - RUN + 1))} if spoken else set()
    return nsmallest(SIZE, {_hashed(run) for run in runs})


def likeness(a: Sequence[int], b: Sequence[int]) -> float:
    """The share of common runs (Jaccard), 0 to 1, of two sketched texts: exact for short ones, else within about a
    tenth. 0 where one has no words."""
    ours, theirs = set(a), set(b)
    sample = nsmallest(SIZE, ours | theirs)
    return sum(1 for each in sample if each in ours and each in theirs) / len(sample) if ours and theirs else 0.0


def _hashed(run: bytes) -> int:
    return int.from_bytes(blake2b(run, digest_size=8).digest()) >> 1
