"""The processes of Pressrun put together from settings: service, worker, generator, and all of them in one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import structlog

import generator.app
import generator.settings
from jobs.clock import DatabaseClock
from jobs.embedded.store import EmbeddedStore
from jobs.encryption import Cipher
from jobs.errors import Fault
from jobs.mongo import MongoStore
from jobs.settings import Settings, WrongSettings, load_settings
from jobs.store import Store
from jobs.system import Rules, System, assemble, start
from pressrun.own_key import with_own_key
from service.app import create_app
from service.server import listen, serve
from worker.__main__ import run_worker
from worker.cancellation import heed_cancellation
from worker.shutdown import Shutdown

log = structlog.get_logger()
LOOPBACK = "127.0.0.1"
EMBEDDED_POLL_SECONDS = 0.05


def rules_of(settings: Settings) -> Rules:
    return Rules(
        lease=settings.lease,
        limits=settings.limits_at_first,
        parallel=settings.parallel,
        adopted=settings.bulk_defaults,
        single_jobs=settings.worker.single_jobs == "on",
        cipher=Cipher([key.get_secret_value() for key in settings.encryption.keys]),
        digest_hour=settings.mail.digest_hour if settings.smtp.url is not None else None,
    )


@contextlib.asynccontextmanager
async def on_mongodb(settings: Settings, name: str) -> AsyncIterator[System]:
    """The system over the settings' database; `name` is what the database's logs call this process."""
    async with _started(_connected(settings, name), settings) as system:
        yield system


@contextlib.asynccontextmanager
async def reading_mongodb(settings: Settings, name: str) -> AsyncIterator[System]:
    """The same without a start: no index is made and nothing is seeded."""
    async with unconnected(settings, name) as system:
        await system.clock.measure()
        yield system


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
    shutdown = Shutdown()
    shutdown.on_signals()
    async with on_mongodb(settings, "service") as system:
        app = create_app(settings, system)
        bound = listen(settings.service.host, settings.service.port)
        log.info("service_started", address=f"http://{settings.service.host}:{bound.getsockname()[1]}")
        async with asyncio.TaskGroup() as tasks:
            measuring = tasks.create_task(_keep_measuring(system), name="clock")
            await serve(app, bound, shutdown.asked, app.state.broadcast.stop)
            measuring.cancel()
        log.info("service_stopped")


async def worker(settings: Settings) -> None:
    shutdown = Shutdown()
    shutdown.on_signals()
    async with on_mongodb(settings, "worker") as system:
        await run_worker(settings, system, shutdown)


async def demo_generator(host: str, port: int) -> None:
    shutdown = Shutdown()
    shutdown.on_signals()
    app = generator.app.create_app(_demo_settings())
    bound = listen(host, port)
    log.info("generator_started", address=f"http://{host}:{bound.getsockname()[1]}")
    await serve(app, bound, shutdown.asked, app.state.calls.close)
    log.info("generator_stopped")


async def embedded(port: int, data: Path, on_ready: Callable[[str], None]) -> None:
    """Service, one worker and the demo generator in this process, data in a folder; `on_ready` is told the address."""
    shutdown = Shutdown()
    shutdown.on_signals(first_is_urgent=True)
    demo_settings = _demo_settings()
    if "store_file" not in demo_settings.model_fields_set:
        demo_settings = demo_settings.model_copy(update={"store_file": data / "embedded-generator.jsonl"})
    store = await EmbeddedStore.open(data)
    generator_socket = listen(LOOPBACK, 0)
    url = f"http://{LOOPBACK}:{generator_socket.getsockname()[1]}"
    settings = load_settings(
        {
            "auth": {"mode": "off"},
            "generator": {"url": url},
            "service": {"port": port},
            "worker": {"poll_seconds": EMBEDDED_POLL_SECONDS},
        }
    )
    settings = with_own_key(_with_whole_generator(settings, demo_settings), data)
    async with _started(store, settings) as system:
        bound = listen(LOOPBACK, port)
        app = create_app(settings, system)
        worker_ended = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            demo = generator.app.create_app(demo_settings)
            tasks.create_task(serve(demo, generator_socket, worker_ended, demo.state.calls.close), name="generator")
            tasks.create_task(serve(app, bound, shutdown.asked, app.state.broadcast.stop), name="service")
            address = f"http://{LOOPBACK}:{bound.getsockname()[1]}"
            try:
                await run_worker(settings, system, shutdown, lambda: on_ready(address))
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
    try:
        return generator.settings.load_settings()
    except generator.settings.InvalidSettings as error:
        faults = tuple(Fault("", sentence) for sentence in error.faults)
        raise WrongSettings("The generator was not started, its settings are wrong:", faults) from None


async def _keep_measuring(system: System) -> None:
    """Until cancelled: the service has no upkeep that would."""
    while True:
        heed_cancellation()
        await asyncio.sleep(timedelta(minutes=1).total_seconds())
        with contextlib.suppress(Exception):  # the old measurement serves on
            await system.clock.measure()
