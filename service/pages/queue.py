"""The page of the queue: what runs and what has ended, who works, what limits it. One's own; for admins, all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from jobs.documents import UserId
from jobs.errors import InvalidInput
from jobs.system import System
from service.auth.caller import Caller
from service.auth.callers import Admin, Reader
from service.deps import Parts
from service.live.events import QueueSubject
from service.live.streams import open_stream
from service.pages import html, polling
from service.pages.forms import form_of
from service.pages.queue_parts import QueueAsHtml, Surroundings, queue_parts, surrounding_parts
from service.rendering.documents import worker_state
from service.rules.looking import look_at_queue
from service.schemas.system_answers import LimitValues

POLL_SECONDS = 5
CHANGED = ("max_running", "parallel")
router = APIRouter(prefix="/queue", include_in_schema=False)


@router.get("")
async def show_queue(caller: Reader, parts: Parts) -> Response:
    return await _page(caller, parts)


@router.get("/stream")
async def stream_queue(caller: Reader, request: Request) -> Response:
    return await open_stream(request, caller, QueueSubject(_whose(caller)), QueueAsHtml())


@router.get("/around")
async def ask_again(caller: Reader, parts: Parts, seen: Annotated[str, Query(max_length=20)] = "") -> Response:
    around = await _surroundings(caller, parts)
    shown = surrounding_parts(around)
    return polling.answer(seen, "".join(shown.values()), lambda: shown)


@router.post("/limits")
async def change_limits(request: Request, caller: Admin, parts: Parts) -> Response:
    """Takes effect at the next claim. No text is no cap."""
    form = await form_of(request)
    try:
        await parts.limits.change({name: _number(form.get(name)) for name in CHANGED})
    except InvalidInput as error:
        faults = {fault.path: fault.message.replace("null for", "empty for") for fault in error.faults}
        return await _page(caller, parts, form, faults)
    return RedirectResponse("/queue#limits", status_code=303, headers=html.HEADERS)


async def _page(
    caller: Caller, parts: System, form: Mapping[str, str] | None = None, faults: Mapping[str, str] | None = None
) -> Response:
    """With `faults`, the form again as it was typed."""
    state, around = await asyncio.gather(look_at_queue(parts, _whose(caller)), _surroundings(caller, parts))
    shown = surrounding_parts(around)
    return html.page(
        "queue.html",
        caller,
        400 if faults else 200,
        here="/queue",
        live=queue_parts(state, parts.clock.now()),
        around=shown,
        mark=polling.mark("".join(shown.values())),
        poll_seconds=POLL_SECONDS,
        limits=await _limits(parts) if caller.is_admin else None,
        form=form,
        faults=faults or {},
    )


async def _surroundings(caller: Caller, parts: System) -> Surroundings:
    whose = _whose(caller)
    hour, day, generators, workers = await asyncio.gather(
        parts.throughput.last_hour(whose),
        parts.throughput.last_day(whose),
        parts.shares.generators(),
        parts.workers.alive(),
    )
    return Surroundings(
        hour=hour,
        day=day,
        generators=generators,
        has_worker=bool(workers),
        tenants=await parts.shares.tenants() if caller.is_admin else None,
        workers=[worker_state(worker) for worker in workers] if caller.is_admin else None,
    )


async def _limits(parts: System) -> LimitValues:
    return LimitValues(**asdict(await parts.limits.read()))


def _whose(caller: Caller) -> UserId | None:
    return None if caller.is_admin else caller.user


def _number(said: str | None) -> int | str | None:
    """A text that is no number is left to `jobs.capacity.limits` to refuse."""
    return int(said) if said is not None and said.isascii() and said.isdigit() and len(said) < 10 else said
