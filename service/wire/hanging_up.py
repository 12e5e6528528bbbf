"""Cutting a connection from inside a request: what a server offers for it, and how an application asks. Nothing else
frees what a reader holds that does not read: an end in good order waits until all was sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.types import Scope

EXTENSION = "pressrun.hang_up"


def offer(scope: Any, hang_up: Callable[[], None]) -> None:
    scope.setdefault("extensions", {})[EXTENSION] = {"call": hang_up}


def hang_up_of(scope: Scope) -> Callable[[], None] | None:
    """None where the server offers it not."""
    hang_up: Callable[[], None] | None = scope.get("extensions", {}).get(EXTENSION, {}).get("call")
    return hang_up
