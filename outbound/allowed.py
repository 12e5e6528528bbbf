"""The operator's exceptions: origins that users may name although they would be refused. No user adds to them.

Each is written as one of

    cms.internal                 https on port 443
    cms.internal:8443            https on that port
    https://cms.internal:8443    the same
    http://cms.internal:8080     http, without TLS, on that port (80 where none is given)

and opens this scheme, host and port alone: not the names below it, nor another name of the same server. The host
may then have any name, and stand at a loopback, private or carrier's address; at a cloud's metadata address it may not.
"""

from __future__ import annotations

from collections.abc import Iterable

from outbound.addresses import why_refused
from outbound.errors import AllowedMalformed, UrlRefused
from outbound.hosts import address_in
from outbound.origins import Origin, split_origin

Allowed = frozenset[Origin]
NOTHING: Allowed = frozenset()


def parse_allowed(entries: Iterable[str]) -> Allowed:
    """Raises `AllowedMalformed` with a sentence about the first entry that cannot be read."""
    return frozenset(_origin(entry) for entry in entries)


def _origin(entry: str) -> Origin:
    try:
        origin, rest = split_origin(entry if "://" in entry else f"https://{entry}")
    except UrlRefused as refused:
        raise AllowedMalformed(f"The exception {entry!r} cannot be read: {refused}") from None
    if rest or "#" in entry:
        raise AllowedMalformed(f"The exception {entry!r} must end with its host or port: it opens no single path.")
    address = address_in(origin.host)
    why = None if address is None else why_refused(address, exempt=True)
    if why is not None:
        raise AllowedMalformed(f"The exception {entry!r} cannot be made: it is {why}.")
    return origin
