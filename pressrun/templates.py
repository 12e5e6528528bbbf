"""The commands about requests that are kept: list, save, submit, delete; and a bulk submitted again.

A template is named by its name; over the API it has an id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobs.errors import InvalidInput
from pressrun.connection import DEFAULT_URL, PANEL, BulkId, Json, Key, Url, User, connect, url_option

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pressrun.answers import Template, TemplatePage
    from pressrun.remote import Remote

PAGE = 100
templates = typer.Typer(help="Requests that are kept, to be submitted again.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The template.")]


def register(app: typer.Typer) -> None:
    app.add_typer(templates, name="templates", rich_help_panel=PANEL)
    app.command("again", rich_help_panel=PANEL)(again)


def again(bulk_id: BulkId, *, url: Url = DEFAULT_URL, key: Key = None, user: User = None) -> None:
    """Submit a bulk again, whatever became of it: a new one with the same settings and items."""
    with connect(url, key, user) as remote:
        _tell_queued(remote, remote.submit_again(bulk_id))


@templates.command("list")
def list_templates(*, as_json: Json = False, url: Url = DEFAULT_URL, key: Key = None, user: User = None) -> None:
    """List your templates, the newest first."""
    from pressrun.plain_text import clean
    from pressrun.screen import print_json

    with connect(url, key, user) as remote:
        pages = list(_pages(remote))
    if as_json:
        print_json({"templates": [template for raw, _ in pages for template in raw["templates"]]})
        return
    found = [template for _, page in pages for template in page.templates]
    if not found:
        typer.echo("There are no templates: `pressrun templates save NAME BULK_ID` makes one.")
    for template in found:
        kind = ", ".join(filter(None, (template.mode, template.pipeline))) or "not said"
        items = "1 item" if template.total_items == 1 else f"{template.total_items} items"
        typer.echo(clean(f"{template.name}  ({kind}; {items})"))


@templates.command("save")
def save(name: Name, bulk_id: BulkId, *, url: Url = DEFAULT_URL, key: Key = None, user: User = None) -> None:
    """Keep the settings and items of a bulk under a name."""
    from pressrun.answers import TemplateKept, understood
    from pressrun.plain_text import clean

    with connect(url, key, user) as remote:
        kept = understood(
            TemplateKept, remote.keep_template({"name": name, "bulk_job_id": bulk_id}), url=remote.url
        ).template
    typer.echo(clean(f"Kept as {kept.name}: {kept.total_items} items."))


@templates.command("submit")
def submit(
    name: Name,
    *,
    bulk_name: Annotated[str | None, typer.Option("--name", help="Of the bulk; without it, as it is kept.")] = None,
    url: Url = DEFAULT_URL,
    key: Key = None,
    user: User = None,
) -> None:
    """Submit a template as a bulk. Exit 2 if it is refused."""
    with connect(url, key, user) as remote:
        body = {"name": bulk_name} if bulk_name is not None else {}
        _tell_queued(remote, remote.submit_template(_named(remote, name).id, body))


@templates.command("delete")
def delete(name: Name, *, url: Url = DEFAULT_URL, key: Key = None, user: User = None) -> None:
    """Delete a template. Bulks that were made of it stay."""
    from pressrun.plain_text import clean

    with connect(url, key, user) as remote:
        remote.remove_template(_named(remote, name).id)
    typer.echo(clean(f"The template {name} is deleted."))


def _pages(remote: Remote) -> Iterator[tuple[dict[str, Any], TemplatePage]]:
    """As they were answered, and as they were understood."""
    from pressrun.answers import TemplatePage, understood

    cursor: str | None = None
    while True:
        raw = remote.templates(limit=PAGE, cursor=cursor)
        page = understood(TemplatePage, raw, url=remote.url)
        yield raw, page
        cursor = page.next_cursor
        if cursor is None or not page.templates:
            return


def _named(remote: Remote, name: str) -> Template:
    wanted = name.strip()
    found = next((each for _, page in _pages(remote) for each in page.templates if each.name == wanted), None)
    if found is None:
        raise InvalidInput(f"There is no template {name!r}: `pressrun templates list` shows them.")
    return found


def _tell_queued(remote: Remote, raw: dict[str, object]) -> None:
    from pressrun.answers import Submitted, understood

    answer = understood(Submitted, raw, url=remote.url)
    articles = "article" if answer.total_items == 1 else "articles"
    typer.echo(f"Bulk {answer.bulk_job_id} is queued: {answer.total_items} {articles}.")
    typer.echo(f"Follow it with: pressrun status {answer.bulk_job_id} --watch{url_option(remote)}")
