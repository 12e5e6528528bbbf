"""Whether everything Pressrun needs is there: each finding is a sentence. Nothing is changed but by `install`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2

from jobs.clock import DatabaseClock
from jobs.configuration.access import AuthMode
from jobs.configuration.settings import Settings, WrongSettings, load_settings
from jobs.errors import PressrunError
from jobs.indexes import INDEXES
from jobs.pipelines import CONTENT
from jobs.rules import install_rules
from jobs.storage.mongo import MongoStore
from jobs.system import assemble
from pressrun.application import app_sessions
from pressrun.compose import rules_of, unconnected
from pressrun.finding import Finding
from pressrun.version_checks import check_format, check_schemas, check_versions
from service.auth.session_setup import check_sessions, session_kinds
from worker.__main__ import generator_http, kit_of, mail_route_of, mail_templates_of, outside_of
from worker.notify.sending import SendFailed
from worker.registry import registered


async def check_all(*, install: bool) -> AsyncIterator[Finding]:
    """The findings as they are made. Without right settings nothing else can be looked at."""
    try:
        settings = load_settings()
    except WrongSettings as error:
        for fault in error.faults:
            yield Finding("settings", ok=False, sentence=f"{fault.path} {fault.message}".strip())
        return
    yield Finding("settings", ok=True, sentence=f"read and valid; authentication: {_way_in(settings)}")
    async for finding in _database(settings, install=install):
        yield finding
    if settings.auth.mode is AuthMode.SESSIONS:
        yield await _sessions(settings)
    for name in settings.endpoints:
        yield await _generator(settings, name)
    yield await _pipelines(settings)
    yield await _mail(settings)


def _way_in(settings: Settings) -> str:
    """A warning is no fault: whoever uses the API alone needs no secrets."""
    if settings.auth.mode is AuthMode.OFF or settings.auth.secrets:
        return settings.auth.mode
    return f"{settings.auth.mode}; PRESSRUN_AUTH__SECRETS is not set, so nobody can sign in on the pages"


async def _database(settings: Settings, *, install: bool) -> AsyncIterator[Finding]:
    database = settings.mongodb
    store = MongoStore.connect(database.uri.get_secret_value(), database.database, 2, "pressrun-check")
    what = "database"
    try:
        clock = DatabaseClock(store.server_time)
        await clock.measure()
        yield Finding(what, ok=True, sentence=f"{database.database} answers; its time is {clock.now():%H:%M:%S} UTC")
        what, system = "format", assemble(store, clock, rules_of(settings))
        yield (known := await check_format(system))
        if not known.ok:
            return  # indexes and rules are a newer version's
        async for finding in check_versions(system):
            yield finding
        what = "indexes"
        await store.create_indexes(INDEXES)
        yield Finding(what, ok=True, sentence=f"all {len(INDEXES)} are there")
        what = "documents"
        yield await check_schemas(store)
        if install:
            what = "rules"
            installed = await install_rules(store)
            yield Finding(what, ok=True, sentence=f"document rules are on {', '.join(installed)}")
    except PressrunError as error:
        yield Finding(what, ok=False, sentence=str(error))
    finally:
        await store.close()


async def _sessions(settings: Settings) -> Finding:
    """Which kinds are on; the application's database is asked, where it keeps them there."""
    what = "sessions"
    try:
        check_sessions(settings.auth)
        async with unconnected(settings, "check") as system, app_sessions(settings, system.clock) as stored:
            if stored is not None:
                await stored.look()
    except WrongSettings as error:
        return Finding(what, ok=False, sentence="; ".join(f"{fault.path}: {fault.message}" for fault in error.faults))
    except PressrunError as error:
        return Finding(what, ok=False, sentence=f"{settings.auth.database} of the application: {error}")
    return Finding(what, ok=True, sentence=session_kinds(settings.auth))


async def _generator(settings: Settings, name: str) -> Finding:
    what = "generator" if name == CONTENT else name
    url = str(settings.endpoints[name][0]).rstrip("/")
    async with generator_http(settings, name) as http:
        try:
            response = await http.get("/", timeout=5)
        except httpx2.HTTPError as error:
            reason = str(error) or type(error).__name__
            return Finding(what, ok=False, sentence=f"{url} cannot be reached ({reason}): is it started?")
    return Finding(what, ok=True, sentence=f"{url} answers ({response.status_code} at its root)")


async def _pipelines(settings: Settings) -> Finding:
    """Put together as by a worker at its start, with templates, context providers and exceptions from the guard."""
    what = "pipelines"
    async with unconnected(settings, "check") as system:
        try:
            found = registered(kit_of(settings), settings.pipelines, outside_of(settings, system).contexts)
        except WrongSettings as error:
            faults = "; ".join(f"{fault.path}: {fault.message}" for fault in error.faults)
            return Finding(what, ok=False, sentence=faults)
        except PressrunError as error:
            return Finding(what, ok=False, sentence=str(error))
    return Finding(what, ok=True, sentence=f"there are {', '.join(sorted(found))}")


async def _mail(settings: Settings) -> Finding:
    """The mail server is reached and signed in to; nothing is sent."""
    what = "mail"
    try:
        route = mail_route_of(settings)
        if route is None:
            return Finding(what, ok=True, sentence="PRESSRUN_SMTP__URL is not set: no mail is sent")
        mail_templates_of(settings)
        await route.look()
    except WrongSettings as error:
        return Finding(what, ok=False, sentence="; ".join(f"{fault.path}: {fault.message}" for fault in error.faults))
    except SendFailed as error:
        told = f" It said: {error.answer}" if error.answer else ""
        return Finding(what, ok=False, sentence=f"{error}{told}")
    links = "" if settings.public_url else "; PRESSRUN_PUBLIC_URL is not set, so mail has no links, none to unsubscribe"
    return Finding(what, ok=True, sentence=f"the server answers and takes what the settings say of it{links}")
