"""The page of a job: what became of it, stage by stage, its article, and what can be done about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from jobs.documents import ITEM_FIELDS, BulkId, JobId, parse_id
from jobs.errors import NotFound
from jobs.states import JobStatus
from jobs.storage.store import Document
from jobs.system import System
from service.auth.caller import Caller
from service.auth.callers import Reader, Writer
from service.deps import Parts
from service.live.events import JobSubject
from service.live.positions import event_id
from service.pages import bulk_parts, html, job_parts
from service.pages.bulk_parts import Look
from service.pages.forms import form_of
from service.rendering import results
from service.rendering.documents import bulk_job, finished_job
from service.rules.looking import bulk_told, look_at_job, progress_of, rows_of
from service.schemas.job_answers import Job

router = APIRouter(prefix="/jobs/{job_id}", include_in_schema=False)


@router.get("")
async def show_job(job_id: str, caller: Reader, parts: Parts) -> Response:
    found = _id(job_id)
    as_of = event_id(JobSubject(caller.user, found), parts.clock.now())
    job = (await look_at_job(parts, caller.user, found)).job
    bulk = await parts.lookup.bulk(caller.user, BulkId(parse_id(job.bulk_job_id, "bulk job")))
    told = job_parts.of_job(job, Look(caller.may_write))
    return html.page("job.html", caller, job=job, bulk=bulk_job(bulk), told=told, given=_given(job), as_of=as_of)


@router.get("/preview")
async def preview(job_id: str, caller: Reader, parts: Parts, request: Request) -> Response:
    """The article by itself, to be put into another page."""
    if not html.is_htmx(request):
        return RedirectResponse(f"/jobs/{_id(job_id)}#article", status_code=303, headers=html.HEADERS)
    job = (await look_at_job(parts, caller.user, _id(job_id))).job
    return html.fragment(html.part("job_article.html", "preview", job, job_parts.article_of(job)))


@router.get("/raw")
async def raw(job_id: str, caller: Reader, parts: Parts, request: Request) -> Response:
    """What the generator gave, as it gave it."""
    if not html.is_htmx(request):
        return RedirectResponse(f"/jobs/{_id(job_id)}/article", status_code=303, headers=html.HEADERS)
    job = (await look_at_job(parts, caller.user, _id(job_id))).job
    return html.fragment(html.part("job_article.html", "raw", job, job_parts.article_of(job)))


@router.get("/article")
async def download(job_id: str, caller: Reader, parts: Parts) -> Response:
    """The article as a file. Raises `NotFound` where there is none yet."""
    job = finished_job(await parts.lookup.job(caller.user, _id(job_id)))
    article = results.article_of(job)
    if article is None:
        raise NotFound("article any more: it was removed" if job["result_dropped_at"] else "article yet")
    kept_as = {"Content-Disposition": f'attachment; filename="{results.name_of(job, article)}"'}
    return Response(article.data, media_type="text/plain; charset=utf-8", headers={**html.HEADERS, **kept_as})


@router.post("/retry")
async def retry(job_id: str, caller: Writer, parts: Parts, request: Request) -> Response:
    form = await form_of(request)
    job = await parts.controls.retry_job(caller.user, _id(job_id), form.get("from_stage"))
    said = f"Article {job['queue_position']} is sent back to the queue."
    return await _outcome(request, caller, parts, job, said, form.get("on"))


@router.post("/cancel")
async def cancel(job_id: str, caller: Writer, parts: Parts, request: Request) -> Response:
    form = await form_of(request)
    job = await parts.controls.cancel_job(caller.user, _id(job_id))
    fate = "is cancelled" if job["status"] == JobStatus.CANCELLED else "is being stopped"
    return await _outcome(request, caller, parts, job, f"Article {job['queue_position']} {fate}.", form.get("on"))


async def _outcome(
    request: Request, caller: Caller, parts: System, job: Document, said: str, shown_on: str | None
) -> Response:
    """`shown_on` is `bulk` where the button stands on the bulk's page."""
    look = Look(caller.may_write)
    if shown_on != "bulk":
        detail = await look_at_job(parts, caller.user, job["_id"])
        return html.outcome(request, said, f"/jobs/{job['_id']}", job_parts.of_job(detail.job, look))
    bulk = await parts.lookup.bulk(caller.user, job["bulk_job_id"])
    told, held_up = await progress_of(parts, bulk)
    (row,) = await rows_of(parts, bulk, held_up, [job])
    changed = {
        **bulk_parts.of_job(row, str(bulk["_id"]), look),
        **bulk_parts.of_bulk(bulk_told(bulk, told), told, look),
    }
    return html.outcome(request, said, f"/bulks/{bulk['_id']}#job-{job['_id']}", changed)


def _given(job: Job) -> Mapping[str, Any]:
    """What was asked for: the item's declared fields, and what it passes on."""
    said = dict(job)
    fields = {name: said[name] for name in ITEM_FIELDS if said.get(name) not in (None, "")}
    return {**fields, **job.params}


def _id(text: str) -> JobId:
    return JobId(parse_id(text, "job"))
