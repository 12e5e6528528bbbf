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


def bulk_id_of(text: str) -> str:
    """Raises `InvalidInput` for what cannot be one."""
    return _id(text, "bulk", "`pressrun list` shows them")


def _job_id(text: str) -> str:
    return _id(text, "job", "`pressrun status --json` shows them")


def _id(text: str, what: str, advice: str) -> str:
    found = text.strip().lower()
    if not re.fullmatch(r"[0-9a-f]{24}", found):
        raise InvalidInput(f"{text!r} is not the id of a {what}: ids are 24 hex digits, {advice}.")
    return found


BulkId = Annotated[str, typer.Argument(metavar="ID", help="The bulk.", callback=bulk_id_of)]
JobId = Annotated[str, typer.Argument(metavar="JOB_ID", help="The job.", callback=_job_id)]


def connect(url: str, key: str | None, user: str | None) -> Remote:
    from pressrun.remote import Remote

    return Remote(url, key, user)


def url_option(remote: Remote) -> str:
    """What a command for the same service needs at its end: ` --url http://...`, or nothing for the default."""
    return "" if remote.url == DEFAULT_URL else f" --url {shlex.quote(remote.url)}"
