"""Files that are small and unpack to much, lie about it, or hold what no workbook may: all refused in time."""

from __future__ import annotations

import contextlib
import io
import random
import struct
import time
import tracemalloc
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.errors import InvalidInput
from service.uploads.intake.archive import MAX_ENTRIES, MAX_UNPACKED, Archive
from service.uploads.intake.items import read_items
from service.uploads.intake.package import MAX_CELLS, MAX_MARKS
from service.uploads.intake.workbook import read_sheet
from tests.support.workbooks import TOPICS, made_of, sheet_of, text_cell, with_sheet, workbook

TOO_MUCH = "The file unpacks to too much: up to 64 MB are taken."
DAMAGED = "The workbook is damaged, or not as Excel writes it: save it again, or as CSV."
ENTITIES = '<!DOCTYPE x [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {after} "{f"&{before};" * 10}">' for before, after in zip("abcdefghi", "bcdefghij", strict=True)
)
LAUGHS = f"{ENTITIES}]>"


def refusal(data: bytes) -> str:
    with pytest.raises(InvalidInput) as caught:
        read_items(data, filename="plan.xlsx", mode="topic")
    return str(caught.value)


def lying(data: bytes, name: str, says: int) -> bytes:
    """The archive with another unpacked size for one of its files, in both places where that is told."""
    changed = bytearray(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entry = archive.getinfo(name)
    struct.pack_into("<I", changed, entry.header_offset + 22, says)
    place = data.index(b"PK\x01\x02")
    while data[place + 46 : place + 46 + len(name)] != name.encode():
        place = data.index(b"PK\x01\x02", place + 4)
    struct.pack_into("<I", changed, place + 24, says)
    return bytes(changed)


def test_a_small_file_that_unpacks_to_a_hundred_megabytes_is_refused_before_it_is_unpacked() -> None:
    data = with_sheet(sheet_of(TOPICS, after=" " * 100 * 2**20))
    assert len(data) < 200_000
    tracemalloc.start()
    started = time.monotonic()
    assert refusal(data) == TOO_MUCH
    assert time.monotonic() - started < 2
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_an_archive_that_says_it_is_smaller_than_it_is_yields_no_more_than_it_says() -> None:
    sheet = sheet_of(TOPICS, after=" " * 60 * 2**20)
    data = lying(with_sheet(sheet), "xl/worksheets/sheet1.xml", 900)
    assert "damaged or cut off" in refusal(data)


def test_many_files_that_are_each_small_enough_are_refused_for_their_sum() -> None:
    one = random.Random(1).randbytes(2**14) * 128
    assert refusal(made_of({f"xl/media/{number}.bin": one for number in range(40)})) == TOO_MUCH


def test_what_is_really_unpacked_is_counted_whatever_was_declared() -> None:
    archive = Archive(made_of({"a.xml": random.Random(1).randbytes(2**20)}))
    for _ in range(MAX_UNPACKED // 2**20):
        archive.read("a.xml")
    with pytest.raises(InvalidInput, match="unpacks to too much"):
        archive.read("a.xml")


def test_one_file_that_shrinks_more_than_two_hundredfold_is_refused() -> None:
    assert refusal(made_of({"xl/media/a.bin": bytes(10 * 2**20)})) == TOO_MUCH


def test_an_archive_of_very_many_files_is_refused_before_they_are_listed() -> None:
    data = made_of({f"x/{number}": b"" for number in range(MAX_ENTRIES)}, zipfile.ZIP_STORED)
    assert refusal(data) == "The file is an archive of more than 2,000 files."


def test_files_that_overlap_in_their_archive_are_not_unpacked_twice() -> None:
    """As in D. Fifield's bomb: the directory names one packed text many times."""
    kernel = made_of({"xl/a.xml": " " * 200_000})
    with zipfile.ZipFile(io.BytesIO(kernel)) as archive:
        entry = archive.getinfo("xl/a.xml")
        directory = b""
        names = [f"xl/{number:06}.xml" for number in range(500)]
        for name in names:
            directory += struct.pack(
                "<4s4B4HL2L5H2L", b"PK\x01\x02", 20, 0, 20, 0, 0, 8, 0, 0, entry.CRC, entry.compress_size,
                entry.file_size, len(name), 0, 0, 0, 0, 0, entry.header_offset,
            ) + name.encode()  # fmt: skip
    body = kernel[: kernel.index(b"PK\x01\x02")]
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, len(names), len(names), len(directory), len(body), 0)
    assert refusal(body + directory + end) in (
        TOO_MUCH,
        "The file is damaged or cut off: its archive cannot be unpacked.",
    )


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA], ids=["bzip2", "lzma"])
def test_a_way_of_packing_that_no_workbook_has_is_refused_before_anything_is_unpacked(method: int) -> None:
    """What bzip2 unpacks comes in one piece, however much it is: two kilobytes took over two gigabytes."""
    sheet = sheet_of(TOPICS, after=" " * 30 * 2**20)
    data = lying(made_of({"xl/worksheets/sheet1.xml": sheet}, method), "xl/worksheets/sheet1.xml", 900)
    tracemalloc.start()
    assert refusal(data) == "The file is packed in a way that no workbook is: save it again, or as CSV."
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_a_row_beyond_the_last_of_any_sheet_is_refused_at_once() -> None:
    """Each row up to it would be looked at: for twenty seconds, while nobody else's file is read."""
    far = '<row r="99999999999"><c r="A1"><v>1</v></c></row>'
    started = time.monotonic()
    assert refusal(with_sheet(sheet_of(TOPICS + far))) == DAMAGED
    assert time.monotonic() - started < 10


def test_no_more_rows_are_kept_than_a_table_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row may be 200 cells wide for the one that it has: half a million of these take a gigabyte."""
    monkeypatch.setattr("service.uploads.intake.workbook.MAX_ROWS", 3)
    rows = [f'<row><c r="GR{number}"><v>{number}</v></c></row>' for number in range(1, 6)]
    assert len(read_sheet(with_sheet(sheet_of("".join(rows[:4]))), None).rows) == 4
    with pytest.raises(InvalidInput, match="more than 3 rows"):
        read_sheet(with_sheet(sheet_of("".join(rows))), None)


def test_an_archive_within_an_archive_is_never_opened() -> None:
    inner = with_sheet(sheet_of(TOPICS, after=" " * 100 * 2**20))
    assert "ZIP archive or an Office document, and no XLSX workbook" in refusal(_zipped({"a.xlsx": inner}))
    assert [row.cells for row in read_sheet(made_of({"xl/embeddings/a.xlsx": inner}), None).rows] == [
        ["Topic"],
        ["Tea"],
    ]


@pytest.mark.parametrize("part", ["[Content_Types].xml", "_rels/.rels", "xl/workbook.xml", "xl/worksheets/sheet1.xml"])
def test_a_billion_laughs_in_any_part_that_is_read_are_refused(part: str) -> None:
    if part == "[Content_Types].xml":  # it is never parsed
        assert read_sheet(made_of({part: LAUGHS + "<x>&j;</x>"}), None).rows
        return
    for encoding in ("utf-8", "utf-16"):
        xml = (LAUGHS + sheet_of('<row r="1">' + text_cell("A1", "&j;") + "</row>")).encode(encoding)
        assert "document types" in refusal(made_of({part: xml}))


@pytest.mark.parametrize("encoding", ["cp037", "utf-7", "utf-32", "iso-8859-1", "utf-16-le"])
def test_a_document_type_cannot_hide_in_another_encoding(encoding: str) -> None:
    declaration = f'<?xml version="1.0" encoding="{encoding}"?>'.encode()
    body = (LAUGHS + sheet_of('<row r="1">' + text_cell("A1", "&j;") + "</row>")).encode(encoding)
    for xml in (declaration + body, body):
        assert refusal(with_sheet(xml)) == DAMAGED or "document types" in refusal(with_sheet(xml))


def test_a_reference_to_a_file_of_the_machine_is_refused() -> None:
    outside = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    xml = outside + sheet_of('<row r="1">' + text_cell("A1", "&a;") + "</row>")
    assert "document types" in refusal(with_sheet(xml))


@pytest.mark.parametrize(
    "filler",
    ["<a/>", '<row><c t="s"><v>0</v></c></row>', "<x:c/>", "<row r='1'/>"],
    ids=["junk", "text", "cells", "rows"],
)
def test_more_tags_than_memory_is_for_are_refused(filler: str) -> None:
    count = MAX_CELLS + 1 if "<c" in filler else MAX_MARKS // (filler.count("<") + filler.count("=")) + 1
    data = made_of({"xl/worksheets/sheet1.xml": sheet_of(filler * count)}, zipfile.ZIP_STORED)
    with pytest.raises(InvalidInput, match="too many cells"):
        read_sheet(data, None)


def test_a_tag_of_very_many_attributes_is_refused() -> None:
    """expat takes a minute for a tag of four million."""
    many = " ".join(f'a{number:x}=""' for number in range(200_000))
    assert refusal(with_sheet(sheet_of(f"<row><c {many}/></row>"))) == DAMAGED


def test_merged_cells_that_span_the_same_rows_again_and_again_are_refused() -> None:
    merged = "<mergeCells>" + '<mergeCell ref="A1:A1048576"/>' * 1_000 + "</mergeCells>"
    rows = "".join(f'<row r="{number}"><c r="A{number}"><v>{number}</v></c></row>' for number in range(1, 1_000))
    assert "too many merged cells" in refusal(with_sheet(sheet_of(rows, after=merged)))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (
            lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"),
            "password",
        ),
        (
            lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
            "an old Office file (XLS, DOC): save it as XLSX or CSV",
        ),
        (lambda: made_of({"xl/vbaProject.bin": b"x"}), "an XLSM workbook with macros: save it as XLSX or CSV"),
        (lambda: _zipped({"xl/workbook.bin": b"x"}), "an XLSB workbook"),
        (lambda: _zipped({"mimetype": b"x", "content.xml": b"x"}), "an OpenDocument file (ODS)"),
        (lambda: _zipped({"Index/Document.iwa": b"x"}), "a Numbers document"),
        (lambda: _zipped({"word/document.xml": b"x"}), "no XLSX workbook"),
        (lambda: _zipped({}), "no XLSX workbook"),
        (lambda: made_of({"xl/workbook.xml": "<a/>"}), "no sheet with cells"),
        (lambda: made_of({"xl/workbook.xml": "<a"}), DAMAGED),
        (lambda: made_of({"xl/worksheets/sheet1.xml": "<a"}), DAMAGED),
        (lambda: made_of({"XL/WORKBOOK.XML": "<a/>"}), "several files have the same name"),
        (lambda: workbook(["Topic"], ["Tea"])[:-30], "damaged or cut off"),
        (lambda: workbook(["Topic"], ["Tea"])[:2_000], "damaged or cut off"),
        (lambda: b"PK\x03\x04" + b"x" * 100, "damaged or cut off"),
    ],
    ids=range(15),
)
def test_what_is_no_workbook_or_no_whole_one_is_named_in_a_sentence(data: object, sentence: str) -> None:
    assert callable(data)
    assert sentence in refusal(data())


def test_an_archive_with_a_password_is_refused() -> None:
    data = bytearray(with_sheet(sheet_of(TOPICS)))
    place = data.index(b"PK\x01\x02")
    data[place + 8] |= 1
    assert refusal(bytes(data)) == "The file is protected by a password: save it without one."


def test_a_sheet_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.uploads.intake.workbook.LONGEST_SECONDS", 0.0)
    assert "takes too long to read" in refusal(workbook(["Topic"], ["Tea"]))


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_workbook_with_any_bytes_changed_is_read_or_refused_as_invalid(data: st.DataObject) -> None:
    whole = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InvalidInput):
        read_items(bytes(whole), filename="plan.xlsx", mode="topic")


def _zipped(parts: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


WHOLE = made_of({}, zipfile.ZIP_STORED)
