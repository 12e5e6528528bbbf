"""The command that shows and changes the limits of a running system; what they may be, the service says."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from jobs.errors import InvalidInput
from pressrun.connection import DEFAULT_URL, PANEL, Json, Key, Url, User, connect


def register(app: typer.Typer) -> None:
    app.command("limits", rich_help_panel=PANEL)(limits)


def limits(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The limit.")] = None,
    value: Annotated[str | None, typer.Argument(metavar="[VALUE]", help="What it shall be from now on.")] = None,
    *,
    as_json: Json = False,
    url: Url = DEFAULT_URL,
    key: Key = None,
    user: User = None,
) -> None:
    """Show the limits of the running system, or change one."""
    from pressrun.answers import Limits, understood
    from pressrun.screen import draw_table, open_console, print_json

    with connect(url, key, user) as remote:
        change = None if name is None or value is None else {name: _value(value)}
        answer = remote.change_limits(change) if change else remote.limits()
        known = understood(Limits, answer, url=remote.url).limits
    if name is not None and name not in known:
        raise InvalidInput(f"There is no limit {name!r}: there are {', '.join(sorted(known))}.")
    if as_json:
        print_json(answer)
    elif change and name is not None:
        typer.echo(f"{name} is now {_shown(known[name])}.")
    else:
        shown = known if name is None else {name: known[name]}
        draw_table(open_console(), ("LIMIT", "VALUE"), [(each, _shown(shown[each])) for each in shown])


def _value(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=str)
    except ValueError:
        return text


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
