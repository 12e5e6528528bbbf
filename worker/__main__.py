"""The worker put together from settings and a store. The only place under `worker/` that sees settings."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import random
import secrets
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import timedelta

import httpx2
import structlog

from jobs.configuration.settings import Settings, wrong_setting
from jobs.notification.addressed import Channel
from jobs.notification.mail_address import read_sender
from jobs.notification.mail_server import parse_mail_server
from jobs.notification.url_template import UrlTemplate
from jobs.pipelines import CONTENT, IMAGES
from jobs.scheduling.firing import Judge
from jobs.system import System
from jobs.tracing import Tracer, Untraced
from outbound.allowed import Allowed, parse_allowed
from outbound.client import Outbound
from outbound.errors import AllowedMalformed, UrlRefused
from outbound.urls import check_url
from worker.breaker import Breaker
from worker.contexts import Contexts
from worker.generator import GeneratorClient
from worker.http_contexts import Endpoint, HttpContext
from worker.keeper import Keeper
from worker.loop import Loop
from worker.metrics import Metrics
from worker.notify import mail_examples
from worker.notify.courier import Courier
from worker.notify.mail_rendering import MailTemplates
from worker.notify.mail_sender import MailSender
from worker.notify.mail_view import Links, template_of
from worker.notify.places import Places
from worker.notify.relaying import Relay
from worker.notify.sending import Sender
from worker.notify.smtp import MailRoute
from worker.notify.webhook import WebhookSender
from worker.outside import Outside
from worker.record import Workbench
from worker.registry import Kit, registered
from worker.runner import Runner
from worker.scheduler import Scheduler
from worker.shutdown import Shutdown
from worker.stages.writing import Components
from worker.text.template_files import TemplateFault
from worker.text.templates import Templates
from worker.tracing import traced
from worker.upkeep import Upkeep

log = structlog.get_logger()
CONNECT_SECONDS = 5.0
AT_ONCE = {Channel.WEBHOOK: 50, Channel.EMAIL: 8}
"""Deliveries. Each channel has a courier of its own: a mail server that hangs has all mail wait, and no webhook."""


def generator_http(settings: Settings, name: str = CONTENT) -> httpx2.AsyncClient:
    """The client of one generation endpoint: its URL, its credentials, its limits."""
    url, endpoint = settings.endpoints[name]
    seconds = endpoint.timeout_seconds
    at_once = settings.worker.slots * settings.generator.component_parallelism + 1
    return httpx2.AsyncClient(
        base_url=str(url).rstrip("/"),
        headers={name: value.get_secret_value() for name, value in endpoint.headers.items()},
        timeout=httpx2.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds)),
        # None is kept: what the endpoint closes just as a call is sent would cost the job a retry.
        limits=httpx2.Limits(max_connections=at_once, max_keepalive_connections=0),
        follow_redirects=False,
        trust_env=False,
    )


def kit_of(settings: Settings) -> Kit:
    """Raises `WrongSettings` where templates of the team's cannot be used, with the faults of all."""
    told = settings.generator
    components = Components(told.components != "off", told.components == "always", told.component_parallelism)
    try:
        templates = Templates(settings.templates)
        faults = templates.check()
    except TemplateFault as fault:
        faults = [fault]
    if faults:
        raise wrong_setting("TEMPLATES", *map(str, faults))
    return Kit(templates, components, has_images=IMAGES in settings.endpoints)


def outside_of(settings: Settings, system: System) -> Outside:
    """Raises `WrongSettings` for an exception from the guard that cannot be read, and for a context provider that the
    guard would always refuse."""
    allowed = _allowed(settings)
    outbound = Outbound(allowed)
    within = timedelta(seconds=settings.outbound.timeout_seconds)
    contexts = _contexts(settings, outbound, allowed)
    return Outside.over(outbound, system.targets, system.clock, within=within, contexts=contexts)


def senders_of(settings: Settings, system: System) -> Mapping[Channel, Sender]:
    """The channels of which this worker takes deliveries. Raises `WrongSettings` as `outside_of`."""
    links = Links(str(settings.public_url).rstrip("/") if settings.public_url is not None else None)
    outbound = Outbound(_allowed(settings))
    webhooks: Sender = WebhookSender(outbound, system.endpoints, system.clock, links.public_url)
    route = mail_route_of(settings)
    if route is None or settings.smtp.sender is None:
        return {Channel.WEBHOOK: webhooks}
    mail = MailSender(
        route,
        mail_templates_of(settings),
        system.mailboxes,
        system.clock,
        sender=read_sender(settings.smtp.sender),
        links=links,
    )
    return {Channel.WEBHOOK: webhooks, Channel.EMAIL: mail}


def mail_route_of(settings: Settings) -> MailRoute | None:
    """None where the settings name no mail server. Raises `WrongSettings` for certificates that cannot be read."""
    smtp = settings.smtp
    if smtp.url is None:
        return None
    try:
        tls = ssl.create_default_context(cafile=smtp.ca_file)
    except OSError as error:
        raise wrong_setting("SMTP__CA_FILE", f"cannot be read as certificates ({error.strerror or error})") from None
    starttls = {"auto": None, "required": True, "off": False}[smtp.starttls]
    return MailRoute(parse_mail_server(smtp.url.get_secret_value()), starttls, tls)


def mail_templates_of(settings: Settings) -> MailTemplates:
    """Raises `WrongSettings` where templates of the team's cannot be used, with the faults of all."""
    try:
        templates = MailTemplates(settings.mail.templates)
        faults = templates.check((template_of(kind), shown) for kind, shown in mail_examples.views(None).items())
    except TemplateFault as fault:
        faults = [fault]
    if faults:
        raise wrong_setting("MAIL__TEMPLATES", *map(str, faults))
    return templates


def _allowed(settings: Settings) -> Allowed:
    try:
        return parse_allowed(settings.outbound.allow)
    except AllowedMalformed as error:
        raise wrong_setting("OUTBOUND__ALLOW", str(error)) from None


def _contexts(settings: Settings, outbound: Outbound, allowed: Allowed) -> Contexts:
    contexts = Contexts()
    for number, provider in enumerate(settings.context.providers):
        url = UrlTemplate(provider.url)
        try:
            check_url(url.sample, allowed)
        except UrlRefused as refused:
            raise wrong_setting(f"CONTEXT__PROVIDERS__{number}__URL", str(refused)) from None
        endpoint = Endpoint(
            provider.name,
            url,
            {name: value.get_secret_value() for name, value in provider.headers.items()},
            timeout=timedelta(seconds=provider.timeout_seconds),
            keep=timedelta(seconds=provider.cache_seconds),
            most_bytes=provider.most_bytes,
        )
        ask = HttpContext(outbound, endpoint).ask
        contexts.register(provider.name, ask, slot=provider.slot, timeout=None)
    return contexts


async def run_worker(
    settings: Settings,
    system: System,
    shutdown: Shutdown,
    on_started: Callable[[], None] = lambda: None,
    judge: Judge | None = None,
    metrics: Metrics | None = None,
    tracer: Tracer | None = None,
) -> None:
    """Work until `shutdown` is asked for; what runs then ends or is handed back first. `on_started` is called when all
    that the settings name was found good. `judge` says what schedules submit; without one none is fired here."""
    metrics, tracer = metrics or Metrics(), tracer or Untraced()
    worker_id = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
    version = importlib.metadata.version("pressrun")
    keeper = Keeper(system.queue, lease=settings.lease, look_every=timedelta(seconds=settings.worker.poll_seconds))
    outside = outside_of(settings, system)
    pipelines = traced(registered(kit_of(settings), settings.pipelines, outside.contexts), tracer)
    async with AsyncExitStack() as open_clients:
        clients = {
            name: GeneratorClient(
                await open_clients.enter_async_context(generator_http(settings, name)),
                timedelta(seconds=endpoint.timeout_seconds),
            )
            for name, (_, endpoint) in settings.endpoints.items()
        }
        breaker = Breaker(system.generators, clients)
        bench = Workbench.over(system, clients, breaker, outside, shutdown.asked, metrics, tracer)
        loop = Loop(
            system.queue,
            Runner(system.queue, pipelines, bench, keeper, random.Random()),  # noqa: S311 - only spreads retries
            keeper,
            breaker,
            shutdown,
            worker_id=worker_id,
            slots=settings.worker.slots,
            poll=timedelta(seconds=settings.worker.poll_seconds),
            grace=timedelta(seconds=settings.worker.shutdown_grace_seconds),
            metrics=metrics,
            tracer=tracer,
        )
        metrics.watch_slots(settings.worker.slots, lambda: len(keeper.running))
        system.removal.watch(metrics.removed)
        couriers = [
            Courier(
                system.deliveries,
                {channel: sender},
                system.clock,
                shutdown,
                worker_id=worker_id,
                roll=random.random,
                places=Places(AT_ONCE[channel]),
                metrics=metrics,
                tracer=tracer,
            )
            for channel, sender in senders_of(settings, system).items()
        ]

        def wake_couriers() -> None:
            for courier in couriers:
                courier.wake()

        relay = Relay(system.outbox, wake_couriers)
        scheduler = (
            Scheduler(system.schedule_firing, judge, system.sweep.outage, metrics) if judge is not None else None
        )
        upkeep = Upkeep(
            system,
            keeper,
            worker_id=worker_id,
            slots=settings.worker.slots,
            version=version,
            lease=settings.lease,
            metrics=metrics,
            pipelines=[pipeline.spec for pipeline in pipelines.values()],
            wake_courier=wake_couriers,
            scheduler=scheduler,
            outdated=shutdown.ask,
        )
        timer = upkeep.schedule(timedelta(seconds=settings.worker.sweep_seconds))
        with structlog.contextvars.bound_contextvars(worker_id=worker_id):
            await upkeep.beat()
            # once more, now that a migration would see this worker
            await upkeep.measure_clock()
            await upkeep.sweep()
            timer.start()
            log.info("worker_started", slots=settings.worker.slots)
            on_started()
            try:
                async with asyncio.TaskGroup() as tasks:
                    keeping = tasks.create_task(keeper.run(), name="keeper")
                    relaying = tasks.create_task(relay.run(), name="relay")
                    # beside the jobs, not before them: after an outage many are due
                    firing = tasks.create_task(upkeep.fire_schedules(), name="schedules")
                    for courier in couriers:
                        tasks.create_task(courier.run(), name="courier")
                    await loop.run()
                    keeping.cancel()
                    relaying.cancel()
                    firing.cancel()
                    await relay.once()
            finally:
                timer.shutdown(wait=False)
                await upkeep.leave()
                log.info("worker_stopped")
