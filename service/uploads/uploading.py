"""A file of article requests from its bytes to what a preview shows, and to the body of a request for a bulk.

For the API and the pages alike. Nothing is stored here; how files are read is known in `service/intake` alone, what an
item may hold is judged by the rules of every other request (`service/rules/submission.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from jobs.documents import BulkRequest
from jobs.errors import Fault, InvalidInput
from jobs.system import System
from service.auth.caller import Caller
from service.refusals import NotReady
from service.rules.bulk_rules import BulkRules
from service.rules.request_rules import NOT_VALID
from service.rules.submission import body_read, bulk_wanted, tried
from service.schemas.answers import Forecast
from service.schemas.requests import BulkCreate
from service.uploads.intake.items import Found, Source, look_through
from service.wire.faults import MAX_FAULTS
from service.wire.json_body import check_storable

LONGEST_WAIT_SECONDS = 60.0
_READERS = ThreadPoolExecutor(max_workers=1, thread_name_prefix="upload")
"""One file at a time: reading keeps the interpreter from serving others, and a large workbook takes memory."""


@dataclass(frozen=True)
class FileFault:
    """What is wrong: where in the request (`items.3.topic`, `columns.topic`, or empty), in words, and in which line of
    the file, or row of the sheet, that is (None where it is in no single one)."""

    path: str
    message: str
    row: int | None = None


@dataclass(frozen=True)
class Upload:
    """A file that was read.

    `places[n]` is where item n stands: `rows.5` is line 5 of the file or row 5 of its sheet, `items.5` the sixth of a
    JSON list. `columns` is the column of each field, as named or guessed; `header` all columns, `unused` those that no
    field is read from: all three are empty for JSON. `sheet` and `other_sheets` are of workbooks. `faults` are those of
    the file itself; where there are some of `columns`, no item can be judged.
    """

    items: Sequence[Mapping[str, Any]]
    places: Sequence[str]
    source: Source
    encoding: str | None
    header: Sequence[str]
    columns: Mapping[str, str]
    unused: Sequence[str]
    sheet: str | None
    other_sheets: Sequence[str]
    faults: Sequence[FileFault]

    def row(self, number: int) -> int | None:
        """In which line of the file, or row of the sheet, that item stands; None in a JSON list."""
        return _row(self.places[number])


@dataclass(frozen=True)
class Judged:
    """`faults` of the file and of the request that is made of it; `estimate` only where there are none."""

    faults: Sequence[FileFault]
    estimate: Forecast | None


async def read_upload(
    data: bytes, *, filename: str, mode: str, columns: Mapping[str, str] | None = None, sheet: str | None = None
) -> Upload:
    """Read in a thread. Formulas count as the values they had last, and are never computed.

    Raises `InvalidInput` for a file that nothing can be read of, and `NotReady` while too many others are read.
    """

    def read() -> Found:
        return look_through(data, filename=filename, mode=mode, columns=columns, sheet=sheet)

    try:
        async with asyncio.timeout(LONGEST_WAIT_SECONDS):
            found = await asyncio.get_running_loop().run_in_executor(_READERS, read)
    except TimeoutError:
        raise NotReady("Too many files are being read just now: try again.") from None
    result = found.result
    return Upload(
        items=result.items,
        places=result.places,
        source=result.source,
        encoding=result.encoding,
        header=found.header,
        columns=result.mapping,
        unused=result.ignored,
        sheet=found.sheet,
        other_sheets=found.other_sheets,
        faults=_of_file(found.faults.told, result.places),
    )


def body_of(upload: Upload, mode: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a request for a bulk, not judged. Raises `InvalidInput` for settings that are given elsewhere."""
    faults = tuple(
        Fault(f"settings.{name}", f"must not stand among the settings: {why}")
        for name, why in (("items", "they come from the file"), ("mode", "it is a field of its own"))
        if name in settings
    )
    if faults:
        raise InvalidInput(NOT_VALID, faults)
    return {**settings, "mode": mode, "items": list(upload.items)}


async def judged(upload: Upload, body: Mapping[str, Any], caller: Caller, parts: System, rules: BulkRules) -> Judged:
    """By the rules of every request for a bulk; `body` is what `body_of` made of the upload."""
    if _has_no_columns(upload):
        return Judged(upload.faults, None)
    try:
        check_storable(body)
    except InvalidInput as error:
        return Judged([*upload.faults, *_of_request(error.faults, upload)], None)
    found = await tried(body, caller, parts, rules)
    told = _of_request([Fault(error.path, error.message) for error in found.errors], upload)
    known = {fault.path for fault in upload.faults}
    faults = [*upload.faults, *(fault for fault in told if fault.path not in known)]
    return Judged(faults[:MAX_FAULTS], None if faults else found.estimate)


async def wanted(
    upload: Upload, body: Mapping[str, Any], caller: Caller, parts: System, rules: BulkRules
) -> tuple[BulkCreate, BulkRequest]:
    """All of the file or nothing. Raises `InvalidInput`; each fault says in words where in the file it is."""
    if upload.faults:
        many = f"The file has {len(upload.faults)} faults." if len(upload.faults) > 1 else "The file has a fault."
        raise InvalidInput(many, tuple(_said(fault, upload) for fault in upload.faults))
    try:
        check_storable(body)
        asked = body_read(body)
        return asked, await bulk_wanted(asked, caller, parts, rules)
    except InvalidInput as error:
        faults = _of_request(error.faults, upload)
        raise InvalidInput(error.summary, tuple(_said(fault, upload) for fault in faults)) from None


def _has_no_columns(upload: Upload) -> bool:
    return any(fault.path.startswith("columns.") for fault in upload.faults)


def _of_file(faults: Iterable[Fault], places: Sequence[str]) -> list[FileFault]:
    """`rows.5.topic` of the file is `items.3.topic` of the request, where the row has become an item."""
    items = {place: number for number, place in enumerate(places)}
    told = []
    for fault in faults:
        place, rest = _split(fault.path)
        if place in items:
            told.append(FileFault(f"items.{items[place]}{rest}", fault.message, _row(place)))
        elif place.startswith("items."):
            told.append(FileFault("", f"entry {place.removeprefix('items.')} of the list, from 0: {fault.message}"))
        else:
            told.append(FileFault("" if place.startswith("rows.") else fault.path, fault.message, _row(place)))
    return told


def _of_request(faults: Iterable[Fault], upload: Upload) -> list[FileFault]:
    told = []
    for fault in faults:
        place, _ = _split(fault.path)
        number = place.removeprefix("items.")
        known = place.startswith("items.") and number.isdecimal() and int(number) < len(upload.places)
        told.append(FileFault(fault.path, fault.message, upload.row(int(number)) if known else None))
    return told


def _said(fault: FileFault, upload: Upload) -> Fault:
    if fault.row is None:
        return Fault(fault.path, fault.message)
    return Fault(fault.path, f"{'row' if upload.sheet is not None else 'line'} {fault.row}: {fault.message}")


def _split(path: str) -> tuple[str, str]:
    """`rows.5` and `.topic`, of `rows.5.topic`."""
    parts = path.split(".", 2)
    return ".".join(parts[:2]), f".{parts[2]}" if len(parts) > 2 else ""


def _row(place: str) -> int | None:
    return int(place.removeprefix("rows.")) if place.startswith("rows.") else None
