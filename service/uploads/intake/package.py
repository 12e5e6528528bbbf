"""Finds the parts of one sheet in a workbook's archive, and hands them on as XML that is safe to parse.

What a cell holds is not known here. Nothing is parsed before it was checked: a document type could define entities
that grow without end, and ECMA-376 part 2 (8.1.4) forbids it.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from xml.etree import ElementTree

from jobs.errors import InvalidInput
from service.uploads.intake.archive import Archive

MAX_MARKS = 4_000_000
"""Tags and attributes of all parts together: each costs memory beyond the bytes that it is written in."""

MAX_CELLS = 500_000
"""Of the sheet; and texts that cells refer to."""

MAX_INDEX = 1024 * 1024
NAMESPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
DAMAGED = "The workbook is damaged, or not as Excel writes it: save it again, or as CSV."
_STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
_DECLARATION = re.compile(rb"\s*<\?xml\b([^>]{0,200}?)\?>")
_CELL = re.compile(rb"<(?:[^\s<>/:]+:)?c[\s/>]")
_TEXT = re.compile(rb"<(?:[^\s<>/:]+:)?si[\s/>]")
_LONG_TAG = re.compile(rb"<[^<]{1000000}")
_ENCODING = re.compile(rb"""\bencoding\s*=\s*["']([\w.-]+)["']""")


@dataclass(frozen=True)
class SheetParts:
    """One sheet of a workbook, with what it needs of the rest: XML in UTF-8 without a declaration, `b""` where there
    is none. `others` are the sheets that were not taken."""

    name: str
    others: tuple[str, ...]
    sheet: bytes
    strings: bytes
    styles: bytes
    counts_from_1904: bool


def sheet_parts(archive: Archive, wanted: str | None) -> SheetParts:
    """The sheet of that name, else the first that is not hidden. Raises InvalidInput."""
    return _Package(archive).sheet(wanted)


def parsed(xml: bytes) -> ElementTree.Element:
    """Of a part that `sheet_parts` has given. Raises InvalidInput where it is no XML."""
    try:
        return ElementTree.fromstring(xml)  # noqa: S314 - no document type gets this far
    except ElementTree.ParseError:
        raise InvalidInput(DAMAGED) from None


def named(root: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    """The elements of that name, in whatever namespace."""
    return root.findall(f".//{{*}}{name}")


class _Package:
    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._marks = 0

    def sheet(self, wanted: str | None) -> SheetParts:
        workbook = self._related("", "officeDocument").get("officeDocument") or "xl/workbook.xml"
        root = self._index(workbook)
        parts = self._related(workbook, "sharedStrings", "styles", "worksheet")
        sheets = [
            (sheet.get("name", ""), sheet.get("state", "visible") == "visible", parts[place])
            for sheet in named(root, "sheet")
            for attribute, place in sheet.items()
            if attribute.endswith("}id") and place in parts
        ]
        name, path = _chosen(sheets, wanted)
        return SheetParts(
            name=name,
            others=tuple(other for other, _, _ in sheets if other != name),
            sheet=self._part(path),
            strings=self._part(parts["sharedStrings"]) if "sharedStrings" in parts else b"",
            styles=self._part(parts["styles"]) if "styles" in parts else b"",
            counts_from_1904=any(book.get("date1904") in ("1", "true") for book in named(root, "workbookPr")),
        )

    def _related(self, source: str, *kinds: str) -> dict[str, str]:
        """What a part refers to, by the id of the reference; but for sheets also by its kind."""
        folder, name = posixpath.split(source)
        path = posixpath.join(folder, "_rels", f"{name}.rels")
        found: dict[str, str] = {}
        for reference in named(self._index(path), "Relationship") if path in self._archive else []:
            kind = reference.get("Type", "").rpartition("/")[2]
            target = posixpath.normpath(posixpath.join("/", folder, reference.get("Target", ""))).lstrip("/")
            if kind == "worksheet" and kind in kinds:
                found[reference.get("Id", "")] = target
            elif kind in kinds and target in self._archive:
                found[kind] = target
        return found

    def _index(self, path: str) -> ElementTree.Element:
        xml = self._part(path)
        if len(xml) > MAX_INDEX:
            raise InvalidInput("The workbook has too many sheets, names or links: save the sheet as CSV.")
        return parsed(xml)

    def _part(self, path: str) -> bytes:
        xml = _in_utf8(self._archive.read(path))
        if b"<!DOCTYPE" in xml:
            raise InvalidInput("The workbook defines document types, which no workbook may: it was not read.")
        self._marks += xml.count(b"<") + xml.count(b"=")
        if self._marks > MAX_MARKS or _more_than(MAX_CELLS, _CELL, xml) or _more_than(MAX_CELLS, _TEXT, xml):
            raise InvalidInput("The sheet has too many cells to be read at once: send it in parts, or as CSV.")
        if _LONG_TAG.search(xml):
            raise InvalidInput(DAMAGED)
        return xml.replace(_STRICT.encode(), NAMESPACE.encode())


def _more_than(most: int, pattern: re.Pattern[bytes], xml: bytes) -> bool:
    return any(count >= most for count, _ in enumerate(pattern.finditer(xml)))


def _in_utf8(xml: bytes) -> bytes:
    """Without its declaration. OOXML is UTF-8 or UTF-16; what expat would also take could hide a document type."""
    try:
        if xml.startswith((b"\xff\xfe", b"\xfe\xff")):
            text = xml.decode("utf-16").encode()
            return _DECLARATION.sub(b"", text, count=1)
        text = xml.removeprefix(b"\xef\xbb\xbf")
        declaration = _DECLARATION.match(text)
        encoding = _ENCODING.search(declaration[1]) if declaration else None
        if encoding and encoding[1].lower() not in (b"utf-8", b"us-ascii"):
            raise InvalidInput(DAMAGED)
        text.decode()
    except UnicodeDecodeError:
        raise InvalidInput(DAMAGED) from None
    return text[declaration.end() :] if declaration else text


def _chosen(sheets: list[tuple[str, bool, str]], wanted: str | None) -> tuple[str, str]:
    if not sheets:
        raise InvalidInput("The workbook has no sheet with cells.")
    names = ", ".join(f"'{name}'" for name, _, _ in sheets[:20])
    if wanted is not None:
        for name, _, path in sheets:
            if name.casefold() == wanted.strip().casefold():
                return name, path
        raise InvalidInput(f"There is no sheet '{wanted[:60]}'; the sheets are: {names}.")
    for name, visible, path in sheets:
        if visible:
            return name, path
    raise InvalidInput(f"All sheets are hidden: say which one to read, of {names}.")
