"""Fetching what users' URLs lead to, from real servers: what is given back, and which failures may pass."""

from __future__ import annotations

from datetime import timedelta

import pytest

from outbound.allowed import parse_allowed
from outbound.client import Outbound
from tests.outbound.serving import Answer, Server, endless, message, says, silence
from worker.failures import StageFailed
from worker.fetching import Fetching

TYPES = ("text/html", "text/plain")
MOST = 64 * 1024


def fetching(*servers: Server, within: timedelta = timedelta(seconds=20)) -> Fetching:
    return Fetching(Outbound(parse_allowed([server.url for server in servers])), within)


async def failure(answer: Answer, *, within: timedelta = timedelta(seconds=20)) -> StageFailed:
    async with Server(answer) as server:
        with pytest.raises(StageFailed) as failed:
            await fetching(server, within=within).get(f"{server.url}/a?token=t0k3n", types=TYPES, most_bytes=MOST)
    assert failed.value.error.startswith("The URL could not be fetched: 127.0.0.1")
    assert "t0k3n" not in failed.value.error
    return failed.value


async def test_what_is_there_is_given() -> None:
    async with Server(
        says(message("Grün".encode("latin-1"), headers={"Content-Type": "text/html; charset=latin1"}))
    ) as server:
        fetched = await fetching(server).get(f"{server.url}/", types=TYPES, most_bytes=MOST)
    assert (fetched.text(), fetched.content_type) == ("Grün", "text/html")


@pytest.mark.parametrize(
    "answer",
    [
        says(message(b"x" * (MOST + 1))),
        endless(message(b"", headers={"Content-Length": ""}), b"x" * 65_536),
        says(message(headers={"Content-Type": "application/pdf"})),
        says(message(headers={"Content-Type": ""})),
        *(says(message(b"", status, {"Location": "https://x.example/"})) for status in (301, 400, 401, 403, 404, 410)),
    ],
)
async def test_what_will_not_be_otherwise_next_time_is_not_asked_for_again(answer: Answer) -> None:
    assert (await failure(answer)).permanent


@pytest.mark.parametrize(
    ("status", "counted"), [(408, True), (425, True), (500, True), (429, False), (502, False), (503, False)]
)
async def test_what_may_pass_is_asked_for_again(status: int, counted: bool) -> None:
    failed = await failure(says(message(b"", status, {"Retry-After": "30"})))
    assert (failed.permanent, failed.counted, failed.wait) == (False, counted, timedelta(seconds=30))


async def test_a_server_that_hangs_or_is_gone_may_come_back_and_uses_up_a_retry() -> None:
    hung = await failure(silence, within=timedelta(milliseconds=200))
    async with Server(silence) as server:
        gone = fetching(server)
    with pytest.raises(StageFailed) as raised:
        await gone.get(server.url, types=TYPES, most_bytes=MOST)
    for failed in (hung, raised.value):
        assert (failed.permanent, failed.counted, failed.definite) == (False, True, False)


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "http://localhost/", "ftp://x.example/", "no URL", ""])
async def test_what_the_guard_refuses_is_refused_for_good(url: str) -> None:
    with pytest.raises(StageFailed) as raised:
        await fetching().get(url, types=TYPES, most_bytes=MOST)
    assert raised.value.permanent
