"""Context providers that are asked over HTTP: the operator's URL with an item's values in it, its answer as text.

The guard judges their connections like all others. Answers are remembered in this process; nothing is stored.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, assert_never

import structlog

from jobs.notification.url_template import UrlTemplate, ValueMissing
from outbound.client import Outbound
from outbound.errors import Kind, OutboundFailed
from outbound.fetched import Fetched
from worker.contexts import MOST_CHARACTERS, ContextFailed
from worker.single_flight import SingleFlight

log = structlog.get_logger()
JSON = "application/json"
TYPES = (JSON, "text/plain")
MOST_REMEMBERED = 256
FAILURE_IS_KEPT = timedelta(seconds=10)


@dataclass(frozen=True)
class Endpoint:
    """`name` is for the log, `headers` may be credentials. `keep` is for how long an answer is remembered, `timeout`
    bounds a request."""

    name: str
    url: UrlTemplate
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: timedelta = timedelta(seconds=5)
    keep: timedelta = timedelta(minutes=10)
    most_bytes: int = 256 * 1024


@dataclass(frozen=True)
class _Answer:
    text: str
    failed: bool = False


class HttpContext:
    """One such provider; `ask` is to be registered."""

    def __init__(self, outbound: Outbound, endpoint: Endpoint, now: Callable[[], float] = time.monotonic) -> None:
        self._outbound = outbound
        self._endpoint = endpoint
        self._answers = SingleFlight(self._seconds_kept, MOST_REMEMBERED, now)

    async def ask(self, item: Mapping[str, Any]) -> str | None:
        """At most once for all who ask for the same at the same time. Raises `ContextFailed`."""
        try:
            url = self._endpoint.url.fill(item)
        except ValueMissing as missing:
            raise ContextFailed(f"was not asked: {missing}.") from None
        answer = await self._answers.get(url, lambda: self._asked(url))
        if answer.failed:
            raise ContextFailed(answer.text)
        return answer.text

    def _seconds_kept(self, answer: _Answer) -> float:
        return (FAILURE_IS_KEPT if answer.failed else self._endpoint.keep).total_seconds()

    async def _asked(self, url: str) -> _Answer:
        endpoint = self._endpoint
        try:
            fetched = await self._outbound.get(
                url,
                types=TYPES,
                most_bytes=endpoint.most_bytes,
                within=endpoint.timeout,
                headers=endpoint.headers,
            )
            return _Answer(_text_of(fetched)[:MOST_CHARACTERS])
        except ContextFailed as failed:
            return _Answer(failed.reason, failed=True)
        except OutboundFailed as failed:
            log.warning("context_provider_failed", provider=endpoint.name, reason=str(failed))
            return _Answer(self._reason(failed), failed=True)

    def _reason(self, failed: OutboundFailed) -> str:
        """Without the host, which is the operator's affair."""
        match failed.kind:
            case Kind.TIMEOUT:
                return f"did not answer within {self._endpoint.timeout.total_seconds():g} s."
            case Kind.STATUS:
                return f"answered {failed.status}."
            case Kind.TOO_LARGE:
                return "answered with too much."
            case Kind.WRONG_TYPE:
                return "did not answer with JSON or text."
            case Kind.UNREACHABLE:
                return "cannot be reached."
            case Kind.REFUSED:
                return "may not be asked."
        assert_never(failed.kind)


def _text_of(fetched: Fetched) -> str:
    """`{"context": text}`, any other JSON written compactly, or text as it is."""
    if fetched.content_type != JSON:
        return fetched.text()
    try:
        told = json.loads(fetched.body)
        if isinstance(told, dict) and isinstance(told.get("context"), str):
            return str(told["context"])
        if told in (None, [], {}):
            return ""
        return json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        raise ContextFailed("did not answer with valid JSON.") from None
