"""The connection under a request, seen without HTTP."""

from __future__ import annotations

from datetime import timedelta

import httpcore2
import pytest

from outbound.allowed import NOTHING, parse_allowed
from outbound.errors import UrlRefused
from outbound.guard import PIECE_BYTES, Bounded, Guard, Patience
from outbound.urls import check_url
from tests.outbound.asking import Names
from tests.outbound.serving import HOST, Server, silence


class Full(httpcore2.AsyncNetworkStream):
    """Gives as much as it is asked for."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return b"x" * max_bytes


async def test_no_more_is_read_at_once_than_can_be_parsed_without_holding_up_the_loop() -> None:
    assert len(await Bounded(Full(), 10**6).read(2**16)) == PIECE_BYTES


async def test_whatever_host_is_asked_for_the_judged_target_is_connected() -> None:
    async with Server(silence) as server:
        target = check_url(f"{server.url}/", parse_allowed([server.url]))
        guard = Guard(target, Names({}), Patience(connecting=timedelta(seconds=5)), 100)
        stream = await guard.connect_tcp("169.254.169.254", 80)
        assert stream.get_extra_info("server_addr") == (HOST, server.port)
        await stream.aclose()


async def test_no_connection_is_made_to_a_name_that_leads_to_this_machine() -> None:
    guard = Guard(check_url("https://shop.example/", NOTHING), Names({"shop.example": [[HOST]]}), Patience(), 100)
    with pytest.raises(UrlRefused):
        await guard.connect_tcp("shop.example", 443)


async def test_no_socket_of_this_machine_is_opened() -> None:
    guard = Guard(check_url("https://shop.example/", NOTHING), Names({}), Patience(), 100)
    with pytest.raises(httpcore2.ConnectError):
        await guard.connect_unix_socket("/run/docker.sock")
