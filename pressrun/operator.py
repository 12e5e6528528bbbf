"""The commands for whoever runs Pressrun: is everything there, and who holds which key."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import typer

from jobs.callers.keys import Scope
from jobs.storage.store import Document

keys = typer.Typer(help="API keys, in the database.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.command()(check)
    app.command()(verify)
    app.add_typer(keys, name="keys")


def check(
    install: Annotated[
        bool, typer.Option("--install", help="Also put Pressrun's document rules on the collections.")
    ] = False,
) -> None:
    """Settings, database, indexes, generators, mail server: each reached, or a sentence about what is wrong."""
    from pressrun.checks import check_all
    from pressrun.running import run

    failed: list[str] = []

    async def main() -> None:
        async for finding in check_all(install=install):
            typer.echo(f"{'ok  ' if finding.ok else 'WRONG'} {finding.what}: {finding.sentence}")
            if not finding.ok:
                failed.append(finding.what)

    run(main(), level="ERROR")
    if failed:
        raise typer.Exit(1)


def verify(
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be computed from the jobs.")] = False,
) -> None:
    """Hold the invariants against the database: every bulk, running job and permit. Exit 1 if one is broken."""
    from jobs.configuration.settings import load_settings
    from pressrun import compose
    from pressrun.running import run

    left: list[str] = []

    async def main() -> None:
        async with compose.reading_mongodb(load_settings(), "verify") as system:
            bulks, jobs = await system.audit.extent()
            findings = [finding async for finding in system.audit.whole()]
            for finding in findings:
                typer.echo(f"WRONG {finding.fault}: {finding.document}: {finding.sentence}")
            if repair and findings:
                await system.audit.repair(findings)
                findings = [finding async for finding in system.audit.whole()]
                for finding in findings:
                    typer.echo(f"LEFT  {finding.fault}: {finding.document}: {finding.sentence}")
                typer.echo(f"Mended what can be computed from the jobs; {len(findings)} left.")
            left.extend(finding.sentence for finding in findings)
            if not left:
                typer.echo(f"Every invariant holds (bulks: {bulks:,}; jobs: {jobs:,}).")

    run(main(), level="ERROR")
    if left:
        raise typer.Exit(1)


@keys.command("create")
def create_key(
    user: Annotated[str, typer.Option(help="Whose key it is.")],
    scope: Annotated[Scope, typer.Option(help="The most it may do; each includes those before it.")],
    name: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    email: Annotated[str | None, typer.Option(help="The user's own mail address.")] = None,
    expires: Annotated[
        int | None, typer.Option(metavar="DAYS", min=1, max=3650, help="After so many days it is refused.")
    ] = None,
) -> None:
    """Make a key. It is shown this once; only its hash is kept."""
    from jobs.configuration.settings import load_settings
    from jobs.notification.mail_address import read_address
    from pressrun import compose
    from pressrun.running import run

    try:
        address = read_address(email) if email is not None else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--email") from None

    async def main() -> None:
        async with compose.on_mongodb(load_settings(), "keys") as system:
            expires_at = system.clock.now() + timedelta(days=expires) if expires is not None else None
            key, text = await system.keys.create(user, scope, name, address, expires_at)
            until = f", expires {_minute(expires_at)} UTC" if expires_at is not None else ""
            typer.echo(text)
            typer.echo(
                f"Key {key['_id']} of {user}, scope {scope}{until}. Keep it now: it is not shown again.", err=True
            )

    run(main(), level="ERROR")


@keys.command("list")
def list_keys() -> None:
    """All keys; those that were revoked or have expired too, for 90 days."""
    from jobs.configuration.settings import load_settings
    from pressrun import compose
    from pressrun.running import run

    async def main() -> None:
        async with compose.on_mongodb(load_settings(), "keys") as system:
            for key in await system.keys.all():
                who = f"{key['_id']}  {key['userId']}  {key['scope']:5}  {key['hint']}..."
                used = _minute(key.get("last_used_at")) or "never"
                dates = f"made {_minute(key['created_at'])}  used {used}  {_standing(key, system.clock.now())}"
                typer.echo(f"{who}  {dates}  {key['name'] or '-'}")

    run(main(), level="ERROR")


def _standing(key: Document, now: datetime) -> str:
    if key["revoked_at"]:
        return f"revoked {_minute(key['revoked_at'])}"
    expires_at: datetime | None = key.get("expires_at")
    if expires_at is None:
        return "valid, does not expire"
    return f"valid, expires {_minute(expires_at)}" if expires_at > now else f"expired {_minute(expires_at)}"


def _minute(moment: datetime | None) -> str:
    """In UTC, as the database tells it."""
    return f"{moment:%Y-%m-%d %H:%M}" if moment is not None else ""


@keys.command("revoke")
def revoke_key(key_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Take a key back; it stops working at once."""
    from jobs.callers.keys import WHAT, KeyId
    from jobs.configuration.settings import load_settings
    from jobs.documents import parse_id
    from pressrun import compose
    from pressrun.running import run

    async def main() -> None:
        async with compose.on_mongodb(load_settings(), "keys") as system:
            await system.keys.revoke(KeyId(parse_id(key_id, WHAT)))
            typer.echo(f"Key {key_id} is revoked.")

    run(main(), level="ERROR")
