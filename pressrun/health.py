"""The command that asks whether a process on this host does its work, for the health checks of containers.

Nothing is changed, and what cannot be known counts as well: a restart mends no database.
"""

from __future__ import annotations

import socket
from enum import StrEnum
from typing import Annotated

import typer

from jobs.errors import StoreUnavailable

ANSWER_SECONDS = 3
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what is listened on, not by us


class Kind(StrEnum):
    SERVICE = "service"
    WORKER = "worker"
    GENERATOR = "generator"


def register(app: typer.Typer) -> None:
    app.command()(health)


def health(
    process: Annotated[Kind, typer.Argument(help="Which process.")],
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where the generator listens.")] = 8100,
) -> None:
    """Does the process of this host (in a container: the only one) do its work? Exit 1 if not."""
    match process:
        case Kind.GENERATOR:
            well, sentence = _answers("127.0.0.1", port)
        case Kind.SERVICE:
            from jobs.configuration.settings import load_settings

            service = load_settings().service
            well, sentence = _answers(EVERYWHERE.get(service.host, service.host), service.port)
        case Kind.WORKER:
            well, sentence = _beats()
    typer.echo(sentence)
    if not well:
        raise typer.Exit(1)


def _answers(host: str, port: int) -> tuple[bool, str]:
    import http.client

    connection = http.client.HTTPConnection(host, port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return False, f"{host}:{port} does not answer: {error}"
    finally:
        connection.close()
    return status == 200, f"{host}:{port} answers {status}"


def _beats() -> tuple[bool, str]:
    """A worker's id begins with its host, and its heart beats in the database while its event loop turns."""
    from jobs.clock import DatabaseClock
    from jobs.configuration.settings import load_settings
    from jobs.storage.mongo import MongoStore
    from jobs.versions.workers import Workers
    from pressrun.running import run

    settings = load_settings()
    host = socket.gethostname()
    beating: list[str] = []

    async def main() -> None:
        # not a whole system: this is asked every minute, and to import one costs three times as much
        database = settings.mongodb
        store = MongoStore.connect(database.uri.get_secret_value(), database.database, 2, "pressrun-health")
        try:
            clock = DatabaseClock(store.server_time)
            await clock.measure()
            beating.extend(worker["_id"] for worker in await Workers(store, clock, settings.lease).alive())
        finally:
            await store.close()

    try:
        run(main(), level="ERROR")
    except StoreUnavailable as error:
        return True, f"Whether the worker is well is not known. {error}"
    own = [worker for worker in beating if worker.startswith(f"{host}-")]
    return bool(own), f"{', '.join(own)} is alive" if own else f"no worker of {host} is alive"
