"""How tests ask: with names that a scripted resolver knows, and the caps that most of them share. No tests here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta

import pytest

from outbound.client import Outbound
from outbound.errors import OutboundFailed
from outbound.fetched import Fetched

PUBLIC = "93.184.216.34"
SOON = timedelta(seconds=20)
MOST = 64 * 1024


class Names:
    """A resolver that knows what it is told: each name's answers in order, the last of them for ever."""

    def __init__(self, names: Mapping[str, Sequence[Sequence[str]]]) -> None:
        self._names = {name: list(answers) for name, answers in names.items()}
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        answers = self._names.get(host)
        if answers is None:
            raise OSError("no such name")
        return answers.pop(0) if len(answers) > 1 else answers[0]


async def fetch(outbound: Outbound, url: str, *, within: timedelta = SOON, most_bytes: int = MOST) -> Fetched:
    return await outbound.get(url, types=("text/plain", "text/html"), most_bytes=most_bytes, within=within)


async def failure(asking: Callable[[], Awaitable[object]]) -> OutboundFailed:
    with pytest.raises(OutboundFailed) as raised:
        await asking()
    return raised.value


async def failed(outbound: Outbound, url: str, *, within: timedelta = SOON, most_bytes: int = MOST) -> OutboundFailed:
    return await failure(lambda: fetch(outbound, url, within=within, most_bytes=most_bytes))
