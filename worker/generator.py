"""The client of a generation endpoint: one call, one reply or a `CallFailed` that says what kind of failure it was.

Nothing is retried here, and nothing is known here of jobs, leases or settings.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

import httpx2
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from outbound.retry_after import read_retry_after
from worker.failures import CallEnd, StageFailed

MAX_REPLY_BYTES = 8 * 2**20
PASSING_CLIENT_ERRORS = {408, 409, 425, 429}
GATEWAY_ERRORS = {502, 503, 504}
UNCOUNTED = {429, *GATEWAY_ERRORS}
PROBE_SECONDS = 1.5
DYING_SECONDS = 0.25
MAX_ERROR_LENGTH = 500

Tokens = Annotated[int, Field(ge=0, le=2**53)]


@dataclass(frozen=True)
class Call:
    """One request. The same `idempotency_key` means the same work, to be paid once (I9)."""

    path: str
    body: Mapping[str, Any]
    idempotency_key: str = ""
    traceparent: str | None = None
    most_bytes: int = MAX_REPLY_BYTES


class Usage(BaseModel):
    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    cost: Annotated[float, Field(ge=0)] | None = None


def _usage_or_none(value: object, handler: ValidatorFunctionWrapHandler) -> object:
    """An article that was paid for is not thrown away, and paid for again, because its usage cannot be read."""
    try:
        return handler(value)
    except ValidationError:
        return None


class Reply(BaseModel):
    """The contract of spec §7."""

    model_config = ConfigDict(extra="ignore")

    success: bool
    content: str | dict[str, Any] | None = None
    usage: Annotated[Usage | None, WrapValidator(_usage_or_none)] = None
    error: str | None = None
    retryable: bool | None = None


class Refusal(BaseModel):
    """What an answer that is no success may say of itself; the contract's, or only a part of it."""

    model_config = ConfigDict(extra="ignore")

    error: str | None = None
    retryable: bool | None = None


@dataclass(eq=False)
class CallFailed(StageFailed):
    """`cost`: it was paid all the same. `throttled`: the endpoint is asked too often; `timed_out`: it took too long."""

    cost: float | None = None
    throttled: bool = False
    timed_out: bool = False

    @property
    def end(self) -> CallEnd:
        if self.timed_out:
            return CallEnd.TIMEOUT
        if self.throttled:
            return CallEnd.THROTTLED
        if self.down:
            return CallEnd.AWAY
        return CallEnd.REFUSED if self.permanent else CallEnd.ERROR


class GeneratorClient:
    """`http` has the endpoint's base URL and credentials; `timeout` bounds a whole call."""

    def __init__(self, http: httpx2.AsyncClient, timeout: timedelta) -> None:
        self._http = http
        self._timeout = timeout

    async def generate(self, call: Call) -> Reply:
        """A successful reply with content. Raises `CallFailed`; cancelling it closes the connection at once."""
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                return await self._exchange(call)
        except TimeoutError:
            told = f"The generator did not answer within {self._timeout.total_seconds():g} s."
            raise CallFailed(told, timed_out=True) from None
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise CallFailed(f"The generator cannot be reached: {_kind(error)}.", counted=False, down=True) from None
        except httpx2.HTTPError as error:
            # Where the whole endpoint went away, that is no failure of this call's.
            down = await self._went_away()
            raise CallFailed(
                f"The call to the generator broke off: {_kind(error)}.", counted=not down, down=down
            ) from None

    async def _went_away(self) -> bool:
        """Asked twice: one that is just dying may still take a connection."""
        if not await self.answers():
            return True
        await asyncio.sleep(DYING_SECONDS)
        return not await self.answers()

    async def answers(self) -> bool:
        """Whether there is an endpoint, as far as can be told without a job: one that takes the connection and does
        not give a gateway's excuse may work, whatever it makes of this question."""
        try:
            async with self._http.stream("GET", "/api/content/generate/topic", timeout=PROBE_SECONDS) as response:
                return response.status_code not in GATEWAY_ERRORS  # its body is not read: it may be of any size
        except (httpx2.ConnectError, httpx2.ConnectTimeout):
            return False
        except httpx2.HTTPError:
            return True

    async def _exchange(self, call: Call) -> Reply:
        request = self._http.stream(
            "POST",
            call.path,
            json=call.body,
            headers=_headers(call),
        )
        async with request as response:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > call.most_bytes:
                    raise CallFailed(
                        f"The generator's answer has more than {call.most_bytes // 2**20} MB.", definite=True
                    )
        if response.is_success:
            return _accepted(_parsed(response, bytes(body)))
        raise _refused(response, bytes(body))


def _headers(call: Call) -> dict[str, str]:
    headers = {"Idempotency-Key": call.idempotency_key}
    return headers if call.traceparent is None else headers | {"traceparent": call.traceparent}


def _parsed(response: httpx2.Response, body: bytes) -> Reply:
    try:
        return Reply.model_validate(json.loads(body))
    except (ValueError, RecursionError, ValidationError):
        kind = response.headers.get("content-type", "no content type")[:80]
        text = f"The generator's answer is not what was agreed: {len(body)} bytes of {kind}."
        raise CallFailed(text, definite=True) from None


def _accepted(reply: Reply) -> Reply:
    if not reply.success:
        error = _line(reply.error) or "The generator reported a failure without a reason."
        cost = reply.usage.cost if reply.usage else None
        raise CallFailed(error, permanent=reply.retryable is False, definite=True, cost=cost)
    if not reply.content or (isinstance(reply.content, str) and not reply.content.strip()):
        cost = reply.usage.cost if reply.usage else None
        raise CallFailed("The generator's answer has no content.", definite=True, cost=cost)
    return reply


def _refused(response: httpx2.Response, body: bytes) -> CallFailed:
    code = response.status_code
    try:
        told = Refusal.model_validate(json.loads(body))
    except (ValueError, RecursionError, ValidationError):
        told = Refusal()
    reason = _line(told.error)
    passing_client_error = code in PASSING_CLIENT_ERRORS
    return CallFailed(
        f"The generator answered {code}{': ' if reason else ''}{reason.rstrip('.')}.",
        permanent=(400 <= code < 500 and not passing_client_error) or told.retryable is False,
        counted=code not in UNCOUNTED,
        definite=code not in UNCOUNTED and not passing_client_error,
        down=code in GATEWAY_ERRORS,
        throttled=code == 429,
        wait=read_retry_after(response.headers.get("retry-after")),
    )


def _line(text: str | None) -> str:
    """On one line, as it will stand in an error summary, and in letters that can be stored."""
    whole = (text or "").encode("utf-8", "replace").decode()
    return " ".join(whole.split())[:MAX_ERROR_LENGTH]


def _kind(error: Exception) -> str:
    return (_line(str(error)) or type(error).__name__).rstrip(".")
