"""Which pages may have a browser change something in the name of whoever has signed in with it.

The check is made in one place, `callers`, for whoever is told by a cookie: an API key is sent by no browser unasked.
"""

from __future__ import annotations

from collections.abc import Collection

from fastapi import Request

from service.refusals import Forbidden

SAFE = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing here, in any route."""


class OwnPages:
    """Those of this service's own origin, as the browser sees it, and of `origins`."""

    def __init__(self, origins: Collection[str]) -> None:
        self._origins = frozenset(origins)

    def check(self, request: Request) -> None:
        """Raises `Forbidden` for what another site's page has sent."""
        if not self.sent(request):
            raise Forbidden(
                "A page of another site may not change anything here: its origin is not in PRESSRUN_AUTH__ORIGINS."
            )

    def sent(self, request: Request) -> bool:
        """As CrossOriginProtection of Go 1.25 judges it.

        `Sec-Fetch-Site` is what the browser itself says, so that it holds behind any proxy and without settings. Only
        where it is missing, `Origin` is held against the Host, which a proxy may have changed. Who sends neither is no
        browser, and has no cookie that it does not know of.
        """
        origin = request.headers.get("origin")
        if origin in self._origins:
            return True
        site = request.headers.get("sec-fetch-site")
        if site is not None:
            return site in ("same-origin", "none")
        return origin is None or origin.partition("://")[2] == request.headers.get("host", "").lower()
