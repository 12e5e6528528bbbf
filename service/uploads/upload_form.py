"""A form with a file, as the upload route takes it: its fields read and checked. What the file holds is not known here.

All of it stays in memory, nothing is written to a disk; `service/wire/body.py` has bounded it before.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from jobs.errors import Fault, InvalidInput
from service.refusals import BodyTooLarge
from service.rules.request_rules import NOT_VALID
from service.schemas.values import Mode
from service.wire.body import MAX_BODY_BYTES, MAX_FORM_BYTES, NOT_UTF8, UNREADABLE
from service.wire.json_body import check_storable, json_of

FIELDS = ("file", "mode", "columns", "settings", "sheet", "submit")
REQUIRED = ("file", "mode")
MOST_PARTS = 20
LONGEST_FIELD = 2**20
MODES = get_args(Mode.__value__)


@dataclass(frozen=True)
class UploadForm:
    data: bytes
    filename: str
    mode: str
    columns: Mapping[str, str]
    settings: Mapping[str, Any]
    sheet: str | None
    submit: bool


async def upload_form(request: Request) -> UploadForm:
    """Raises `InvalidInput` with a path for every fault, and `BodyTooLarge` for a file over 8 MB."""
    form = await _parsed(request)
    texts = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    faults = [*_faults_of_parts(form)]
    columns, wrong_columns = _object("columns", texts)
    settings, wrong_settings = _object("settings", texts)
    faults += wrong_columns + wrong_settings
    if "mode" in texts and texts["mode"] not in MODES:
        faults.append(Fault("mode", f"must be {', '.join(MODES[:-1])} or {MODES[-1]}"))
    if not all(isinstance(column, str) for column in columns.values()):
        faults.append(Fault("columns", "must name a column for each field, as text"))
    if texts.get("submit", "false") not in ("true", "false"):
        faults.append(Fault("submit", "must be true or false"))
    if faults:
        raise InvalidInput(NOT_VALID, tuple(faults))
    file = form["file"]
    assert isinstance(file, UploadFile)
    data = await file.read()
    if len(data) > MAX_BODY_BYTES:
        raise BodyTooLarge(MAX_BODY_BYTES // 2**20)
    return UploadForm(
        data=data,
        filename=file.filename or "",
        mode=texts["mode"],
        columns=columns,
        settings=settings,
        sheet=texts.get("sheet") or None,
        submit=texts.get("submit") == "true",
    )


class _InMemory(MultiPartParser):
    spool_max_size = MAX_FORM_BYTES + 1


async def _parsed(request: Request) -> FormData:
    if "content-type" not in request.headers:  # only without any body: the guard has asked for it else
        return FormData()
    parser = _InMemory(
        request.headers, _stream(request), max_files=MOST_PARTS, max_fields=MOST_PARTS, max_part_size=LONGEST_FIELD
    )
    try:
        return await parser.parse()
    except MultiPartException as error:
        raise InvalidInput(UNREADABLE, (Fault("", error.message),)) from None
    except UnicodeError:
        raise InvalidInput(UNREADABLE, (Fault("", NOT_UTF8),)) from None


async def _stream(request: Request) -> AsyncGenerator[bytes, None]:
    async for chunk in request.stream():
        yield chunk


def _faults_of_parts(form: FormData) -> list[Fault]:
    faults = []
    given = [name for name, _ in form.multi_items()]
    for name in dict.fromkeys(given):
        values = form.getlist(name)
        if name not in FIELDS:
            faults.append(Fault(name[:100], "is not a field of this request"))
        elif len(values) > 1:
            faults.append(Fault(name, "must be given only once"))
        elif isinstance(values[0], str) == (name == "file"):
            faults.append(Fault(name, "must be a file, with a name" if name == "file" else "must be text, not a file"))
        elif isinstance(values[0], str) and "\0" in values[0]:
            faults.append(Fault(name, "must not hold a NUL character"))
    return faults + [Fault(name, "is required") for name in REQUIRED if name not in given]


def _object(name: Literal["columns", "settings"], texts: Mapping[str, str]) -> tuple[dict[str, Any], list[Fault]]:
    text = texts.get(name, "")
    if not text.strip():
        return {}, []
    try:
        value = json_of(text.encode("utf-8", "surrogatepass"))
        check_storable(value)
    except InvalidInput as error:
        why = error.faults[0]
        return {}, [Fault(".".join(filter(None, (name, why.path))), f"must be JSON: {why.message}")]
    return (value, []) if isinstance(value, dict) else ({}, [Fault(name, "must be a JSON object")])
