"""The service put together: routes, errors, authentication. The only place under `service/` that sees settings."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping, Sequence

import structlog
from fastapi import Depends, FastAPI, Request
from fastapi.routing import APIRoute
from pydantic.alias_generators import to_camel
from starlette.responses import Response

from jobs.errors import Fault
from jobs.settings import AuthMode, Settings, wrong_setting
from jobs.system import System
from outbound.allowed import Allowed, parse_allowed
from outbound.errors import AllowedMalformed
from outbound.system_resolver import SystemResolver
from service import problems
from service.answers import ErrorBody
from service.api import (
    assets,
    bulks,
    controls,
    events,
    jobs,
    notices,
    notifications,
    results,
    selections,
    system,
    targets,
    templates,
    uploads,
    webhooks,
)
from service.auth.callers import Authentication
from service.auth.keys import KeyAuthentication
from service.auth.off import LocalOnly, NoAuthentication, check_host
from service.body import BodyGuard
from service.bulk_rules import BulkRules
from service.json_response import JsonResponse
from service.live.broadcast import Broadcast
from service.live.pace import Rhythm
from service.live.streams import Patience
from service.notify_rules import NotifyRules
from service.pages import (
    bulk,
    bulk_controls,
    delivery,
    formats,
    formats_new,
    job,
    live,
    mail_settings,
    new,
    rail,
    sign_in,
    single,
    unsubscribe,
    webhook,
)
from service.pages import bulks as bulk_pages
from service.pages import notices as notice_pages
from service.pages import queue as queue_pages
from service.pages import selections as selection_pages
from service.pages import templates as template_pages
from service.pages import webhooks as webhook_pages
from service.pages.errors import error_page, wants_page
from service.pages.static import CompressedPages, Files
from service.url_check import UrlCheck

log = structlog.get_logger()
ERRORS: tuple[int | str, ...] = (400, 401, 403, 404, 405, 409, 413, 415, 429, 500, 503, "default")
"""What the OpenAPI document declares; without a default FastAPI adds a 422, which is never answered."""


def create_app(settings: Settings, parts: System) -> FastAPI:
    """Raises `WrongSettings` where authentication is off and the service could be reached from elsewhere, and for an
    exception from the guard that cannot be read."""
    app = FastAPI(
        title="Pressrun",
        version=importlib.metadata.version("pressrun"),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        default_response_class=JsonResponse,
        generate_unique_id_function=_operation_id,
        responses={code: {"model": ErrorBody} for code in ERRORS},
    )
    allowed = _allowed(settings)
    urls = UrlCheck(allowed, SystemResolver())
    app.state.system = parts
    app.state.authentication = _authentication(settings, parts)
    app.state.rules = BulkRules(
        min_items=settings.bulk.min_items,
        max_items=settings.bulk.max_items,
        defaults=settings.bulk_defaults,
        priority_changes=settings.queue.priority_changes == "on",
        endpoints=frozenset(settings.endpoints),
        components=settings.generator.components != "off",
        allowed=allowed,
        notify=NotifyRules(
            urls,
            domains=settings.mail.domains,
            any_address=settings.auth.mode is AuthMode.OFF,
            mails=settings.smtp.url is not None,
        ),
    )
    app.state.url_check = urls
    app.state.broadcast = Broadcast(parts, settings.stream.max_per_user, Rhythm())
    app.state.stream_patience = Patience()
    problems.install(app, _shown)
    for routes in (uploads, bulks, controls, results, events, jobs, selections, assets, targets, templates, system):
        app.include_router(routes.router)
    for routes in (webhooks, notifications, notices):
        app.include_router(routes.router)
    for pages in (sign_in, unsubscribe, rail):
        app.include_router(pages.router)
    railed = [Depends(rail.know_unread)]
    for pages in (bulk_pages, new, single, formats_new, formats, bulk, bulk_controls, job, live, mail_settings):
        app.include_router(pages.router, dependencies=railed)
    for pages in (queue_pages, selection_pages, template_pages, notice_pages, delivery, webhook_pages, webhook):
        app.include_router(pages.router, dependencies=railed)
    app.mount("/static", Files(), name="static")
    app.add_middleware(CompressedPages, minimum_size=1_000)
    app.add_middleware(BodyGuard, shown=_shown)
    if settings.auth.mode is AuthMode.OFF:
        check_host(settings.service.host)
        app.add_middleware(LocalOnly)
        log.warning("authentication_is_off", sentence="Anybody on this machine can use Pressrun: for development only.")
    return app


def _shown(request: Request, code: int, sentence: str, faults: Sequence[Fault], headers: Mapping[str, str]) -> Response:
    shown = error_page if wants_page(request) else problems.as_json
    return shown(request, code, sentence, faults, headers)


def _authentication(settings: Settings, parts: System) -> Authentication:
    match settings.auth.mode:
        case AuthMode.OFF:
            return NoAuthentication(settings.auth.admins)
        case AuthMode.KEYS:
            return KeyAuthentication(parts.keys, settings.auth.admins)


def _allowed(settings: Settings) -> Allowed:
    try:
        return parse_allowed(settings.outbound.allow)
    except AllowedMalformed as error:
        raise wrong_setting("OUTBOUND__ALLOW", str(error)) from None


def _operation_id(route: APIRoute) -> str:
    return to_camel(route.name)
