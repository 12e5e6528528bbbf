"""The options that say which service to talk to, shared by every command that does.

No command body belongs here.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.errors import InvalidInput

if TYPE_CHECKING:
    from pressrun.remote import Remote

DEFAULT_URL = "http://127.0.0.1:8000"
PANEL = "Bulks of a running service"

Url = Annotated[str, typer.Option("--url", envvar="PRESSRUN_URL", metavar="URL", help="Where the service answers.")]
Key = Annotated[
    str | None,
    typer.Option("--key", envvar="PRESSRUN_API_KEY", metavar="KEY", help="An API key; best given as PRESSRUN_API_KEY."),
]
User = Annotated[
    str | None,
    typer.Option("--user", metavar="NAME", help="Act as this user (auth.mode off only)."),
]
Json = Annotated[bool, typer.Option("--json", help="Print the answer of the API.")]


def _bulk_id(text: str) -> str:
    bulk_id = text.strip().lower()
    if not re.fullmatch(r"[0-9a-f]{24}", bulk_id):
        raise InvalidInput(f"{text!r} is not the id of a bulk: ids are 24 hex digits, `pressrun list` shows them.")
    return bulk_id


BulkId = Annotated[str, typer.Argument(metavar="ID", help="The bulk.", callback=_bulk_id)]


def connect(url: str, key: str | None, user: str | None) -> Remote:
    from pressrun.remote import Remote

    return Remote(url, key, user)


def url_option(remote: Remote) -> str:
    """What a command for the same service needs at its end: ` --url http://...`, or nothing for the default."""
    return "" if remote.url == DEFAULT_URL else f" --url {shlex.quote(remote.url)}"
