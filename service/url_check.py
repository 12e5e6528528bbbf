"""Judges a URL that a user registers for later use. It is no permission: the worker judges it again at each use."""

from __future__ import annotations

from jobs.errors import Fault, InvalidInput
from outbound.allowed import Allowed
from outbound.errors import UrlRefused
from outbound.resolving import Resolver, check_registered


class UrlCheck:
    """`allowed` are the operator's exceptions."""

    def __init__(self, allowed: Allowed, resolver: Resolver) -> None:
        self._allowed = allowed
        self._resolver = resolver

    async def registered(self, url: str, path: str) -> str:
        """The URL as it is to be stored. Raises `InvalidInput` about the field at `path`, with the guard's sentence."""
        try:
            return (await check_registered(url, self._allowed, self._resolver)).url
        except UrlRefused as refused:
            raise InvalidInput("The request is not valid.", (Fault(path, str(refused)),)) from None
