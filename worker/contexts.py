"""The context providers, and what they tell for an item: all are asked at once, and none can fail a job.

How one is asked is its own affair: a URL of the operator's (`worker/http_contexts.py`), or a team's function.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from worker.stage import Context

log = structlog.get_logger()
MOST_CHARACTERS = 20_000
SLOTS = ("competitor", "product", "seo", "other")
PATIENCE = timedelta(seconds=5)

AskContext = Callable[[Mapping[str, Any]], Awaitable[str | None]]
"""From an item to what is known for it. Raises `ContextFailed` with a reason that may be shown."""


@dataclass(eq=False)
class ContextFailed(Exception):
    """`reason` follows the provider's name, as in `did not answer within 5 s.`"""

    reason: str

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True)
class _Provider:
    name: str
    slot: str
    ask: AskContext
    timeout: timedelta | None


class Contexts:
    """A registry of providers; they are asked in parallel, and told in the order in which they were registered."""

    def __init__(self) -> None:
        self._providers: dict[str, _Provider] = {}

    def register(
        self, name: str, ask: AskContext, *, slot: str = "other", timeout: timedelta | None = PATIENCE
    ) -> None:
        """`timeout` bounds each question; None for one that keeps a time of its own. Raises ValueError for a name that
        is taken, and a slot that there is not."""
        if name in self._providers:
            raise ValueError(f"there is a context provider {name!r} already")
        if slot not in SLOTS:
            raise ValueError(f"the context provider {name!r} has the slot {slot!r}: there are {', '.join(SLOTS)}")
        self._providers[name] = _Provider(name, slot, ask, timeout)

    async def of(self, item: Mapping[str, Any]) -> Sequence[Context]:
        return await asyncio.gather(*(_asked(provider, dict(item)) for provider in self._providers.values()))


async def _asked(provider: _Provider, item: Mapping[str, Any]) -> Context:
    try:
        text = _clean(await _answer(provider, item))
    except ContextFailed as failed:
        reason = failed.reason
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        reason = "has failed."  # by a cancellation of its own, which is not the job's
    except Exception:
        # What a team's code says in an error may be secret: it is for the log alone.
        log.exception("context_provider_failed", provider=provider.name)
        reason = "has failed."
    else:
        if text:
            return Context(provider.name, provider.slot, text)
        reason = "knows nothing of this item."
    return Context(provider.name, provider.slot, None, f"The context provider {provider.name} {reason}")


async def _answer(provider: _Provider, item: Mapping[str, Any]) -> str | None:
    if provider.timeout is None:
        return await provider.ask(item)
    seconds = provider.timeout.total_seconds()
    try:
        async with asyncio.timeout(seconds) as limit:
            return await provider.ask(item)
    except TimeoutError:
        if not limit.expired():
            raise  # its own
        raise ContextFailed(f"did not answer within {seconds:g} s.") from None


def _clean(text: object) -> str:
    """What can be stored, and no more of it than a prompt can take."""
    if text is None:
        return ""
    if not isinstance(text, str):
        raise ContextFailed("did not answer with text.")
    return text[:MOST_CHARACTERS].replace("\0", "").encode("utf-8", "replace").decode().strip()
