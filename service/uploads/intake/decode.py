"""Finds the text in a file's bytes, or says why there is none; what the text means is not known here."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from jobs.errors import InvalidInput

MAX_BYTES = 8 * 1024 * 1024
SAVE_AS_UTF8 = "save it as UTF-8 (in Excel: CSV UTF-8)"

OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_OFFICE = "EncryptedPackage".encode("utf-16-le")
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"%PDF-", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive: unpack it first"),
    (b"BZh", "a bzip2 archive: unpack it first"),
    (b"\xfd7zXZ\x00", "an xz archive: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive: unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it first"),
    (b"Rar!\x1a\x07", "a RAR archive: unpack it first"),
    (OLD_OFFICE, "an old Office file (XLS, DOC): save it as XLSX or CSV"),
    (b"{\\rtf", "an RTF document: save it as CSV"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"PAR1", "a Parquet file: save it as CSV"),
    (b"\x7fELF", "a program"),
)
ZIP = (b"PK\x03\x04", b"PK\x05\x06")
# The longer mark first: UTF-32 LE begins with that of UTF-16 LE.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROL_BYTES = bytes([*range(9), *range(14, 32), 127])
# Without the quotation marks, dashes, ellipsis, bullet, euro sign and hard space of Windows-1252.
_HIGH_BYTES = bytes(sorted(set(range(128, 256)) - set(b"\x80\x85\x91\x92\x93\x94\x95\x96\x97\xa0\xab\xbb")))
_LETTER_BYTES = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
_MARKUP = re.compile(r"\s*<(!doctype|html|\?xml)\b", re.IGNORECASE)
_SAMPLE = 4096
_MAX_CONTROL_SHARE = 0.01
_MAX_HIGH_SHARE = 0.4


@dataclass(frozen=True)
class Decoded:
    text: str
    encoding: str


def decode(data: bytes) -> Decoded:
    """The text without its byte order mark. Raises InvalidInput for what is empty, over 8 MB or no text."""
    check_size(data)
    _refuse_known_formats(data)
    decoded = _decode(data)
    text = decoded.text.removesuffix("\x1a")
    if not text.strip():
        raise InvalidInput("The file is empty.")
    _refuse_what_is_no_text(text)
    return Decoded(text, decoded.encoding)


def check_size(data: bytes) -> None:
    """Raises InvalidInput for what is over 8 MB."""
    if len(data) > MAX_BYTES:
        raise InvalidInput(f"The file has {len(data) / 1024**2:.1f} MB: up to {MAX_BYTES // 1024**2} MB are taken.")


def _refuse_known_formats(data: bytes) -> None:
    if data.startswith(ZIP):
        raise InvalidInput("The file is a ZIP archive or an Office document.")
    if data.startswith(OLD_OFFICE) and _ENCRYPTED_OFFICE in data:
        raise InvalidInput("The workbook is protected by a password: save it without one.")
    for magic, what in _MAGIC:
        if data.startswith(magic):
            raise InvalidInput(f"The file is {what}.")


def _decode(data: bytes) -> Decoded:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strict(data[len(mark) :], encoding)
    wide = _wide_encoding(data[:_SAMPLE])
    if wide:
        return _strict(data, wide)
    try:
        return Decoded(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError as fault:
        return _single_byte(data, fault)


def _strict(data: bytes, encoding: str) -> Decoded:
    try:
        return Decoded(data.decode(encoding), encoding)
    except UnicodeDecodeError as fault:
        raise InvalidInput(
            f"The file begins as {encoding.upper()}, but is damaged or cut off (byte {fault.start + 1})."
        ) from None


def _wide_encoding(sample: bytes) -> str | None:
    """UTF-16 without a mark shows in its line ends, commas and digits: a NUL on one side, always the same."""
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if max(even, odd) * 10 < len(sample) or max(even, odd) <= 10 * min(even, odd):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _single_byte(data: bytes, fault: UnicodeDecodeError) -> Decoded:
    """Windows-1252, where that is likely: other encodings would come out as letters nobody wrote."""
    if b"\x00" in data or _count(data, _CONTROL_BYTES) > _MAX_CONTROL_SHARE * len(data):
        raise InvalidInput("The file is binary data, not text.")
    lenient = data.decode("utf-8", "replace")
    broken = lenient.count("\ufffd")
    valid = len(lenient) - len(lenient.encode("ascii", "ignore")) - broken
    if valid > broken:
        line = data.count(b"\n", 0, fault.start) + 1
        raise InvalidInput(f"The file is UTF-8 text with a broken character in line {line}: {SAVE_AS_UTF8}.")
    high = _count(data, _HIGH_BYTES)
    if high > _MAX_HIGH_SHARE * (high + _count(data, _LETTER_BYTES)):
        raise InvalidInput(f"The file is not UTF-8, and its encoding cannot be told: {SAVE_AS_UTF8}.")
    try:
        return Decoded(data.decode("windows-1252"), "windows-1252")
    except UnicodeDecodeError:
        return Decoded(data.decode("latin-1"), "latin-1")


def _count(data: bytes, wanted: bytes) -> int:
    return len(data) - len(data.translate(None, wanted))


def _refuse_what_is_no_text(text: str) -> None:
    nul = text.find("\x00")
    if nul >= 0:
        line = text.count("\n", 0, nul) + 1
        raise InvalidInput(f"The file holds a NUL character in line {line}: it is damaged, or it is no text.")
    controls = sum(1 for _ in _CONTROLS.finditer(text))
    if controls > max(2, _MAX_CONTROL_SHARE * len(text)):
        raise InvalidInput("The file is binary data, not text: it is full of control characters.")
    if _MARKUP.match(text):
        raise InvalidInput("The file is an HTML or XML document: CSV, JSON and JSONL files are taken.")
