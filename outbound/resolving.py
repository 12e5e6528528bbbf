"""Resolves a target once and judges every address that its name has. Nothing is connected here, and nothing is cached:
whoever connects resolves for itself, and connects to what was judged then."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from ipaddress import ip_address

from outbound.addresses import Address, why_refused
from outbound.allowed import Allowed
from outbound.errors import NotResolved, UrlRefused
from outbound.hosts import address_in
from outbound.urls import Target, check_url

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a name, for a port, in the order in which to try them. Raises OSError if it has none."""

RESOLVE_WITHIN = timedelta(seconds=5)


async def resolve(target: Target, resolver: Resolver, timeout: timedelta = RESOLVE_WITHIN) -> Sequence[Address]:
    """All addresses, at least one. Raises `UrlRefused` if a single one of them is refused: which of them a connection
    takes would be chance. Raises `NotResolved` if there is none, or no answer in time."""
    literal = address_in(target.host)
    addresses = [literal] if literal is not None else await _resolved(target, resolver, timeout)
    for address in addresses:
        why = why_refused(address, exempt=target.exempt)
        if why is not None:
            # Which address it is stays untold: names of a private network would be mapped from outside.
            raise UrlRefused(f"No request may be sent to {target.host}: it is at {why}.")
    return addresses


async def check_registered(
    text: str, allowed: Allowed, resolver: Resolver, timeout: timedelta = RESOLVE_WITHIN
) -> Target:
    """What is checked when somebody submits a URL to be used later. Raises `UrlRefused`, also for a name that does not
    resolve. It is no permission: the name may lead elsewhere by then, and is judged again at each use."""
    target = check_url(text, allowed)
    await resolve(target, resolver, timeout)
    return target


async def _resolved(target: Target, resolver: Resolver, timeout: timedelta) -> Sequence[Address]:
    try:
        async with asyncio.timeout(timeout.total_seconds()):
            texts = await resolver(target.host, target.port)
    except TimeoutError:
        raise NotResolved(f"The name {target.host} could not be resolved in time.") from None
    except OSError:
        texts = []
    if not texts:
        raise NotResolved(f"The name {target.host} cannot be resolved.")
    return [ip_address(text) for text in texts]
