"""The command line: one app, to which each module of commands adds its own. No command stands here."""

from __future__ import annotations

from typing import Annotated

import typer

from pressrun import (
    archiving,
    bulks,
    erasing,
    health,
    limits,
    migrating,
    openapi,
    operator,
    processes,
    results,
    schedules,
    selections,
    single_jobs,
    submit,
    templates,
)

app = typer.Typer(
    name="pressrun",
    help="Bulk content generation that cannot lose work.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

processes.register(app)
submit.register(app)
templates.register(app)
schedules.register(app)
bulks.register(app)
single_jobs.register(app)
selections.register(app)
results.register(app)
limits.register(app)
operator.register(app)
erasing.register(app)
archiving.register(app)
health.register(app)
migrating.register(app)
openapi.register(app)


def _print_version(wanted: bool) -> None:
    if not wanted:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        number = version("pressrun")
    except PackageNotFoundError:
        number = "(run from its source, not installed)"
    typer.echo(f"pressrun {number}")
    raise typer.Exit


@app.callback()
def _pressrun(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass
