"""The page of selections: ideas side by side, one chosen for each article that waits. What may be chosen is said by
`jobs.selections` alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import ValidationError
from starlette.responses import HTMLResponse, Response

from jobs.callers.keys import Scope
from jobs.documents import BulkId, JobId, parse_id
from jobs.errors import Fault, InvalidInput
from jobs.storage.store import Document
from service.auth.caller import Caller
from service.auth.callers import Reader, Writer
from service.deps import Parts
from service.pages import html, polling
from service.pages.forms import form_of
from service.pages.open_selections import OWN, WAITING, Open, Typed, Wanted, open_selections
from service.pages.wording import about_of, plural
from service.rules.request_rules import choice_of
from service.schemas.pipeline_requests import JobSelect
from service.wire.faults import faults_of

POLL_SECONDS = 4
MOST_OPTIONS = 1_000
EDITED = "edited."
router = APIRouter(prefix="/selections", include_in_schema=False)


def _wanted(
    bulk_job_id: Annotated[str | None, Query(max_length=100)] = None,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
) -> Wanted:
    return Wanted(bulk_job_id or None, cursor or None)


Which = Annotated[Wanted, Depends(_wanted)]


@router.get("")
async def show_selections(caller: Reader, parts: Parts, wanted: Which) -> Response:
    return await _page(caller, parts, wanted)


@router.get("/live")
async def ask_again(
    caller: Reader, parts: Parts, wanted: Which, seen: Annotated[str, Query(max_length=20)] = ""
) -> Response:
    found = await open_selections(parts, caller.user, wanted, may_choose=_may_choose(caller))
    shown = found.parts()
    return polling.answer(seen, shown[WAITING], lambda: shown)


@router.post("/approve/{bulk_id}")
async def approve(bulk_id: str, request: Request, caller: Writer, parts: Parts, wanted: Which) -> Response:
    """What is recommended, for all jobs of a bulk that wait."""
    approved = await parts.selections.approve(caller.user, BulkId(parse_id(bulk_id, "bulk job")), str(caller.user))
    sentence = f"The recommended idea was taken for {plural(approved, 'article')}."
    return await _outcome(request, caller, parts, wanted, sentence)


@router.post("/{job_id}")
async def choose(job_id: str, request: Request, caller: Writer, parts: Parts, wanted: Which) -> Response:
    """An option by its number, or what somebody made of one."""
    form = await form_of(request)
    identity = JobId(parse_id(job_id, "job"))
    number = _number(form)
    try:
        body = JobSelect.model_validate(_edited(form) if "edit" in form else {"choice": number - 1})
    except ValidationError as error:
        faults = faults_of([{**item, "loc": ("body", *item["loc"])} for item in error.errors()])
        told = {fault.path.removeprefix(EDITED): fault.message for fault in faults}
        return await _once_more(request, caller, parts, wanted, Typed(str(identity), number, form, told))
    job = await parts.selections.choose(caller.user, identity, choice_of(body, str(caller.user)))
    sentence = f"“{_chosen(job)}” was chosen for “{about_of(job)}”."
    return await _outcome(request, caller, parts, wanted, sentence)


async def _outcome(request: Request, caller: Caller, parts: Parts, wanted: Wanted, sentence: str) -> Response:
    if not html.is_htmx(request):
        return html.outcome(request, sentence, wanted.url())
    found = await open_selections(parts, caller.user, wanted, may_choose=_may_choose(caller))
    return html.outcome(request, sentence, wanted.url(), _marked(found))


async def _once_more(request: Request, caller: Caller, parts: Parts, wanted: Wanted, typed: Typed) -> Response:
    if not html.is_htmx(request):
        return await _page(caller, parts, wanted, typed)
    found = await open_selections(parts, caller.user, wanted, may_choose=_may_choose(caller), typed=typed)
    return HTMLResponse(html.parts(_marked(found)), status_code=400, headers=html.HEADERS)


async def _page(caller: Caller, parts: Parts, wanted: Wanted, typed: Typed | None = None) -> Response:
    found = await open_selections(parts, caller.user, wanted, may_choose=_may_choose(caller), typed=typed)
    shown = found.parts()
    return html.page(
        "selections.html",
        caller,
        400 if typed else 200,
        here="/selections",
        found=found,
        shown=shown[WAITING],
        mark=polling.mark(shown[WAITING]),
        poll_url=wanted.url("/selections/live"),
        poll_seconds=POLL_SECONDS,
    )


def _marked(found: Open) -> dict[str, str]:
    shown = found.parts()
    return polling.with_mark(shown[WAITING], shown)


def _may_choose(caller: Caller) -> bool:
    return caller.scope is not Scope.READ


def _number(form: Mapping[str, str]) -> int:
    """Of an option, from 1. Raises `InvalidInput`."""
    said = form.get("choice", "")
    if not (said.isascii() and said.isdigit() and len(said) <= 6 and 1 <= int(said) <= MOST_OPTIONS):
        raise InvalidInput("Choose one of the ideas.", (Fault("choice", "must be the number of an idea"),))
    return int(said)


def _edited(form: Mapping[str, str]) -> dict[str, Any]:
    words = [word.strip() for word in form.get("keywords", "").split(",")]
    said: dict[str, Any] = {name: form[name] for name in OWN if name in form}
    return {"edited": said | ({"keywords": [word for word in words if word]} if any(words) else {})}


def _chosen(job: Document) -> str:
    chosen = job["selection"]["chosen"]
    idea = chosen["edited"] if chosen["edited"] is not None else job["selection"]["options"][chosen["choice"]]
    return about_of({"topic": idea.get("title") or f"Idea {(chosen['choice'] or 0) + 1}"})
