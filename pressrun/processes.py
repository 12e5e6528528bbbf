"""The commands that run a process of Pressrun until it is told to stop."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command()(dev)
    app.command()(service)
    app.command()(worker)
    app.command()(generator)


def dev(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Where the service listens, on this machine only.")
    ] = 8000,
    data: Annotated[Path, typer.Option(help="The folder that keeps everything.", file_okay=False)] = Path(".pressrun"),
    demo: Annotated[bool, typer.Option("--demo", help="Submit a real bulk at start and show its progress.")] = False,
) -> None:
    """Everything in one process: service, worker, demo generator, and a store that keeps its data in a folder."""
    from jobs.configuration.access import AuthMode
    from pressrun import compose, demonstration
    from pressrun.running import run

    def ready(address: str, mode: AuthMode) -> None:
        is_open = mode is AuthMode.OFF
        door = "no sign-in" if is_open else "whoever the application has signed in"
        typer.echo(
            f"Pressrun (development: {door}, this machine only, up to 2,000 live jobs) serves {address}\n"
            f"Data is kept in {data}/ over restarts."
            + (" Try: pressrun submit FILE --mode topic --wait" if is_open else "")
        )
        if demo and is_open:
            demonstration.begin(address)
        elif demo:
            typer.echo(f"There is no demonstration in mode {mode}: nobody is signed in to submit it.")

    run(compose.embedded(port, data, ready), level="WARNING" if demo else "INFO")


def service() -> None:
    """The HTTP service: API and authentication."""
    from jobs.configuration.settings import load_settings
    from pressrun import compose
    from pressrun.running import run

    run(compose.service(load_settings()))


def worker() -> None:
    """A worker: claims jobs, runs them, keeps the database in order. Start as many as you like."""
    from jobs.configuration.settings import load_settings
    from pressrun import compose
    from pressrun.running import run

    run(compose.worker(load_settings()))


def generator(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8100,
) -> None:
    """The reference generation endpoint: the demo writer, or the model that PRESSRUN_OPENAI__BASE_URL names."""
    from pressrun import compose
    from pressrun.running import run

    run(compose.demo_generator(host, port))
