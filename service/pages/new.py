"""The page where a bulk is put together: articles from pasted lines, a file or a template, looked at before they are
submitted, or kept as a template."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from jobs.errors import PressrunError, TooMany
from jobs.pipelines import FORMATS
from service.auth.caller import Caller
from service.auth.callers import Writer
from service.deps import Parts, Rules
from service.pages import html
from service.pages.drafts import Draft, Found, asked_for, draft_of, looked_through
from service.pages.forms import form_with_files
from service.pages.keeping import Opened, keep, listing, named, opened
from service.pages.marking import Filled
from service.pages.new_shown import prefilled, shown_of, way_of
from service.pages.offers import offers
from service.pages.sending import NOT_NOW, note_refusal, once
from service.rules.bulk_rules import BulkRules
from service.wire.problems import STATUS, retry_after

HERE = "/bulks/new"
LISTED = 50
router = APIRouter(include_in_schema=False)
Id = Annotated[str | None, Query(max_length=24)]
Way = Annotated[str, Query(alias="from", max_length=20)]


@router.get(HERE)
async def show_new(
    caller: Writer, parts: Parts, rules: Rules, way: Way = "", template: Id = None, bulk: Id = None
) -> Response:
    """Empty; or filled from a template, or as a bulk was submitted."""
    page = NewPage(caller, parts, rules)
    of = await opened(parts, caller.user, named(template, bulk))
    if of is None:
        return await page.shown(Filled({"from": way}))
    if of.is_of_formats:
        return RedirectResponse(f"/formats/new?{of.query}", 303, html.HEADERS)
    form = prefilled(of, way)
    return await page.shown(Filled(form), await draft_of(form, None, of.items, parts), of=of)


@router.post(HERE)
async def send_new(request: Request, caller: Writer, parts: Parts, rules: Rules) -> Response:
    """Looks through what was put together; or keeps it; or submits it, once however often it is sent."""
    form, files = await form_with_files(request)
    page = NewPage(caller, parts, rules)
    of = await opened(parts, caller.user, form)
    draft = await draft_of(form, files.get("file"), of.items if of else (), parts)
    match form.get("do"):
        case "submit":
            asked = await asked_for(draft, caller, parts, rules)
            if asked is not None:
                body, wanted = asked
                try:
                    created = await parts.creation.create(caller.user, wanted, once(form, body))
                except NOT_NOW as error:
                    note_refusal(request, error)
                    return await page.shown(Filled(form), draft, of=of, refused=error)
                return RedirectResponse(f"/bulks/{created.bulk_id}", 303, html.HEADERS)
        case "save" if not draft.has_unread_file:
            try:
                kept = await keep(parts, caller.user, form, draft.body)
            except TooMany as error:
                return await page.shown(Filled(form), draft, of=of, refused=error)
            f = Filled(form, kept.wrong) if kept.wrong else Filled(form)
            return await page.shown(f, draft, of=of, done=kept.done)
        case _:
            pass
    found = await looked_through(draft, caller, parts, rules)
    return await page.shown(Filled(form, found.wrong), draft, found, of=of)


class NewPage:
    def __init__(self, caller: Caller, parts: Parts, rules: BulkRules) -> None:
        self._caller = caller
        self._parts = parts
        self._rules = rules

    async def shown(
        self,
        f: Filled,
        draft: Draft | None = None,
        found: Found | None = None,
        *,
        of: Opened | None = None,
        done: str | None = None,
        refused: PressrunError | None = None,
    ) -> Response:
        """`done` and `refused` are told above the form."""
        owner = self._caller.user
        code = STATUS[type(refused)] if refused else 400 if f.wrong.listed else 200
        may_choose = way_of(f) == "template" and of is None
        templates = (await listing(self._parts, owner, LISTED)).templates if may_choose else ()
        page = html.page(
            "new.html",
            self._caller,
            code,
            f=f,
            offers=await offers(owner, self._parts, self._rules),
            done=done,
            sentence=str(refused) if refused else None,
            opened=of,
            templates=[each for each in templates if each.pipeline != FORMATS.name],
            **shown_of(f, draft, found),
        )
        page.headers.update(retry_after(refused) if refused else {})
        return page
