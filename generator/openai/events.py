"""The lines of a stream of server-sent events, as they come in, within bounds. What they mean does not matter here."""

from __future__ import annotations

from generator.errors import NotWritten

LONGEST_LINE = 2**20
LARGEST_STREAM = 64 * 2**20


class DataLines:
    """Takes bytes in any pieces. Comments, fields other than `data` and a last line without an end are passed over."""

    def __init__(self) -> None:
        self._begun = bytearray()
        self._size = 0

    def fed(self, piece: bytes) -> list[str]:
        """The values of the `data` lines that are complete now. Raises `NotWritten` beyond the bounds."""
        self._size += len(piece)
        *whole, rest = piece.split(b"\n")
        lines = [bytes(self._begun) + whole[0], *whole[1:]] if whole else []
        if whole:
            self._begun.clear()
        self._begun += rest
        if self._size > LARGEST_STREAM or len(self._begun) > LONGEST_LINE:
            raise NotWritten("The model's endpoint sent more than any article needs")
        return _values(lines)


def _values(lines: list[bytes]) -> list[str]:
    texts = (line.decode(errors="replace").strip() for line in lines)
    return [text.removeprefix("data:").strip() for text in texts if text.startswith("data:")]
