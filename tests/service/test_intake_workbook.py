"""What the cells of a workbook come to as text, in which rows, and of which sheet."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.errors import InvalidInput
from service.uploads.intake.items import look_through, read_items
from service.uploads.intake.workbook import Sheet, read_sheet
from tests.support.workbooks import (
    MAIN,
    OFFICE,
    ONE_SHEET,
    TOPICS,
    made_of,
    saved,
    sheet_of,
    text_cell,
    with_sheet,
    workbook,
)

STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"


def cells(data: bytes, sheet: str | None = None) -> list[tuple[int, list[str]]]:
    return [(row.line, row.cells) for row in read_sheet(data, sheet).rows]


def read(data: bytes, **options: Any) -> Any:
    return read_items(data, filename="plan.xlsx", mode="topic", **options)


def refusal(data: bytes, sheet: str | None = None) -> str:
    with pytest.raises(InvalidInput) as caught:
        read_sheet(data, sheet)
    return str(caught.value)


def test_a_sheet_becomes_items_as_the_same_table_in_csv_does() -> None:
    data = workbook(["Title", "Words", "Keywords", "Note"], ["Trail shoes", 1200, "run; trail", "x"], [], ["Boots"])
    result = read(data)
    assert result.items == [
        {"topic": "Trail shoes", "word_count": 1200, "keywords": ["run", "trail"]},
        {"topic": "Boots"},
    ]
    assert result.places == ["rows.2", "rows.4"]
    assert (result.source, result.encoding, result.ignored) == ("xlsx", None, ["Note"])
    text = read_items(
        b"Title,Words,Keywords,Note\nTrail shoes,1200,run; trail,x\n\nBoots,,,\n", filename="", mode="topic"
    )
    assert (text.items, text.places) == (result.items, result.places)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5, "5"),
        (5.0, "5"),
        (-3.0, "-3"),
        (0.1 + 0.2, "0.3"),
        (2.5, "2.5"),
        (1e20, "1e+20"),
        (123_456_789_012_345, "123456789012345"),
        (True, "TRUE"),
        (False, "FALSE"),
        (date(2026, 3, 1), "2026-03-01"),
        (datetime(2026, 3, 1), "2026-03-01"),
        (datetime(2026, 3, 1, 14, 30), "2026-03-01 14:30"),
        (datetime(2026, 3, 1, 14, 30, 5), "2026-03-01 14:30:05"),
        (time(9, 5), "09:05"),
        (timedelta(hours=30, minutes=5), "30:05:00"),
        ("  a\r\nb  ", "a\nb"),
        ("a_x000D_\nb", "a\nb"),
        ("_x0041_", "_x0041_"),
        ("'=1+1", "'=1+1"),
        ("00042", "00042"),
        ("𝄞 🎉 é ﷽", "𝄞 🎉 é ﷽"),
    ],
)
def test_a_cell_is_written_as_a_person_would(value: object, text: str) -> None:
    assert cells(workbook([value, "|"])) == [(1, [text, "|"])]


def test_a_date_is_one_by_its_format_and_counts_from_the_year_that_the_workbook_says() -> None:
    for epoch, day in ((openpyxl.utils.datetime.CALENDAR_WINDOWS_1900, "2026-03-01"), (None, "2026-03-01")):
        book = openpyxl.Workbook()
        book.epoch = epoch or openpyxl.utils.datetime.CALENDAR_MAC_1904
        book["Sheet"].append([date(2026, 3, 1), 46082])
        book["Sheet"]["A1"].number_format = "dd. mmmm yyyy"
        assert cells(saved(book)) == [(1, [day, "46082"])]


def test_a_formula_counts_as_the_value_it_had_last_and_is_never_computed() -> None:
    row = '<c r="A1"><f>1+1</f><v>7</v></c><c r="B1" t="str"><f>"a"</f><v>b</v></c><c r="C1"><f>2</f></c>'
    assert cells(with_sheet(sheet_of(f'<row r="1">{row}</row>'))) == [(1, ["7", "b"])]
    assert read(workbook(["Topic", "Tone"], ["Tea", "=HYPERLINK(1)"])).items == [{"topic": "Tea"}]


@pytest.mark.parametrize("text", ["=1+1", "+49 30", "-5", "@home", '=cmd|"/c calc"!A1'])
def test_text_that_looks_like_a_formula_stays_text(text: str) -> None:
    sheet = sheet_of('<row r="1">' + text_cell("A1", "Topic") + '</row><row r="2">' + text_cell("A2", text) + "</row>")
    assert read(with_sheet(sheet)).items == [{"topic": text}]


def test_the_error_of_a_formula_is_a_fault_where_its_column_is_read_and_nothing_elsewhere() -> None:
    rows = (
        '<row r="1">' + "".join(text_cell(place, name) for place, name in (("A1", "Topic"), ("B1", "Note"))) + "</row>"
    )
    rows += '<row r="2"><c r="A2" t="e"><v>#REF!</v></c></row><row r="3">' + text_cell("A3", "Tea")
    rows += '<c r="B3" t="e"><v>#N/A</v></c></row>'
    found = look_through(with_sheet(sheet_of(rows)), filename="", mode="topic")
    (fault,) = found.faults.told
    assert fault.path == "rows.2.topic"
    assert "'#REF!' is what a formula shows that has failed" in fault.message
    assert found.result.items == [{}, {"topic": "Tea"}]


def test_a_merged_cell_stands_for_the_rows_it_spans_that_have_cells_of_their_own() -> None:
    book = openpyxl.Workbook()
    for row in (["Topic", "Tone"], ["Tea", "warm"], ["Milk", None], [None, None], ["Soap", None], ["Salt", "dry"]):
        book["Sheet"].append(row)
    book["Sheet"].merge_cells("B2:B5")
    expected = [(1, ["Topic", "Tone"]), (2, ["Tea", "warm"]), (3, ["Milk", "warm"]), (5, ["Soap", "warm"])]
    assert cells(saved(book)) == [*expected, (6, ["Salt", "dry"])]


def test_rows_and_cells_without_a_number_follow_each_other_and_gaps_are_kept() -> None:
    rows = "<row><c><v>1</v></c><c/><c><v>3</v></c></row><row r='7'><c r='B7'><v>2</v></c><c><v>4</v></c></row>"
    assert cells(with_sheet(sheet_of(rows))) == [(1, ["1", "", "3"]), (7, ["", "2", "4"])]


def test_formatted_cells_without_values_are_no_rows_and_no_columns() -> None:
    rows = '<row r="1"><c r="A1"><v>1</v></c><c r="XFD1" s="0"/></row><row r="1048576"><c r="B1048576" s="0"/></row>'
    assert cells(with_sheet(sheet_of(rows))) == [(1, ["1"])]


def test_two_cells_in_the_farthest_corners_cost_nothing() -> None:
    rows = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
    sentence = "Row 1048576 has a value in column 16,384: up to 200 columns are taken."
    assert refusal(with_sheet(sheet_of(rows))) == sentence
    assert cells(with_sheet(sheet_of(rows.replace("XFD1048576", "GR1048576"))))[1][0] == 1_048_576


def test_what_a_sheet_says_of_its_own_size_is_not_believed() -> None:
    sheet = sheet_of(TOPICS).replace("<sheetData>", '<dimension ref="A1"/><sheetData>')
    assert cells(with_sheet(sheet)) == [(1, ["Topic"]), (2, ["Tea"])]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_xml_in_each_encoding_that_ooxml_allows_is_read(encoding: str) -> None:
    named = encoding.removesuffix("-sig")
    sheet = sheet_of(TOPICS.replace("Tea", "Thé"), before=f'<?xml version="1.0" encoding="{named}"?>\n')
    assert cells(with_sheet(sheet.encode(encoding)))[1] == (2, ["Thé"])


def test_a_workbook_of_the_strict_kind_is_read() -> None:
    assert cells(with_sheet(sheet_of(TOPICS, namespace=STRICT))) == [(1, ["Topic"]), (2, ["Tea"])]


def test_styles_that_no_program_would_write_do_not_matter() -> None:
    styles = f'<styleSheet xmlns="{MAIN}"><fills><fill><nonsense/></fill></fills><cellXfs><xf/></cellXfs></styleSheet>'
    relation = f'<Relationship Id="rId9" Type="{OFFICE}/styles" Target="/xl/styles.xml"/></Relationships>'
    listed = str(ONE_SHEET["xl/_rels/workbook.xml.rels"]).replace("</Relationships>", relation)
    data = made_of({"xl/styles.xml": styles, "xl/_rels/workbook.xml.rels": listed})
    assert cells(data)[1] == (2, ["Tea"])


def test_the_first_sheet_that_is_not_hidden_is_read_unless_one_is_named() -> None:
    book = openpyxl.Workbook()
    book["Sheet"].append(["Secret"])
    book["Sheet"].sheet_state = "hidden"
    book.create_sheet("Ideas").append(["Topic"])
    book.create_sheet("Größen").append(["Size"])
    book.create_chartsheet("Chart", 0)
    data = saved(book)
    assert read_sheet(data, None) == Sheet("Ideas", ("Sheet", "Größen"), read_sheet(data, "ideas").rows)
    assert cells(data, " größen ") == [(1, ["Size"])]
    assert cells(data, "Sheet") == [(1, ["Secret"])]
    assert refusal(data, "Other") == "There is no sheet 'Other'; the sheets are: 'Sheet', 'Ideas', 'Größen'."


def test_an_empty_sheet_is_refused_by_its_name_with_the_others() -> None:
    with pytest.raises(InvalidInput, match=r"The sheet 'Plan' is empty\. There are others: Ideas\."):
        read(workbook(name="Plan", Ideas=[["Topic"], ["Tea"]]))
    with pytest.raises(InvalidInput, match="a header and no rows"):
        read(workbook(["Topic"]))


def test_a_sheet_cannot_be_named_for_text() -> None:
    with pytest.raises(InvalidInput, match="for XLSX files alone"):
        read_items(b"Topic\na\n", filename="a.csv", mode="topic", sheet="Plan")


def test_too_many_columns_and_cells_beside_the_header_are_told() -> None:
    with pytest.raises(InvalidInput, match="Row 1 has a value in column 201: up to 200 columns are taken"):
        read(workbook([f"c{number}" for number in range(201)], ["x"]))
    found = look_through(workbook(["Topic"], ["Tea", None, "stray"]), filename="", mode="topic")
    assert [(fault.path, fault.message[:40]) for fault in found.faults.told] == [
        ("rows.2", "cell 3 is filled, but its column has no ")
    ]


TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=0, max_size=20
).filter(lambda text: "_x" not in text and not text.startswith("=") and not text.startswith("#"))
TABLES = st.lists(st.lists(TEXTS, min_size=3, max_size=3), min_size=1, max_size=5)


@given(TABLES)
@settings(max_examples=60, deadline=None)
def test_any_table_of_texts_comes_back_cell_by_cell(table: list[list[str]]) -> None:
    trimmed = [(number, [text.strip() for text in row]) for number, row in enumerate(table, 1)]
    expected = [(number, row) for number, row in trimmed if any(row)]
    found = [(number, row + [""] * (3 - len(row))) for number, row in cells(workbook(*table))]
    assert found == expected
