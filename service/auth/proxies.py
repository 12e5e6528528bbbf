"""What proxies say of a request, believed of those that the settings trust, and of nobody else (spec §10)."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import cast

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

FORWARDED_HOST = "x-forwarded-host"


class TrustedProxies:
    """ASGI middleware: the client is the last address of `X-Forwarded-For` that is no such proxy's, the scheme is that
    of `X-Forwarded-Proto`, and the Host that of `X-Forwarded-Host`.

    The first two are uvicorn's work, which knows lists, ports and IPv6.
    """

    def __init__(self, app: ASGIApp, networks: Sequence[str]) -> None:
        self._app = app
        self._networks = [ipaddress.ip_network(network) for network in networks]
        self._believing = cast("ASGIApp", ProxyHeadersMiddleware(app, list(networks)))  # type: ignore[arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope.get("client"):
            scope["client"] = (_plain(scope["client"][0]), scope["client"][1])
            if self._trusts(scope["client"][0]):
                _believe_host(scope)
                await self._believing(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _trusts(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self._networks)


def _plain(address: str) -> str:
    """A socket for both kinds of addresses tells those of the older kind as ::ffff:192.0.2.1."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(getattr(found, "ipv4_mapped", None) or found)


def _believe_host(scope: Scope) -> None:
    """Of several the first: it is what the browser has asked for, and no page can have a browser say another."""
    told = Headers(scope=scope).get(FORWARDED_HOST, "").partition(",")[0].strip()
    if told:
        others = [(name, value) for name, value in scope["headers"] if name != b"host"]
        scope["headers"] = [(b"host", told.encode("latin-1")), *others]
