"""A file that was chosen, as a field of the page that it is looked at on: so that it need not be chosen again, and
nothing of it is stored before it is submitted. What it holds is not known here."""

from __future__ import annotations

import base64
import binascii
import zlib

from jobs.errors import InvalidInput
from service.wire.body import MAX_BODY_BYTES

MOST_CARRIED = 4 * 2**20
"""Characters of a page. What is larger has to be chosen again when it is submitted."""


def packed(data: bytes) -> str | None:
    """None for what is too large."""
    text = base64.urlsafe_b64encode(zlib.compress(data, 9)).decode()
    return text if len(text) <= MOST_CARRIED else None


def unpacked(text: str) -> bytes:
    """Raises `InvalidInput` for what `packed` did not make. No more is unpacked than may be sent."""
    if len(text) <= MOST_CARRIED:
        try:
            inflating = zlib.decompressobj()
            data = inflating.decompress(base64.b64decode(text, altchars=b"-_", validate=True), MAX_BODY_BYTES + 1)
            if inflating.eof and len(data) <= MAX_BODY_BYTES:
                return data
        except (binascii.Error, zlib.error, ValueError):
            pass
    raise InvalidInput("The file cannot be read any more: choose it again.")
