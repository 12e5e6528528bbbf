"""Reads scheme, host and port from the beginning of a URL. Whether a request may go there is not decided here."""

from __future__ import annotations

import re
from dataclasses import dataclass

from outbound.errors import UrlRefused
from outbound.hosts import read_host

PORTS = {"https": 443, "http": 80}
_PARTS = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*)://([^/?#]*)([^#]*)(?:#.*)?", re.ASCII)
_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^\[\]:]+)(?::([0-9]{0,5}))?", re.ASCII)


@dataclass(frozen=True)
class Origin:
    """`host` as `read_host` gives it."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == PORTS[self.scheme] else f":{self.port}")


def split_origin(text: str) -> tuple[Origin, str]:
    """The origin of a URL, and what follows it (path and query; a fragment is dropped). Raises `UrlRefused`."""
    if not text.isprintable() or " " in text or "\\" in text:
        raise UrlRefused("The URL has spaces, backslashes or letters that cannot be seen in it.")
    parts = _PARTS.fullmatch(text)
    scheme = parts[1].lower() if parts else ""
    if parts is None or scheme not in PORTS:
        raise UrlRefused("The URL must begin with https:// and a host.")
    if "@" in parts[2]:
        raise UrlRefused("The URL must not hold a user name or a password.")
    authority = _AUTHORITY.fullmatch(parts[2])
    if authority is None:
        raise UrlRefused("The URL must have a host, and a port may follow it.")
    port = int(authority[2] or PORTS[scheme])
    if not 0 < port < 2**16:
        raise UrlRefused("The URL's port must be from 1 to 65535.")
    return Origin(scheme, read_host(authority[1]), port), parts[3]
