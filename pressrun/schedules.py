"""The commands about schedules: list, show, pause, resume, run, remove. They are made on the page or over the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from jobs.errors import InvalidInput
from pressrun.connection import DEFAULT_URL, PANEL, Json, Key, Url, User, connect, url_option

if TYPE_CHECKING:
    from pressrun.answers import Schedule
    from pressrun.remote import Remote

schedules = typer.Typer(help="Templates that are submitted again and again.", no_args_is_help=True)
Which = Annotated[str, typer.Argument(metavar="SCHEDULE", help="Its id; or its name, where no other has it.")]


def register(app: typer.Typer) -> None:
    app.add_typer(schedules, name="schedules", rich_help_panel=PANEL)


@schedules.command("list")
def list_schedules(*, as_json: Json = False, url: Url = DEFAULT_URL, key: Key = None, user: User = None) -> None:
    """List your schedules, the newest first."""
    from pressrun.answers import ScheduleList, understood
    from pressrun.screen import draw_table, local_time, open_console, print_json

    with connect(url, key, user) as remote:
        raw = remote.schedules()
        if as_json:
            print_json(raw)
            return
        found = understood(ScheduleList, raw, url=remote.url).schedules
    if not found:
        typer.echo("There are no schedules: the page /schedules makes one.")
        return
    rows = [(each.id, _state(each), local_time(each.next_at), _rhythm(each), each.name) for each in found]
    draw_table(open_console(), ("ID", "STATE", "NEXT", "WHEN", "NAME"), rows)


@schedules.command("show")
def show(which: Which, *, as_json: Json = False, url: Url = DEFAULT_URL, key: Key = None, user: User = None) -> None:
    """Show one schedule, and when it fires the next five times."""
    from pressrun.answers import ScheduleShown, understood
    from pressrun.plain_text import clean
    from pressrun.screen import local_time, print_json

    with connect(url, key, user) as remote:
        raw = remote.schedule(_wanted(remote, which).id)
        if as_json:
            print_json(raw)
            return
        answer = understood(ScheduleShown, raw, url=remote.url)
    schedule = answer.schedule
    typer.echo(clean(f"{schedule.name}  ({_state(schedule)}; {_rhythm(schedule)})"))
    if schedule.pause_reason is not None:
        typer.echo(clean(f"It has paused itself: {schedule.pause_reason}"))
    for moment in answer.next_firings:
        typer.echo(f"  {local_time(moment)}")


@schedules.command("pause")
def pause(which: Which, *, url: Url = DEFAULT_URL, key: Key = None, user: User = None) -> None:
    """Let it fire no more by itself. Bulks that it has made go on."""
    from pressrun.plain_text import clean

    with connect(url, key, user) as remote:
        schedule = _wanted(remote, which)
        remote.control_schedule(schedule.id, "pause")
    typer.echo(clean(f"The schedule {schedule.name} is paused."))


@schedules.command("resume")
def resume(which: Which, *, url: Url = DEFAULT_URL, key: Key = None, user: User = None) -> None:
    """Let it fire again, from the next planned moment on."""
    from pressrun.answers import ScheduleShown, understood
    from pressrun.plain_text import clean
    from pressrun.screen import local_time

    with connect(url, key, user) as remote:
        raw = remote.control_schedule(_wanted(remote, which).id, "resume")
        schedule = understood(ScheduleShown, raw, url=remote.url).schedule
    typer.echo(clean(f"The schedule {schedule.name} fires next at {local_time(schedule.next_at)}."))


@schedules.command("run")
def run(which: Which, *, url: Url = DEFAULT_URL, key: Key = None, user: User = None) -> None:
    """Fire it now, beside what is planned, also while it is paused. Exit 2 if it is refused."""
    from pressrun.answers import Fired, understood

    with connect(url, key, user) as remote:
        raw = remote.control_schedule(_wanted(remote, which).id, "run")
        firing = understood(Fired, raw, url=remote.url).firing
        articles = "article" if firing.total_items == 1 else "articles"
        typer.echo(f"Bulk {firing.bulk_job_id} is queued: {firing.total_items} {articles}.")
        typer.echo(f"Follow it with: pressrun status {firing.bulk_job_id} --watch{url_option(remote)}")


@schedules.command("remove")
def remove(
    which: Which,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    url: Url = DEFAULT_URL,
    key: Key = None,
    user: User = None,
) -> None:
    """Remove it, with what is told of its firings. Bulks that it has made stay."""
    from pressrun.plain_text import clean

    with connect(url, key, user) as remote:
        schedule = _wanted(remote, which)
        if not yes:
            typer.confirm(clean(f"{schedule.name} would fire no more. Remove it?"), abort=True)
        remote.remove_schedule(schedule.id)
    typer.echo(clean(f"The schedule {schedule.name} is removed."))


def _wanted(remote: Remote, which: str) -> Schedule:
    """Raises `InvalidInput` for what names none, or more than one."""
    from pressrun.answers import ScheduleList, understood

    wanted = which.strip()
    found = understood(ScheduleList, remote.schedules(), url=remote.url).schedules
    same = [each for each in found if each.id == wanted] or [each for each in found if each.name == wanted]
    if not same:
        raise InvalidInput(f"There is no schedule {which!r}: `pressrun schedules list` shows them.")
    if len(same) > 1:
        raise InvalidInput(f"{len(same)} schedules are called {which!r}: name one by its id.")
    return same[0]


def _state(schedule: Schedule) -> str:
    return "paused itself" if schedule.pause_reason is not None else schedule.state


def _rhythm(schedule: Schedule) -> str:
    hours = schedule.run_between
    within = f", {hours.since} to {hours.until}" if hours is not None else ""
    return f"{schedule.cron} in {schedule.time_zone}{within}"
