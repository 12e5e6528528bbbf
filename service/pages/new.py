"""The page where a bulk is put together: articles from pasted lines or a file, looked at before they are submitted."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from jobs.errors import PressrunError, QuotaReached, StoreFull
from service.auth.callers import Caller, Writer
from service.deps import Parts, Rules
from service.pages import html
from service.pages.drafts import WAYS, Draft, Found, asked_for, draft_of, looked_through
from service.pages.forms import form_with_files
from service.pages.marking import Filled
from service.pages.offers import Offers, offers
from service.pages.request_form import OF_BULK
from service.pages.sending import new_key, once
from service.pages.upload import COLUMN, choices, preview, told
from service.pages.wording import plural
from service.problems import STATUS

HERE = "/bulks/new"
router = APIRouter(include_in_schema=False)
Way = Annotated[str, Query(alias="from", max_length=20)]


@router.get(HERE)
async def show_new(caller: Writer, parts: Parts, rules: Rules, way: Way = "lines") -> Response:
    there = await offers(caller.user, parts, rules)
    return _page(caller, Filled({"from": way}), there)


@router.post(HERE)
async def send_new(request: Request, caller: Writer, parts: Parts, rules: Rules) -> Response:
    """Looks through what was put together; or submits it, once however often it is sent."""
    form, files = await form_with_files(request)
    there = await offers(caller.user, parts, rules)
    draft = await draft_of(form, files.get("file"), (), parts)
    refused: PressrunError | None = None
    if form.get("do") == "submit":
        asked = await asked_for(draft, caller.user, parts, rules)
        if asked is not None:
            body, wanted = asked
            try:
                created = await parts.creation.create(caller.user, wanted, once(form, body))
            except (QuotaReached, StoreFull) as error:
                refused = error
            else:
                return RedirectResponse(f"/bulks/{created.bulk_id}", 303, html.HEADERS)
    found = await looked_through(draft, caller.user, parts, rules)
    return _page(caller, Filled(form, found.wrong), there, draft, found, refused)


def _page(
    caller: Caller,
    f: Filled,
    there: Offers,
    draft: Draft | None = None,
    found: Found | None = None,
    refused: PressrunError | None = None,
) -> Response:
    way = f.value("from") if f.value("from") in WAYS else WAYS[0]
    code = STATUS[type(refused)] if refused else 400 if f.wrong.listed else 200
    return html.page(
        "new.html",
        caller,
        code,
        f=f,
        offers=there,
        way=way,
        key=f.value("key") or new_key(),
        sentence=str(refused) if refused else None,
        checked=found is not None and refused is None and not f.wrong.listed,
        estimate=found.estimate if found else None,
        settings_open=any(name in f.values for name in OF_BULK if name != "name"),
        count=draft.count if draft else 0,
        opened=None,
        templates=[],
        **_of_file(f, draft),
    )


def _of_file(f: Filled, draft: Draft | None) -> dict[str, Any]:
    """What the page shows of a file that was read."""
    if draft is None or draft.upload is None or draft.chosen is None:
        return {"chosen": None, "preview": None}
    upload = draft.upload
    columns = choices(upload, f.values, draft.mode)
    return {
        "chosen": draft.chosen,
        "told": told(upload),
        "sheets": [(name, name) for name in (upload.sheet, *upload.other_sheets)],
        "columns": columns,
        "columns_named": plural(len(upload.columns), "column"),
        "columns_open": any(name.startswith(COLUMN) for name in f.faults),
        "preview": preview(upload.items, upload.places) if upload.items else None,
        "first_column": "Row" if upload.sheet else "Line",
    }
