"""The page where formats of a source are asked for, and those that were of late."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from jobs.errors import InvalidInput, PressrunError, QuotaReached, StoreFull
from jobs.lookup import BulkFilter
from jobs.pipelines import FORMATS
from jobs.system import System
from service.answers import BulkValidated
from service.auth.callers import Caller, Writer
from service.bulk_rules import BulkRules
from service.deps import Parts, Rules
from service.pages import html
from service.pages.format_form import LEAD_TO, LEVELS, body_of, count, rows
from service.pages.forms import form_of
from service.pages.marking import Filled, marked, of_field
from service.pages.offers import offers
from service.pages.request_form import OF_BULK
from service.pages.sending import new_key, once
from service.problems import STATUS
from service.rendering import bulk_job
from service.submission import body_read, bulk_wanted, tried

HERE = "/formats/new"
RECENT = 10
router = APIRouter(include_in_schema=False)


@router.get(HERE)
async def show_new_formats(caller: Writer, parts: Parts, rules: Rules) -> Response:
    return await _page(caller, Filled(), parts, rules)


@router.post(HERE)
async def send_formats(request: Request, caller: Writer, parts: Parts, rules: Rules) -> Response:
    """Looks through what is asked for; or submits it, once however often it is sent."""
    form = await form_of(request)
    body = body_of(form)
    if form.get("do") == "submit":
        try:
            asked = body_read(body)
            wanted = await bulk_wanted(asked, caller.user, parts, rules)
            created = await parts.creation.create(caller.user, wanted, once(form, asked))
        except InvalidInput:
            pass  # told below, as where it is only looked through
        except (QuotaReached, StoreFull) as error:
            return await _page(caller, Filled(form), parts, rules, refused=error)
        else:
            return RedirectResponse(f"/formats/{created.bulk_id}", 303, html.HEADERS)
    found = await tried(body, caller.user, parts, rules)
    wrong = marked(of_field(error.path, error.message) for error in found.errors)
    return await _page(caller, Filled(form, wrong), parts, rules, found)


async def _page(
    caller: Caller,
    f: Filled,
    parts: System,
    rules: BulkRules,
    found: BulkValidated | None = None,
    refused: PressrunError | None = None,
) -> Response:
    recent = await parts.lookup.bulks(caller.user, BulkFilter(pipeline=FORMATS.name), RECENT)
    code = STATUS[type(refused)] if refused else 400 if f.wrong.listed else 200
    return html.page(
        "formats_new.html",
        caller,
        code,
        here=HERE,
        f=f,
        offers=await offers(caller.user, parts, rules),
        key=f.value("key") or new_key(),
        sentence=str(refused) if refused else None,
        rows=rows(f.values),
        levels=LEVELS,
        lead_to=LEAD_TO,
        checked=found is not None and found.valid,
        estimate=found.estimate if found else None,
        count=count(body_of(f.values)["templates"]),
        settings_open=any(name in f.values for name in OF_BULK if name != "name"),
        recent=[bulk_job(bulk) for bulk in recent.documents],
    )
