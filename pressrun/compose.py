"""The processes of Pressrun put together from settings: service, worker, generator, and all of them in one.

Each imports what only it needs when it runs: a worker starts in half the time without the service and its pages.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from jobs.callers.app_sessions import AppSessions
from jobs.callers.user_limits import SENDS_PER_MINUTE, UserLimits
from jobs.clock import DatabaseClock
from jobs.configuration.access import AuthMode
from jobs.configuration.settings import Settings, WrongSettings
from jobs.errors import Fault
from jobs.retention.expiry import RetentionRules
from jobs.storage.encryption import Cipher
from jobs.storage.mongo import MongoStore
from jobs.storage.store import Store
from jobs.system import Rules, System, assemble, start
from pressrun.application import app_sessions
from pressrun.development import settings_in_development
from pressrun.keeping_up import kept_up
from pressrun.own_key import with_own_key
from pressrun.watching import Watched, watched_service, watched_worker
from worker.metrics import Metrics
from worker.shutdown import Shutdown

if TYPE_CHECKING:
    import generator.settings
    from service.app import Service

log = structlog.get_logger()
LOOPBACK = "127.0.0.1"
EMBEDDED_POLL_SECONDS = 0.05


def rules_of(settings: Settings) -> Rules:
    return Rules(
        lease=settings.lease,
        limits=settings.limits_at_first,
        user=UserLimits(
            submissions_per_minute=settings.user.submissions_per_minute,
            open_bulks=settings.user.open_bulks,
            sends_per_minute=SENDS_PER_MINUTE,
        ),
        parallel=settings.parallel,
        adopted=settings.bulk_defaults,
        single_jobs=settings.worker.single_jobs == "on",
        cipher=Cipher([key.get_secret_value() for key in settings.encryption.keys]),
        digest_hour=settings.mail.digest_hour if settings.smtp.url is not None else None,
        retention=RetentionRules(
            completed=_days(settings.retention.completed_days),
            cancelled=_days(settings.retention.cancelled_days),
            results=_days(settings.retention.results_days),
            archive=settings.retention.archive,
        ),
    )


def _days(days: float | None) -> timedelta | None:
    return timedelta(days=days) if days is not None else None


@contextlib.asynccontextmanager
async def on_mongodb(settings: Settings, name: str) -> AsyncIterator[System]:
    """The system over the settings' database; `name` is what the database's logs call this process."""
    async with _started(_connected(settings, name), settings) as system:
        yield system


@contextlib.asynccontextmanager
async def reading_mongodb(settings: Settings, name: str) -> AsyncIterator[System]:
    """The same without a start: no index is made and nothing is seeded. Raises `DatabaseTooNew` all the same."""
    async with unconnected(settings, name) as system:
        await system.clock.measure()
        await system.database_format.require()
        yield system


@contextlib.asynccontextmanager
async def in_folder(data: Path) -> AsyncIterator[System]:
    """The same over the embedded store in a folder, which nobody else has open."""
    from jobs.storage.embedded.store import EmbeddedStore

    store = await EmbeddedStore.open(data)
    try:
        clock = DatabaseClock(store.server_time)
        await clock.measure()
        yield assemble(store, clock, Rules())
    finally:
        await store.close()


@contextlib.asynccontextmanager
async def archiving_mongodb(settings: Settings, folder: Path) -> AsyncIterator[System]:
    """As `reading_mongodb`; what is removed for its age is written to `folder` first."""
    async with reading_mongodb(settings, "archive") as system:
        yield assemble(system.store, system.clock, Rules(retention=RetentionRules(archive=folder)))


@contextlib.asynccontextmanager
async def unconnected(settings: Settings, name: str) -> AsyncIterator[System]:
    """The same before anything is asked of the database, which may be away."""
    store = _connected(settings, name)
    try:
        yield assemble(store, DatabaseClock(store.server_time), rules_of(settings))
    finally:
        await store.close()


def _connected(settings: Settings, name: str) -> MongoStore:
    database = settings.mongodb
    uri = database.uri.get_secret_value()
    return MongoStore.connect(uri, database.database, database.max_pool_size, f"pressrun-{name}")


@contextlib.asynccontextmanager
async def _started(store: Store, settings: Settings) -> AsyncIterator[System]:
    try:
        yield await start(store, rules_of(settings))
    finally:
        await store.close()


async def service(settings: Settings) -> None:
    from service.server import listen, serve

    shutdown = Shutdown()
    shutdown.on_signals()
    async with on_mongodb(settings, "service") as system, app_sessions(settings, system.clock) as sessions:
        with watched_service(settings, system) as watched:
            app = _app(settings, system, sessions, watched)
            bound = listen(settings.service.host, settings.service.port)
            log.info("service_started", address=f"http://{settings.service.host}:{bound.getsockname()[1]}")
            async with kept_up(system, shutdown.ask):
                await serve(app, bound, shutdown.asked, app.state.broadcast.stop)
        log.info("service_stopped")


def _app(settings: Settings, system: System, sessions: AppSessions | None, watched: Watched) -> Service:
    from service.app import create_app
    from service.metrics import ServiceMetrics

    telemetry = watched.telemetry
    return create_app(
        settings,
        system,
        sessions,
        metrics=ServiceMetrics(watched.registry),
        tracer=telemetry.tracer,
        telemetry=telemetry.server,
    )


async def worker(settings: Settings) -> None:
    from service.rules.rule_setup import bulk_rules
    from service.rules.scheduling import judge_of
    from worker.__main__ import run_worker

    shutdown = Shutdown()
    shutdown.on_signals()
    async with on_mongodb(settings, "worker") as system:
        judge = judge_of(system, bulk_rules(settings))
        with watched_worker(settings, system) as watched:
            metrics, tracer = Metrics(watched.registry), watched.telemetry.tracer
            await run_worker(settings, system, shutdown, judge=judge, metrics=metrics, tracer=tracer)


async def demo_generator(host: str, port: int) -> None:
    from generator.app import create_app
    from service.server import listen, serve

    shutdown = Shutdown()
    shutdown.on_signals()
    app = create_app(_demo_settings())
    bound = listen(host, port)
    log.info("generator_started", address=f"http://{host}:{bound.getsockname()[1]}")
    await serve(app, bound, shutdown.asked, app.state.calls.close)
    log.info("generator_stopped")


async def embedded(port: int, data: Path, on_ready: Callable[[str, AuthMode], None]) -> None:
    """Service, one worker and the demo generator in this process, data in a folder, for this machine only whatever the
    mode; `on_ready` is told the address."""
    from generator.app import create_app as create_generator
    from jobs.storage.embedded.store import EmbeddedStore
    from service.rules.scheduling import judge_of
    from service.server import listen, serve
    from worker.__main__ import run_worker

    shutdown = Shutdown()
    shutdown.on_signals(first_is_urgent=True)
    demo_settings = _demo_settings()
    if "store_file" not in demo_settings.model_fields_set:
        demo_settings = demo_settings.model_copy(update={"store_file": data / "embedded-generator.jsonl"})
    store = await EmbeddedStore.open(data)
    generator_socket = listen(LOOPBACK, 0)
    url = f"http://{LOOPBACK}:{generator_socket.getsockname()[1]}"
    settings = settings_in_development(
        {
            "generator": {"url": url},
            "service": {"host": LOOPBACK, "port": port},
            "worker": {"poll_seconds": EMBEDDED_POLL_SECONDS},
        }
    )
    settings = with_own_key(_with_whole_generator(settings, demo_settings), data)
    async with (
        _started(store, settings) as system,
        app_sessions(settings, system.clock, embedded=True) as sessions,
        contextlib.AsyncExitStack() as watching,
    ):
        watched = watching.enter_context(watched_service(settings, system, "embedded"))
        metrics, tracer = Metrics(watched.registry), watched.telemetry.tracer
        bound = listen(LOOPBACK, port)
        app = _app(settings, system, sessions, watched)
        worker_ended = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            demo = create_generator(demo_settings)
            tasks.create_task(serve(demo, generator_socket, worker_ended, demo.state.calls.close), name="generator")
            tasks.create_task(serve(app, bound, shutdown.asked, app.state.broadcast.stop), name="service")
            address = f"http://{LOOPBACK}:{bound.getsockname()[1]}"
            try:
                judge = judge_of(system, app.state.rules)
                await run_worker(
                    settings, system, shutdown, lambda: on_ready(address, settings.auth.mode), judge, metrics, tracer
                )
            finally:
                shutdown.ask_urgently()
                worker_ended.set()


def _with_whole_generator(settings: Settings, writer: generator.settings.Settings) -> Settings:
    """What the reference generator can is used: components, ideas, and images where it makes them. What the settings
    say of these stays."""
    own = settings.generator
    makes_images = writer.openai is None or writer.openai.image_model is not None
    changes: dict[str, object] = {}
    if "components" not in own.model_fields_set:
        changes["generator"] = own.model_copy(update={"components": "on"})
    if settings.ideas.url is None:
        changes["ideas"] = settings.ideas.model_copy(update={"url": own.url})
    if settings.images.url is None and makes_images:
        changes["images"] = settings.images.model_copy(update={"url": own.url})
    return settings.model_copy(update=changes)


def _demo_settings() -> generator.settings.Settings:
    from generator.settings import InvalidSettings, load_settings

    try:
        return load_settings()
    except InvalidSettings as error:
        faults = tuple(Fault("", sentence) for sentence in error.faults)
        raise WrongSettings("The generator was not started, its settings are wrong:", faults) from None
