"""The buttons of a bulk's page: pause, resume, cancel, retry, submit again, remove, and the form that changes it.

Each does what the API's route of that name does, and answers with a sentence and the changed parts of the page.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from jobs.clock import Clock
from jobs.controls import Pause, PauseMode
from jobs.documents import BulkId, parse_id
from jobs.errors import Fault, InvalidInput
from jobs.storage.store import Document
from jobs.system import System
from service.auth.caller import Caller
from service.auth.callers import Writer
from service.deps import Parts, Rules
from service.pages import bulk_parts, html
from service.pages.bulk import bulk_page
from service.pages.bulk_parts import Look
from service.pages.bulk_settings import at_fields, change_wanted
from service.pages.forms import form_of
from service.pages.sending import once
from service.pages.wording import plural
from service.rendering.documents import bulk_job
from service.rules.looking import bulk_told, progress_of
from service.rules.request_rules import check_until
from service.rules.resubmission import again
from service.rules.submission import changes_wanted
from service.schemas.requests import BulkPause
from service.wire.faults import faults_of

MOST_MINUTES = 30 * 24 * 60
router = APIRouter(prefix="/bulks/{bulk_id}", include_in_schema=False)


@router.post("/pause")
async def pause(bulk_id: str, caller: Writer, parts: Parts, request: Request) -> Response:
    wanted = _pause(await form_of(request), parts.clock)
    until = check_until(wanted.until, parts.clock.now())
    answer = await parts.controls.pause(
        caller.user, _id(bulk_id), Pause(wanted.mode, wanted.reason, until, by=str(caller.user))
    )
    said = _paused(len(answer.running), wanted.mode)
    return await _outcome(request, caller, parts, answer.bulk, said)


@router.post("/resume")
async def resume(bulk_id: str, caller: Writer, parts: Parts, request: Request) -> Response:
    answer = await parts.controls.resume(caller.user, _id(bulk_id))
    return await _outcome(request, caller, parts, answer.bulk, "Resumed.")


@router.post("/cancel")
async def cancel(bulk_id: str, caller: Writer, parts: Parts, request: Request) -> Response:
    answer = await parts.controls.cancel(caller.user, _id(bulk_id))
    stopped = f" {plural(len(answer.running), 'running article')} will be stopped." if answer.running else ""
    return await _outcome(request, caller, parts, answer.bulk, f"Cancelled.{stopped}")


@router.post("/retry")
async def retry(bulk_id: str, caller: Writer, parts: Parts, request: Request) -> Response:
    bulk, retried = await parts.controls.retry(caller.user, _id(bulk_id))
    said = f"{plural(retried, 'failed article')} sent back to the queue." if retried else "Nothing has failed."
    return await _outcome(request, caller, parts, bulk, said)


@router.post("/remove")
async def remove(bulk_id: str, caller: Writer, parts: Parts, request: Request) -> Response:
    await parts.deletion.delete(caller.user, _id(bulk_id))
    return html.elsewhere(request, "/")


@router.post("/again")
async def submit_again(bulk_id: str, caller: Writer, parts: Parts, rules: Rules, request: Request) -> Response:
    """A new bulk of the same articles and settings, once however often the page is sent."""
    form = await form_of(request)
    asked, wanted = await again(await parts.lookup.bulk(caller.user, _id(bulk_id)), caller, parts, rules)
    created = await parts.creation.create(caller.user, wanted, once(form, asked))
    return RedirectResponse(f"/bulks/{created.bulk_id}", status_code=303, headers=html.HEADERS)


@router.post("/settings")
async def change(bulk_id: str, caller: Writer, parts: Parts, rules: Rules, request: Request) -> Response:
    """What was typed is kept where it cannot be taken."""
    bulk = await parts.lookup.bulk(caller.user, _id(bulk_id))
    form = await form_of(request)
    try:
        wanted = change_wanted(form, bulk_job(bulk))
        if wanted is not None:
            await parts.controls.change(caller.user, _id(bulk_id), await changes_wanted(wanted, caller, rules))
    except InvalidInput as error:
        return await bulk_page(parts, caller, bulk, typed=form, faults=at_fields(error.faults))
    return RedirectResponse(f"/bulks/{bulk['_id']}", status_code=303, headers=html.HEADERS)


def _pause(form: Mapping[str, str], clock: Clock) -> BulkPause:
    """`for` is a number of minutes. Raises `InvalidInput`."""
    minutes = form.get("for")
    said = {name: form[name] for name in ("mode", "reason") if name in form}
    if minutes is not None:
        if not (minutes.isdecimal() and minutes.isascii() and 0 < int(minutes[:6]) <= MOST_MINUTES):
            raise InvalidInput("It cannot be paused for so long.", (Fault("for", "must be a number of minutes"),))
        said["until"] = (clock.now() + timedelta(minutes=int(minutes[:6]))).isoformat()
    try:
        return BulkPause.model_validate(said)
    except ValidationError as error:
        located = [{**found, "loc": ("form", *found["loc"])} for found in error.errors()]
        raise InvalidInput("It cannot be paused like that.", faults_of(located)) from None


def _paused(running: int, mode: PauseMode) -> str:
    if not running:
        return "Paused."
    fate = "stopped and put back" if mode is PauseMode.ABORT else "finished first"
    return f"Paused: {plural(running, 'article')} that had begun {'is' if running == 1 else 'are'} {fate}."


async def _outcome(request: Request, caller: Caller, parts: System, bulk: Document, said: str) -> Response:
    told, _ = await progress_of(parts, bulk)
    changed = bulk_parts.of_bulk(bulk_told(bulk, told), told, Look(caller.may_write))
    return html.outcome(request, said, f"/bulks/{bulk['_id']}", changed)


def _id(text: str) -> BulkId:
    return BulkId(parse_id(text, "bulk job"))
