# ruff: noqa: RUF001 (the texts are in other languages)
"""What a file's bytes are, as text or as a sentence about why they are none."""

from __future__ import annotations

import bz2
import gzip
import io
import random
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.errors import InvalidInput
from service.uploads.intake.decode import MAX_BYTES, decode

TEXT = "Topic;Words\nGrüße aus Köln;500\nZoë;600\n"
WIDE = "Topic;Words\nGrüße;500\n名前 🔑;600\n"


def refusal(data: bytes) -> str:
    with pytest.raises(InvalidInput) as caught:
        decode(data)
    return str(caught.value)


def name_without_bytes(value: str | bytes) -> str:
    """Archives hold the moment they were made, so their bytes name no test."""
    return value if isinstance(value, str) else "bytes"


def zipped(*names: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return data.getvalue()


@pytest.mark.parametrize(
    ("data", "text", "encoding"),
    [
        (WIDE.encode(), WIDE, "utf-8"),
        (WIDE.encode("utf-8-sig"), WIDE, "utf-8"),
        (b"\xff\xfe" + WIDE.encode("utf-16-le"), WIDE, "utf-16-le"),
        (b"\xfe\xff" + WIDE.encode("utf-16-be"), WIDE, "utf-16-be"),
        (WIDE.encode("utf-16-le"), WIDE, "utf-16-le"),
        (WIDE.encode("utf-16-be"), WIDE, "utf-16-be"),
        (WIDE.encode("utf-32"), WIDE, "utf-32-le"),
        (TEXT.encode("latin-1"), TEXT, "windows-1252"),
        ("“Smart” – 5 €\n".encode("cp1252"), "“Smart” – 5 €\n", "windows-1252"),
        (b"na\xefve\x81 caf\xe9 text\n", "naïve\x81 café text\n", "latin-1"),
        (b"Topic\na\n\x1a", "Topic\na\n", "utf-8"),
        (b"a", "a", "utf-8"),
    ],
)
def test_text_is_read_in_the_encoding_it_is_in(data: bytes, text: str, encoding: str) -> None:
    decoded = decode(data)
    assert (decoded.text, decoded.encoding) == (text, encoding)


@pytest.mark.parametrize("data", [b"", b" \r\n\t\n", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff\x00\n", b"\x1a"])
def test_an_empty_file_is_refused(data: bytes) -> None:
    assert refusal(data) == "The file is empty."


def test_a_file_of_eight_megabytes_is_read_and_a_byte_more_is_refused() -> None:
    assert len(decode(b"a" * MAX_BYTES).text) == MAX_BYTES
    assert refusal(b"a" * (MAX_BYTES + 1)) == "The file has 8.0 MB: up to 8 MB are taken."
    assert "20.0 MB" in refusal(b"\x00" * 20 * 1024**2)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (zipped("[Content_Types].xml", "xl/workbook.xml"), "ZIP archive or an Office document"),
        (zipped("[Content_Types].xml", "word/document.xml"), "ZIP archive or an Office document"),
        (zipped("items.csv"), "ZIP archive"),
        (zipped(), "ZIP archive"),
        (gzip.compress(b"Topic\na\n"), "gzip archive: unpack it first"),
        (bz2.compress(b"Topic\na\n"), "bzip2 archive"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "PNG image"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "JPEG image"),
        (b"%PDF-1.7\n1 0 obj", "PDF document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 100, "old Office file"),
        (b"{\\rtf1\\ansi Topic}", "RTF document"),
        (b"SQLite format 3\x00\x10\x00\x01\x01", "SQLite database"),
        (b"<!DOCTYPE html><html><body>Sign in", "HTML or XML"),
        (b'\xef\xbb\xbf<?xml version="1.0"?><rows/>', "HTML or XML"),
    ],
    ids=name_without_bytes,
)
def test_a_file_of_a_known_format_is_refused_by_its_name(data: bytes, what: str) -> None:
    assert what in refusal(data)


@pytest.mark.parametrize(
    "data",
    [
        random.Random(1).randbytes(5_000),
        bytes(byte or 1 for byte in random.Random(2).randbytes(5_000)),
        b"\x00" * 1_000,
        b"\x01\x02\x03\x04" * 100,
        b"Topic\n" + b"\x07\x08" * 50,
    ],
    ids=name_without_bytes,
)
def test_binary_data_is_refused(data: bytes) -> None:
    assert "binary data" in refusal(data) or "no text" in refusal(data)


def test_a_nul_inside_text_is_refused_with_its_line() -> None:
    assert "NUL character in line 2:" in refusal(b"Topic\nab\x00c\n")
    assert "NUL character in line 3002:" in refusal(b"Topic\n" + b"abc\n" * 3000 + b"ab\x00c\n")


def test_a_stray_control_character_is_no_reason_to_refuse_a_file() -> None:
    assert decode(b"Topic\nOne\x0btwo\x02three\n").text == "Topic\nOne\x0btwo\x02three\n"


def test_utf8_with_one_broken_character_is_refused_with_its_line_not_read_as_latin_1() -> None:
    assert "broken character in line 3:" in refusal("Topic\nÄpfel für Zoë, é\n".encode() + b"Stra\xdfe\n")


def test_a_cyrillic_file_in_an_old_encoding_is_refused_not_read_as_latin_letters() -> None:
    assert "encoding cannot be told" in refusal("Тема;Topic\nКак выбрать обувь для бега\n".encode("cp1251"))


def test_utf16_that_is_cut_off_is_refused() -> None:
    assert "damaged or cut off" in refusal(b"\xff\xfe" + WIDE.encode("utf-16-le")[:-1])
    assert "damaged or cut off" in refusal(b"\xef\xbb\xbfTopic\n\xe9\n")


@settings(deadline=None)
@given(st.binary(max_size=400) | st.text(max_size=200).map(lambda text: text.encode("utf-16-le", "surrogatepass")))
def test_any_bytes_are_text_or_refused(data: bytes) -> None:
    try:
        text = decode(data).text
    except InvalidInput:
        return
    assert text.strip()
    assert "\x00" not in text
