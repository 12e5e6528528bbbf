"""Judges a URL by its text, before anything is resolved; the name's addresses are judged in `outbound/resolving.py`.

What this lets pass may still lead to a private address: it is no permission to connect.
"""

from __future__ import annotations

from dataclasses import dataclass

import httpx2

from outbound.addresses import why_refused
from outbound.allowed import Allowed
from outbound.errors import UrlRefused
from outbound.hosts import address_in, why_private
from outbound.origins import PORTS, Origin, split_origin

LONGEST_URL = 2048


@dataclass(frozen=True)
class Target:
    """A URL that passed. `url` is written anew from its parts, so that whoever parses it next reads the same host;
    `exempt`: it is one of the operator's exceptions."""

    url: str
    host: str
    port: int
    exempt: bool


def check_url(text: str, allowed: Allowed) -> Target:
    """Raises `UrlRefused` with one sentence for whoever gave the URL."""
    if len(text) > LONGEST_URL:
        raise UrlRefused(f"The URL is longer than {LONGEST_URL} characters.")
    origin, rest = split_origin(text)
    exempt = origin in allowed
    if not exempt:
        _check_public(origin)
    return Target(str(httpx2.URL(f"{origin}{rest}")), origin.host, origin.port, exempt)


def _check_public(origin: Origin) -> None:
    if origin.scheme != "https":
        raise UrlRefused("The URL must begin with https://.")
    if origin.port != PORTS["https"]:
        raise UrlRefused(f"The URL must not name port {origin.port}: only 443 is allowed.")
    address = address_in(origin.host)
    why = why_private(origin.host) if address is None else why_refused(address)
    if why is not None:
        reason = why if address is None else f"is {why}"
        raise UrlRefused(f"No request may be sent to {origin.host}: it {reason}.")
