"""XLSX workbooks as files: written by openpyxl, and made part by part for what no program would write."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import openpyxl

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
ONE_SHEET: Mapping[str, str | bytes] = {
    "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"/>',
    "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">'
    '<sheets><sheet name="Plan" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}


def workbook(*rows: Sequence[Any], name: str = "Plan", **others: Sequence[Sequence[Any]]) -> bytes:
    """As openpyxl writes it: a sheet of these rows, then the others."""
    book = openpyxl.Workbook()
    assert book.active is not None
    book.remove(book.active)
    for title, table in {name: rows, **others}.items():
        sheet = book.create_sheet(title)
        for row in table:
            sheet.append(list(row))
    return saved(book)


def saved(book: Any) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def sheet_of(cells: str, *, namespace: str = MAIN, before: str = "", after: str = "") -> str:
    """The XML of a sheet; `cells` are its rows."""
    return f'{before}<worksheet xmlns="{namespace}"><sheetData>{cells}</sheetData>{after}</worksheet>'


def text_cell(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


TOPICS = '<row r="1">' + text_cell("A1", "Topic") + '</row><row r="2">' + text_cell("A2", "Tea") + "</row>"


def made_of(parts: Mapping[str, str | bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """These parts beside those that a workbook of one sheet has."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for path, content in {**ONE_SHEET, "xl/worksheets/sheet1.xml": sheet_of(TOPICS), **parts}.items():
            archive.writestr(path, content)
    return file.getvalue()


def with_sheet(sheet: str | bytes) -> bytes:
    return made_of({"xl/worksheets/sheet1.xml": sheet})
