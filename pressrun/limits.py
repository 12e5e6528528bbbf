"""The command that shows and changes the limits of a running system; what they may be, the service says."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from jobs.errors import InvalidInput
from pressrun.connection import DEFAULT_URL, PANEL, Json, Key, Url, User, connect

SWITCH = "parallel"
"""Of this one `on` and `off` are values, beside the percentage of tenants."""


def register(app: typer.Typer) -> None:
    app.command("limits", rich_help_panel=PANEL)(limits)


def limits(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The limit.")] = None,
    value: Annotated[str | None, typer.Argument(metavar="[VALUE]", help="What it shall be; off: no limit.")] = None,
    *,
    tenant: Annotated[str | None, typer.Option(help="Those of this tenant alone.")] = None,
    as_json: Json = False,
    url: Url = DEFAULT_URL,
    key: Key = None,
    user: User = None,
) -> None:
    """Show the limits of the running system or of one tenant, or change one."""
    from pressrun.answers import Limits, understood
    from pressrun.screen import draw_table, open_console, print_json

    with connect(url, key, user) as remote:
        change = None if name is None or value is None else {name: _value(name, value)}
        answer = remote.change_limits(change, tenant) if change else remote.limits(tenant)
        known = understood(Limits, answer, url=remote.url).limits
    if name is not None and name not in known:
        raise InvalidInput(f"There is no limit {name!r}: there are {', '.join(sorted(known))}.")
    if as_json:
        print_json(answer)
    elif change and name is not None:
        typer.echo(f"{name} is now {_shown(name, known[name], tenant)}.")
    else:
        shown = known if name is None else {name: known[name]}
        draw_table(open_console(), ("LIMIT", "VALUE"), [(each, _shown(each, shown[each], tenant)) for each in shown])


def _value(name: str, text: str) -> Any:
    if text == "off" and name != SWITCH:
        return None
    try:
        return json.loads(text, parse_constant=str)
    except ValueError:
        return text


def _shown(name: str, value: object, tenant: str | None) -> str:
    if value is None:
        return "off" if tenant is None else "as for every tenant"
    if name == SWITCH:
        value = {0: "off", 100: "on"}.get(value, value) if isinstance(value, int) else value
    return value if isinstance(value, str) else json.dumps(value)
