"""The service put together: routes, errors, authentication. The only place under `service/` that sees settings."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping, Sequence
from functools import partial

import structlog
from fastapi import Depends, Request
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig
from pydantic.alias_generators import to_camel
from starlette.responses import Response
from starlette.types import ASGIApp

from jobs.callers.app_sessions import AppSessions
from jobs.configuration.access import AuthMode
from jobs.configuration.settings import Settings
from jobs.errors import Fault
from jobs.system import System
from jobs.tracing import Tracer, Untraced
from outbound.system_resolver import SystemResolver
from service.api import (
    assets,
    bulks,
    controls,
    events,
    jobs,
    keys,
    notices,
    notifications,
    results,
    schedules,
    selections,
    system,
    targets,
    templates,
    uploads,
    webhooks,
)
from service.auth.callers import AnyCredentials, Authentication, Credentials
from service.auth.cors import Cors
from service.auth.failed_tries import FailedTries
from service.auth.headers import SafeHeaders
from service.auth.keys import KeyCredentials, KeyUseNoted
from service.auth.off import LocalOnly, NoAuthentication, check_host
from service.auth.origin import OwnPages
from service.auth.proxies import TrustedProxies
from service.auth.session_setup import session_credentials
from service.auth.signed_in import SignedIn
from service.document import ERROR_RESPONSES, DocumentedApp
from service.live.broadcast import Broadcast
from service.live.events import BulkSubject, JobSubject, QueueSubject
from service.live.pace import Rhythm
from service.live.streams import Patience
from service.metrics import Counted, ServiceMetrics
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
    schedule,
    sign_in,
    single,
    unsubscribe,
    webhook,
)
from service.pages import bulks as bulk_pages
from service.pages import keys as key_pages
from service.pages import notices as notice_pages
from service.pages import queue as queue_pages
from service.pages import schedules as schedule_pages
from service.pages import selections as selection_pages
from service.pages import templates as template_pages
from service.pages import webhooks as webhook_pages
from service.pages.errors import error_page, wants_page
from service.pages.shown_once import ShownOnce
from service.pages.static import CompressedPages, Files
from service.rules.rule_setup import allowed_of, bulk_rules
from service.tracing import Traced
from service.url_check import UrlCheck
from service.wire import problems
from service.wire.body import BodyGuard
from service.wire.json_response import JsonResponse

log = structlog.get_logger()


class Service(DocumentedApp):
    """With what every answer is dressed in around all else: an error that nobody foresaw is answered outside
    of what `add_middleware` adds."""

    def build_middleware_stack(self) -> ASGIApp:
        dressed = SafeHeaders(Cors(super().build_middleware_stack(), self.state.origins))
        return Traced(Counted(dressed, self.state.metrics), self.state.tracer)


SUBJECTS = {"bulk": BulkSubject, "job": JobSubject, "queue": QueueSubject}
NO_SPANS: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}


def create_app(
    settings: Settings,
    parts: System,
    stored: AppSessions | None = None,
    *,
    metrics: ServiceMetrics | None = None,
    tracer: Tracer | None = None,
    telemetry: TelemetryConfig | None = None,
) -> Service:
    """`stored` are the sessions that the application keeps in its database; `telemetry`: FastAPI's spans of requests.

    Raises `WrongSettings` where authentication is off and the service could be reached from elsewhere, where sessions
    are to be taken and there is nothing to know them by, and for an exception from the guard that cannot be read.
    """
    app = Service(
        title="Pressrun",
        version=importlib.metadata.version("pressrun"),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        default_response_class=JsonResponse,
        generate_unique_id_function=_operation_id,
        responses=dict(ERROR_RESPONSES),
        telemetry=telemetry or NO_SPANS,
    )
    urls = UrlCheck(allowed_of(settings), SystemResolver())
    app.state.metrics = counts = metrics or ServiceMetrics()
    app.state.tracer = tracer or Untraced()
    app.state.system = parts
    app.state.origins = settings.auth.origins
    app.state.own_pages = OwnPages(settings.auth.origins)
    app.state.signed_in = SignedIn(parts.keys, parts.clock, _secrets(settings), settings.auth.admins)
    app.state.failed_tries = FailedTries()
    app.state.shown_once = ShownOnce(parts.clock, _secrets(settings))
    app.state.authentication = _authentication(settings, parts, stored, app.state.signed_in)
    app.state.rules = bulk_rules(settings, urls)
    app.state.url_check = urls
    app.state.broadcast = broadcast = Broadcast(parts, settings.stream.max_per_user, Rhythm())
    for name, kind in SUBJECTS.items():
        counts.watch_streams(name, partial(broadcast.count_of, kind))
    app.state.stream_patience = Patience()
    problems.install(app, _shown, counts.refused)
    for routes in (uploads, bulks, controls, results, events, jobs, selections, assets, targets, templates, system):
        app.include_router(routes.router)
    for routes in (schedules, webhooks, notifications, notices, keys):
        app.include_router(routes.router)
    for pages in (sign_in, unsubscribe, rail):
        app.include_router(pages.router)
    railed = [Depends(rail.know_unread)]
    for pages in (bulk_pages, new, single, formats_new, formats, bulk, bulk_controls, job, live, mail_settings):
        app.include_router(pages.router, dependencies=railed)
    for pages in (queue_pages, selection_pages, template_pages, notice_pages, delivery, webhook_pages, webhook):
        app.include_router(pages.router, dependencies=railed)
    for pages in (schedule_pages, schedule, key_pages):
        app.include_router(pages.router, dependencies=railed)
    app.mount("/static", Files(), name="static")
    app.add_middleware(CompressedPages, minimum_size=1_000)
    app.add_middleware(BodyGuard, admit=app.state.authentication.caller, shown=_shown)
    app.add_middleware(KeyUseNoted, keys=parts.keys)
    if settings.service.trusted_proxies:
        app.add_middleware(TrustedProxies, networks=settings.service.trusted_proxies)
    if settings.auth.mode is AuthMode.OFF:
        check_host(settings.service.host)
        app.add_middleware(LocalOnly)
        log.warning("authentication_is_off", sentence="Anybody on this machine can use Pressrun: for development only.")
    return app


def _shown(request: Request, code: int, sentence: str, faults: Sequence[Fault], headers: Mapping[str, str]) -> Response:
    shown = error_page if wants_page(request) else problems.as_json
    return shown(request, code, sentence, faults, headers)


def _secrets(settings: Settings) -> list[str]:
    return [secret.get_secret_value() for secret in settings.auth.secrets]


def _authentication(
    settings: Settings, parts: System, stored: AppSessions | None, signed_in: SignedIn
) -> Authentication:
    auth = settings.auth
    if auth.mode is AuthMode.OFF:
        return NoAuthentication(auth.admins)
    ways: list[Credentials] = [KeyCredentials(parts.keys, auth.admins)]
    if auth.mode is AuthMode.SESSIONS:
        ways.append(session_credentials(auth, parts.clock, stored))
    return AnyCredentials([*ways, signed_in])


def _operation_id(route: APIRoute) -> str:
    return to_camel(route.name)
