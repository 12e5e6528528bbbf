"""Makes a workbook of one sheet from parts that were checked: all that openpyxl gets to see. No cell is read here.

So it meets no fonts, names, links or drawings: it refuses a whole workbook for one that it does not expect.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from xml.etree.ElementTree import Element
from xml.sax.saxutils import quoteattr

from service.uploads.intake.package import NAMESPACE, SheetParts, named, parsed

MAX_FORMATS = 65_490
"""Excel's own limit for the formats of cells in a workbook."""

_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PARTS = (
    ("officeDocument", "workbook.xml", "sheet.main"),
    ("styles", "styles.xml", "styles"),
    ("sharedStrings", "sharedStrings.xml", "sharedStrings"),
    ("worksheet", "worksheets/sheet1.xml", "worksheet"),
)
_CONTENT_TYPES = "".join(
    f'<Override PartName="/xl/{path}" ContentType="{_KIND}.{kind}+xml"/>' for _, path, kind in _PARTS
)
_REFERENCES = "".join(
    f'<Relationship Id="r{number}" Type="{_OFFICE}/{kind}" Target="/xl/{path}"/>'
    for number, (kind, path, _) in enumerate(_PARTS)
)


def rebuilt(parts: SheetParts) -> bytes:
    """Its one sheet is the fourth part that it refers to."""
    made = io.BytesIO()
    first_day = ' date1904="1"' if parts.counts_from_1904 else ""
    with zipfile.ZipFile(made, "w") as package:
        package.writestr("[Content_Types].xml", f'<Types xmlns="{_PACKAGE}/content-types">{_CONTENT_TYPES}</Types>')
        package.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{_PACKAGE}/relationships">{_REFERENCES}</Relationships>',
        )
        package.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{NAMESPACE}" xmlns:r="{_OFFICE}"><workbookPr{first_day}/>'
            '<sheets><sheet name="Sheet" sheetId="1" r:id="r3"/></sheets></workbook>',
        )
        package.writestr("xl/styles.xml", _formats(parts.styles))
        package.writestr("xl/sharedStrings.xml", parts.strings or f'<sst xmlns="{NAMESPACE}"/>')
        package.writestr("xl/worksheets/sheet1.xml", parts.sheet)
    return made.getvalue()


def _formats(styles: bytes) -> str:
    """Of the styles only how numbers are shown: that tells a date from a number."""
    root = parsed(styles or b"<styleSheet/>")
    shown = [_element("numFmt", entry, "numFmtId", "formatCode") for entry in named(root, "numFmt")[:MAX_FORMATS]]
    used = [_element("xf", entry, "numFmtId") for group in named(root, "cellXfs")[:1] for entry in group[:MAX_FORMATS]]
    return f'<styleSheet xmlns="{NAMESPACE}">{_listed("numFmts", shown)}{_listed("cellXfs", used)}</styleSheet>'


def _element(name: str, entry: Element, *attributes: str) -> str:
    told = " ".join(f"{attribute}={quoteattr(entry.get(attribute, '0'))}" for attribute in attributes)
    return f"<{name} {told}/>"


def _listed(name: str, entries: Sequence[str]) -> str:
    return f'<{name} count="{len(entries)}">{"".join(entries)}</{name}>' if entries else ""
