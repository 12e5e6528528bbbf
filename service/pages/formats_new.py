"""The page where formats of a source are asked for, and those that were of late."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from jobs.errors import InvalidInput, PressrunError, TooMany
from jobs.pipelines import FORMATS
from jobs.reading.lookup import BulkFilter
from service.auth.caller import Caller
from service.auth.callers import Writer
from service.deps import Parts, Rules
from service.pages import html
from service.pages.format_form import LEAD_TO, LEVELS, body_of, count, fields_of, rows
from service.pages.forms import form_of
from service.pages.keeping import NAME, keep, named, opened
from service.pages.marking import Filled, marked, of_field
from service.pages.offers import offers
from service.pages.request_form import OF_BULK
from service.pages.sending import NOT_NOW, new_key, note_refusal, once
from service.rendering.documents import bulk_job
from service.rules.bulk_rules import BulkRules
from service.rules.submission import body_read, bulk_wanted, tried
from service.schemas.answers import BulkValidated
from service.wire.problems import STATUS, retry_after

HERE = "/formats/new"
RECENT = 10
Id = Annotated[str | None, Query(max_length=24)]
router = APIRouter(include_in_schema=False)


@router.get(HERE)
async def show_new_formats(
    caller: Writer, parts: Parts, rules: Rules, template: Id = None, bulk: Id = None
) -> Response:
    """Empty; or filled from a template, or as formats were submitted."""
    of = await opened(parts, caller.user, named(template, bulk))
    form = fields_of(of.body) if of else {}
    form |= {"template": of.id, NAME: of.name} if of and of.kind == "template" else {}
    return await FormatsPage(caller, parts, rules).shown(Filled(form))


@router.post(HERE)
async def send_formats(request: Request, caller: Writer, parts: Parts, rules: Rules) -> Response:
    """Looks through what is asked for; or keeps it; or submits it, once however often it is sent."""
    form = await form_of(request)
    page = FormatsPage(caller, parts, rules)
    body = body_of(form)
    try:
        match form.get("do"):
            case "submit":
                asked = body_read(body)
                wanted = await bulk_wanted(asked, caller, parts, rules)
                created = await parts.creation.create(caller.user, wanted, once(form, asked))
                return RedirectResponse(f"/formats/{created.bulk_id}", 303, html.HEADERS)
            case "save":
                kept = await keep(parts, caller.user, form, body)
                return await page.shown(Filled(form, kept.wrong) if kept.wrong else Filled(form), done=kept.done)
            case _:
                pass
    except InvalidInput:
        pass  # told below, as where it is only looked through
    except (*NOT_NOW, TooMany) as error:
        note_refusal(request, error)
        return await page.shown(Filled(form), refused=error)
    found = await tried(body, caller, parts, rules)
    wrong = marked(of_field(error.path, error.message) for error in found.errors)
    return await page.shown(Filled(form, wrong), found)


class FormatsPage:
    def __init__(self, caller: Caller, parts: Parts, rules: BulkRules) -> None:
        self._caller = caller
        self._parts = parts
        self._rules = rules

    async def shown(
        self,
        f: Filled,
        found: BulkValidated | None = None,
        *,
        done: str | None = None,
        refused: PressrunError | None = None,
    ) -> Response:
        """`done` and `refused` are told above the form."""
        owner = self._caller.user
        recent = await self._parts.lookup.bulks(owner, BulkFilter(pipeline=FORMATS.name), RECENT)
        code = STATUS[type(refused)] if refused else 400 if f.wrong.listed else 200
        page = html.page(
            "formats_new.html",
            self._caller,
            code,
            here=HERE,
            f=f,
            offers=await offers(owner, self._parts, self._rules),
            key=f.value("key") or new_key(),
            done=done,
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
        page.headers.update(retry_after(refused) if refused else {})
        return page
