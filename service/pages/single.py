"""The page where a single article is asked for."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from jobs.errors import InvalidInput, PressrunError
from service.auth.caller import Caller
from service.auth.callers import Writer
from service.deps import Parts, Rules
from service.pages import html
from service.pages.forms import form_of
from service.pages.marking import Filled
from service.pages.offers import COMPONENTS, Offers, offers
from service.pages.sending import NOT_NOW, new_key, note_refusal, once
from service.pages.single_form import body_of, body_read, what_is_wrong
from service.rules.submission import job_wanted
from service.wire.problems import STATUS, retry_after

HERE = "/jobs/new"
router = APIRouter(include_in_schema=False)


@router.get(HERE)
async def show_single(caller: Writer, parts: Parts, rules: Rules) -> Response:
    return _page(caller, Filled(), await offers(caller.user, parts, rules))


@router.post(HERE)
async def send_single(request: Request, caller: Writer, parts: Parts, rules: Rules) -> Response:
    form = await form_of(request)
    there = await offers(caller.user, parts, rules)
    try:
        body = body_read(body_of(form, await parts.pipelines.all()))
        wanted = await job_wanted(body, caller, parts, rules)
        created = await parts.creation.create(caller.user, wanted, once(form, body))
    except InvalidInput as error:
        return _page(caller, Filled(form, what_is_wrong(error)), there)
    except NOT_NOW as error:
        note_refusal(request, error)
        return _page(caller, Filled(form), there, error)
    return RedirectResponse(f"/jobs/{created.job_ids[0]}", 303, html.HEADERS)


def _page(caller: Caller, f: Filled, there: Offers, refused: PressrunError | None = None) -> Response:
    code = STATUS[type(refused)] if refused else 400 if f.wrong.listed else 200
    sentence = str(refused) if refused else None
    page = html.page(
        "single.html",
        caller,
        code,
        here=HERE,
        f=f,
        offers=there,
        components=COMPONENTS,
        key=f.value("key") or new_key(),
        sentence=sentence,
    )
    page.headers.update(retry_after(refused) if refused else {})
    return page
