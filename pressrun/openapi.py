"""The command that writes the OpenAPI document. It asks no database and no server: it is the same everywhere."""

from __future__ import annotations

from typing import Any

import typer


def register(app: typer.Typer) -> None:
    app.command()(openapi)


def openapi() -> None:
    """Write the OpenAPI document, as `/openapi.json` has it: what typed clients are generated from."""
    import json

    typer.echo(json.dumps(document(), indent=2, ensure_ascii=False))


def document() -> dict[str, Any]:
    """Of this version of Pressrun. Raises `WrongSettings` where the environment names a setting that there is not."""
    from jobs.clock import DatabaseClock
    from jobs.configuration.settings import load_settings
    from jobs.storage.embedded.store import EmbeddedStore
    from jobs.system import Rules, assemble
    from service.app import create_app

    store = EmbeddedStore.in_memory()
    settings = load_settings({"auth": {"mode": "keys"}})
    return create_app(settings, assemble(store, DatabaseClock(store.server_time), Rules())).openapi()
