"""The connection to an OpenAI-compatible endpoint: one request, its answer opened or refused. No retries here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx2

from generator.errors import ModelFailed, ModelOutOfReach, NotWritten
from generator.openai.refusals import refused
from generator.settings import OpenAI

CONNECT_SECONDS = 10.0
LARGEST_REFUSAL = 64 * 1024


class Endpoint:
    def __init__(self, settings: OpenAI) -> None:
        self.key = settings.api_key.get_secret_value() if settings.api_key else ""
        self._timeout_seconds = settings.timeout_seconds
        self._http = httpx2.AsyncClient(
            base_url=str(settings.base_url),
            headers={"Authorization": f"Bearer {self.key}"} if self.key else {},
            timeout=httpx2.Timeout(settings.timeout_seconds, connect=CONNECT_SECONDS),
            # A connection kept for minutes may be dead when it is next used, which looks like a failed call.
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=0),
        )

    @asynccontextmanager
    async def opened(self, path: str, body: Mapping[str, object]) -> AsyncIterator[httpx2.Response]:
        """A successful answer, its body not yet read. Leaving it early closes the connection.

        Raises `GeneratorError`, also where its body takes longer than the settings allow.
        """
        try:
            async with (
                asyncio.timeout(self._timeout_seconds),
                self._http.stream("POST", path, json=body) as response,
            ):
                if not response.is_success:
                    raise refused(response.status_code, response.headers, await _beginning(response), self.key)
                yield response
        except TimeoutError:
            raise ModelFailed(f"The model did not end within {self._timeout_seconds:g} s") from None
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise ModelOutOfReach(f"no connection ({type(error).__name__})") from None
        except httpx2.HTTPError as error:
            raise ModelFailed(f"The call to the model broke off ({type(error).__name__})") from None

    async def close(self) -> None:
        await self._http.aclose()


async def body_of(response: httpx2.Response, most: int) -> bytes:
    """Raises `NotWritten` where it has more bytes than `most`."""
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > most:
            raise NotWritten(f"The model's endpoint answered more than {most // 2**20} MB")
    return bytes(body)


async def _beginning(response: httpx2.Response) -> bytes:
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) >= LARGEST_REFUSAL:
            break
    return bytes(body[:LARGEST_REFUSAL])
