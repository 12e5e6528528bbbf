"""Requests to URLs that users gave: no request to such a URL is made anywhere else.

Built on httpx2's messages and httpcore2's connections without a client between them: redirects, proxies, cookies,
`.netrc` and the environment are not switched off here, they are not there.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta

import httpcore2
import httpx2

from outbound.allowed import NOTHING, Allowed
from outbound.answers import MOST_HEADER_BYTES, Wanted, headers_too_large, read_answer
from outbound.errors import Kind, NotResolved, OutboundFailed, UrlRefused
from outbound.fetched import Fetched
from outbound.guard import Guard, Patience
from outbound.resolving import Resolver
from outbound.retry_after import MOST
from outbound.system_resolver import SystemResolver
from outbound.urls import Target, check_url

POST_ANSWER_BYTES = 64 * 2**10
OURS = {"host", "connection", "content-length", "transfer-encoding", "accept-encoding", "upgrade", "te", "trailer"}
_NAME = re.compile(r"[a-zA-Z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?|")


class Outbound:
    """Each request has a connection of its own, closed with its end; cancelling a request closes it at once.

    `tls` verifies the servers: by default against the machine's certificates, whatever the environment says.
    """

    def __init__(
        self,
        allowed: Allowed = NOTHING,
        *,
        resolver: Resolver | None = None,
        tls: ssl.SSLContext | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._allowed = allowed
        self._resolver = resolver or SystemResolver()
        self._tls = tls or httpx2.create_ssl_context(trust_env=False)
        self._patience = patience or Patience()

    async def get(
        self,
        url: str,
        *,
        types: Collection[str],
        most_bytes: int,
        within: timedelta,
        headers: Mapping[str, str] | None = None,
    ) -> Fetched:
        """A 2xx answer of one of `types` (`text/html`, `image/*`). `most_bytes` bounds its body unpacked, `within` all
        of it, from the name's resolution to the last byte. Raises `OutboundFailed`."""
        asked = {"Accept": ", ".join(types), "Accept-Encoding": "gzip", **_checked(headers or {})}
        return await self._within(within, url, "GET", None, asked, Wanted(types, most_bytes))

    async def post(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        within: timedelta,
        most_bytes: int = POST_ANSWER_BYTES,
        refusal_bytes: int = 0,
        longest_wait: timedelta = MOST,
    ) -> Fetched:
        """A 2xx answer of any type, its body cut at `most_bytes`. Of any other answer the error has so many bytes, and
        the wait that it asks for, at most so long. Raises `OutboundFailed`; but for `REFUSED` and a
        `status` the server may have taken the body all the same, so that a repeat needs a key of its own."""
        asked = {"Accept-Encoding": "identity", **_checked(headers)}
        wanted = Wanted(None, most_bytes, cuts=True, refusal_bytes=refusal_bytes, longest_wait=longest_wait)
        return await self._within(within, url, "POST", body, asked, wanted)

    async def _within(
        self, within: timedelta, url: str, method: str, body: bytes | None, headers: Mapping[str, str], wanted: Wanted
    ) -> Fetched:
        target = _target(url, self._allowed)
        request = httpx2.Request(
            method, target.url, headers={"User-Agent": "Pressrun", "Connection": "close", **headers}, content=body
        )
        try:
            async with asyncio.timeout(within.total_seconds()):
                return await self._exchange(target, request, wanted)
        except TimeoutError:
            sentence = f"{target.host} did not answer in full within {within.total_seconds():g} s."
            raise OutboundFailed(sentence, Kind.TIMEOUT) from None

    async def _exchange(self, target: Target, request: httpx2.Request, wanted: Wanted) -> Fetched:
        try:
            async with self._sent(target, request, wanted) as response:
                return await read_answer(response, wanted, target.host)
        except NotResolved as error:
            raise OutboundFailed(str(error), Kind.UNREACHABLE) from None
        except UrlRefused as error:
            raise OutboundFailed(str(error), Kind.REFUSED) from None
        except httpx2.DecodingError:
            raise OutboundFailed(f"{target.host}'s answer cannot be unpacked.", Kind.WRONG_TYPE) from None
        except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
            raise OutboundFailed(_unreachable(target, error), Kind.UNREACHABLE) from None
        except (httpcore2.NetworkError, httpcore2.ProtocolError, ssl.SSLError) as error:
            if _is_header_limit(error):
                raise headers_too_large(target.host) from None
            raise OutboundFailed(f"The connection to {target.host} broke off.", Kind.UNREACHABLE) from None

    @asynccontextmanager
    async def _sent(self, target: Target, request: httpx2.Request, wanted: Wanted) -> AsyncIterator[httpx2.Response]:
        """Framing may be as large again as what it frames; more is an attack."""
        guard = Guard(target, self._resolver, self._patience, 2 * (wanted.most_bytes + MOST_HEADER_BYTES))
        url = httpcore2.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        async with httpcore2.AsyncHTTPConnection(url.origin, self._tls, network_backend=guard) as connection:
            answer = await connection.handle_async_request(
                httpcore2.Request(request.method, url, headers=request.headers.raw, content=request.content)
            )
            yield httpx2.Response(answer.status, headers=answer.headers, stream=_Body(answer), request=request)


class _Body(httpx2.AsyncByteStream):
    def __init__(self, answer: httpcore2.Response) -> None:
        self._answer = answer

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._answer.aiter_stream()


def _target(url: str, allowed: Allowed) -> Target:
    try:
        return check_url(url, allowed)
    except UrlRefused as error:
        raise OutboundFailed(str(error), Kind.REFUSED) from None


def _checked(headers: Mapping[str, str]) -> Mapping[str, str]:
    """No value is told: it may be a secret."""
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or name.lower() in OURS:
            raise OutboundFailed(f"The header {name[:80]!r} cannot be set.", Kind.REFUSED)
        if not _VALUE.fullmatch(value):
            raise OutboundFailed(f"The value of the header {name} has letters that cannot be sent.", Kind.REFUSED)
    return headers


def _unreachable(target: Target, error: Exception) -> str:
    if isinstance(error.__cause__, ssl.SSLCertVerificationError):
        return f"The certificate of {target.host} is not valid: {error.__cause__.verify_message.rstrip('.')}."
    if isinstance(error.__cause__, ssl.SSLError):
        return f"No secure connection to {target.host} could be made."
    return f"{target.host} cannot be reached."


def _is_header_limit(error: Exception) -> bool:
    """httpcore2 gives on h11's error, which tells so by the status that a server would answer."""
    return getattr(error.__cause__, "error_status_hint", None) == 431
