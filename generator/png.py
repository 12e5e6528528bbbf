"""A small PNG drawn from a prompt by the standard library: stripes and boxes in its own colours, always the same."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

SIGNATURE = b"\x89PNG\r\n\x1a\n"
BOXES = 7

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Box:
    left: int
    right: int
    top: int
    bottom: int
    colour: Colour


def drawn(text: str, width: int, height: int) -> bytes:
    """The bytes of a PNG of that size in pixels; the same text gives the same picture."""
    rng = Random(hashlib.sha256(text.encode()).digest())  # noqa: S311  a picture, not a secret
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = b"".join(b"\0" + row for row in _rows(rng, width, height))
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)


def _rows(rng: Random, width: int, height: int) -> Iterator[bytes]:
    above, below = _colour(rng), _colour(rng)
    boxes = [_box(rng, width, height) for _ in range(BOXES)]
    for y in range(height):
        row = bytearray(bytes(_mixed(above, below, y / height)) * width)
        for box in boxes:
            if box.top <= y < box.bottom:
                row[3 * box.left : 3 * box.right] = bytes(box.colour) * (box.right - box.left)
        yield bytes(row)


def _box(rng: Random, width: int, height: int) -> Box:
    left, right = sorted(rng.randint(0, width) for _ in range(2))
    top, bottom = sorted(rng.randint(0, height) for _ in range(2))
    return Box(left, right, top, bottom, _colour(rng))


def _colour(rng: Random) -> Colour:
    return rng.randint(30, 230), rng.randint(30, 230), rng.randint(30, 230)


def _mixed(one: Colour, other: Colour, share: float) -> Iterator[int]:
    return (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
