"""Callers while `auth.mode` is off, for development: anybody on this machine, and nobody else (spec §10)."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

from fastapi import Request
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as AsgiScope

from jobs.callers.keys import Scope
from jobs.configuration.settings import WrongSettings
from jobs.documents import user_id
from jobs.errors import Fault
from service.auth.caller import Caller
from service.refusals import Forbidden
from service.wire.problems import problem

DEVELOPER = "developer"
USER_HEADER = "X-Pressrun-User"
HOSTS = {"localhost", "127.0.0.1", "[::1]"}


class NoAuthentication:
    """The header names the user; without it, it is the developer, who is an admin as those in the settings are."""

    def __init__(self, admins: Collection[str]) -> None:
        self._admins = {DEVELOPER, *admins}

    async def caller(self, request: Request) -> Caller:
        name = request.headers.get(USER_HEADER, "").strip()[:200] or DEVELOPER
        return Caller(user_id(name), Scope.ADMIN if name in self._admins else Scope.WRITE)


class LocalOnly:
    """ASGI middleware: refuses what could come from another machine, or from a page of another site."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (reason := _why_not_local(request := Request(scope))) is not None:
            await problem(request, Forbidden(reason))(scope, receive, send)
            return
        await self._app(scope, receive, send)


def check_host(host: str) -> None:
    """Raises `WrongSettings` where the service would be reachable from elsewhere without authentication."""
    try:
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local:
        fault = Fault("PRESSRUN_AUTH__MODE", f"off serves this machine only, not {host}: use 127.0.0.1, or mode keys")
        raise WrongSettings("Pressrun was not started, its settings are wrong:", (fault,))


def _why_not_local(request: Request) -> str | None:
    if any(name.startswith("x-forwarded-") for name in request.headers):
        return "While authentication is off, requests through a proxy (X-Forwarded-*) are refused."
    if not _is_local(request.headers.get("host", "")):
        return "While authentication is off, the Host must be localhost, 127.0.0.1 or [::1]."
    origin = request.headers.get("origin")
    if origin is not None and not _is_local(origin.rpartition("://")[2]):
        return "While authentication is off, pages of other sites are refused (Origin)."
    return None


def _is_local(host: str) -> bool:
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    return name.lower() in HOSTS
