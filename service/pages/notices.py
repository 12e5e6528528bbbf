"""The page of notices: what has happened to one's bulks, as it happens; read by opening it, or by a button."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from jobs.errors import InvalidInput
from service.auth.callers import Reader, Writer
from service.auth.origin import OwnPages
from service.deps import Parts
from service.pages import html, polling
from service.pages.forms import form_of
from service.pages.notices_live import HERE, LIST, POLL, Listed, address, listed
from service.pages.rail import unread_parts
from service.pages.wording import plural
from service.rules.notice_list import mark_read, notice_state
from service.rules.request_rules import NOT_VALID
from service.schemas.notice_models import NoticesRead, NoticeState
from service.wire.faults import faults_of

router = APIRouter(prefix=HERE, include_in_schema=False)
Cursor = Annotated[str | None, Query(max_length=300)]


@router.get("")
async def show_notices(caller: Reader, parts: Parts, cursor: Cursor = None) -> Response:
    found = await listed(parts, caller.user, cursor or None, may_write=caller.may_write)
    shown = found.parts()
    return html.page(
        "notices.html", caller, here=HERE, list=shown[LIST], poll=shown[POLL], mark=polling.mark(found.state)
    )


@router.get("/live")
async def ask_again(
    caller: Reader, parts: Parts, cursor: Cursor = None, seen: Annotated[str, Query(max_length=20)] = ""
) -> Response:
    found = await listed(parts, caller.user, cursor or None, may_write=caller.may_write)
    return polling.answer(seen, found.state, lambda: _changed(found))


@router.post("/read")
async def read_notices(request: Request, caller: Writer, parts: Parts) -> Response:
    """One, or all that the list showed."""
    form = await form_of(request)
    cursor = form.get("cursor")
    done = await mark_read(parts, caller.user, _which(form))
    found = await listed(parts, caller.user, cursor, may_write=True)
    said = f"{plural(done.marked, 'notification')} marked as read." if done.marked else "It was read already."
    return html.outcome(request, said, address(cursor), polling.with_mark(found.state, _changed(found)))


@router.get("/{notice_id}")
async def open_notice(notice_id: str, request: Request, caller: Reader, parts: Parts) -> Response:
    """What it tells of; it is read by that, unless another site's page has led here: it is the one GET that changes
    anything. Repeated, as browsers may, it does nothing more."""
    notice = notice_state(await parts.notices.find(caller.user, notice_id))
    own_pages: OwnPages = request.app.state.own_pages
    if notice.read_at is None and caller.may_write and own_pages.sent(request):
        await mark_read(parts, caller.user, NoticesRead(ids=[notice.id]))
    return RedirectResponse(_told_of(notice), status_code=303, headers=html.HEADERS)


def _told_of(notice: NoticeState) -> str:
    if notice.schedule_id:
        return f"/schedules/{notice.schedule_id}"
    return f"/jobs/{notice.job_id}" if notice.job_id else f"/bulks/{notice.bulk_job_id}"


def _changed(found: Listed) -> dict[str, str]:
    return {**found.parts(), **unread_parts(found.unread)}


def _which(form: Mapping[str, str]) -> NoticesRead:
    """Raises `InvalidInput`."""
    named = {"ids": [form["id"]]} if "id" in form else {"up_to": form.get("up_to", "")}
    try:
        return NoticesRead.model_validate(named)
    except ValidationError as error:
        raise InvalidInput(
            NOT_VALID, faults_of([{**one, "loc": ("body", *one["loc"])} for one in error.errors()])
        ) from None
