"""Takes files out of a ZIP archive within bounds, into memory; what they hold is not known here, and none is written.

What an archive says of itself is checked before anything is unpacked, and again while it is: it may lie.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

from jobs.errors import InvalidInput

MAX_ENTRIES = 2_000
MAX_UNPACKED = 64 * 1024 * 1024
MAX_RATIO = 200
SMALL = 1024 * 1024
"""What a file may unpack to however little it was packed to: a short text repeated shrinks to next to nothing."""

_CHUNK = 64 * 1024
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""What ECMA-376 part 2 allows. zipfile unpacks other kinds a piece at a time that has no bound."""

_ENCRYPTED = 0x1
_ENTRY = b"PK\x01\x02"
_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, NotImplementedError)


class Archive:
    """Names are compared without regard to case, as Office does. Every method raises InvalidInput."""

    def __init__(self, data: bytes) -> None:
        if data.count(_ENTRY) > MAX_ENTRIES:  # before zipfile lists them all
            raise InvalidInput(f"The file is an archive of more than {MAX_ENTRIES:,} files.")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except _BROKEN:
            raise _damaged() from None
        self._entries: dict[str, zipfile.ZipInfo] = {}
        for entry in self._zip.infolist():
            name = _key(entry.filename)
            if name in self._entries:
                raise InvalidInput("The file is an archive in which several files have the same name.")
            if entry.flag_bits & _ENCRYPTED:
                raise InvalidInput("The file is protected by a password: save it without one.")
            if entry.compress_type not in _PACKED:
                raise InvalidInput("The file is packed in a way that no workbook is: save it again, or as CSV.")
            if entry.file_size > max(SMALL, MAX_RATIO * entry.compress_size):
                raise _bomb()
            self._entries[name] = entry
        if sum(entry.file_size for entry in self._entries.values()) > MAX_UNPACKED:
            raise _bomb()
        self._left = MAX_UNPACKED

    def __contains__(self, name: str) -> bool:
        return _key(name) in self._entries

    def read(self, name: str) -> bytes:
        """Raises InvalidInput also where there is no such file."""
        entry = self._entries.get(_key(name))
        if entry is None:
            raise InvalidInput(f"The file is damaged or cut off: it has no part {name[:100]!r}.")
        unpacked = bytearray()
        try:
            with self._zip.open(entry) as packed:
                while chunk := packed.read(_CHUNK):
                    unpacked += chunk
                    self._left -= len(chunk)
                    if self._left < 0:
                        raise _bomb()
        except _BROKEN:
            raise _damaged() from None
        return bytes(unpacked)


def _key(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").casefold()


def _damaged() -> InvalidInput:
    return InvalidInput("The file is damaged or cut off: its archive cannot be unpacked.")


def _bomb() -> InvalidInput:
    return InvalidInput(f"The file unpacks to too much: up to {MAX_UNPACKED // 1024**2} MB are taken.")
