"""What a page's form may say: its size, its text, one value a name. What a page wants of it is the page's affair."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from jobs.errors import Fault, InvalidInput
from service.wire.body import NOT_UTF8, UNREADABLE
from service.wire.json_body import why_no_text

MAX_FIELDS = 200
MAX_PART_BYTES = 8 * 2**20


async def form_of(request: Request, most_bytes: int = MAX_PART_BYTES) -> Mapping[str, str]:
    """Its fields, trimmed, empty ones left out. Raises `InvalidInput`, also for a field of more bytes; files are not
    taken."""
    texts, files = await form_with_files(request, most_bytes)
    if files:
        raise InvalidInput(UNREADABLE, (Fault(next(iter(files)), "no file is expected here"),))
    return texts


async def form_with_files(
    request: Request, most_bytes: int = MAX_PART_BYTES
) -> tuple[Mapping[str, str], Mapping[str, UploadFile]]:
    """And the files that were chosen, at most one."""
    try:
        form = await request.form(max_files=1, max_fields=MAX_FIELDS, max_part_size=most_bytes)
    except HTTPException as error:  # within an application Starlette answers itself
        raise InvalidInput(UNREADABLE, (Fault("", error.detail),)) from None
    except UnicodeError:
        raise InvalidInput(UNREADABLE, (Fault("", NOT_UTF8),)) from None
    texts: dict[str, str] = {}
    files: dict[str, UploadFile] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            if value.filename:
                files[name] = value
            continue
        if (why := why_no_text(value)) is not None:
            raise InvalidInput(UNREADABLE, (Fault(name[:80], why),))
        text = value.replace("\r\n", "\n").strip()
        if text:
            texts[name] = text
    return texts, files
