"""A name is judged by all of its addresses, when it is registered and again whenever it is used."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbound.addresses import why_refused
from outbound.allowed import NOTHING, parse_allowed
from outbound.errors import NotResolved, UrlRefused
from outbound.resolving import check_registered, resolve
from outbound.urls import check_url
from tests.outbound.asking import PUBLIC, Names

URL = "https://shop.example/a"


async def refused(answer: Sequence[str]) -> str:
    with pytest.raises(UrlRefused) as raised:
        await check_registered(URL, NOTHING, Names({"shop.example": [answer]}))
    return str(raised.value)


async def test_a_name_with_public_addresses_may_be_registered() -> None:
    names = Names({"shop.example": [[PUBLIC, "2606:4700::1111"]]})
    assert (await check_registered(URL, NOTHING, names)).url == URL
    assert names.asked == [("shop.example", 443)]


async def test_all_addresses_are_given_in_the_resolvers_order() -> None:
    found = await resolve(check_url(URL, NOTHING), Names({"shop.example": [["2606:4700::1111", PUBLIC]]}))
    assert list(found) == [ip_address("2606:4700::1111"), ip_address(PUBLIC)]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (["127.0.0.1"], "a loopback address"),
        ([PUBLIC, "10.0.0.1"], "a private address"),
        (["10.0.0.1", PUBLIC], "a private address"),
        ([PUBLIC] * 20 + ["::1"], "a loopback address"),
        (["::ffff:192.168.0.1"], "a private address"),
        (["fe80::1%eth0"], "an address with a zone"),
        (["64:ff9b::a9fe:a9fe"], "a NAT64 address"),
        (["169.254.169.254"], "a cloud's metadata address"),
    ],
)
async def test_one_address_that_is_not_public_refuses_the_name_and_is_not_told(answer: list[str], why: str) -> None:
    assert await refused(answer) == f"No request may be sent to shop.example: it is at {why}."


@given(st.lists(st.ip_addresses(), min_size=1, max_size=5))
async def test_a_name_passes_only_if_every_address_does(addresses: list[object]) -> None:
    texts = [str(address) for address in addresses]
    resolving = check_registered(URL, NOTHING, Names({"shop.example": [texts]}))
    if any(why_refused(ip_address(text)) for text in texts):
        with pytest.raises(UrlRefused):
            await resolving
    else:
        await resolving


async def test_an_address_in_the_url_is_not_resolved() -> None:
    names = Names({})
    await check_registered(f"https://{PUBLIC}/", NOTHING, names)
    assert names.asked == []


async def test_a_name_that_does_not_resolve_is_refused() -> None:
    with pytest.raises(NotResolved, match=r"^The name shop\.example cannot be resolved\.$"):
        await check_registered(URL, NOTHING, Names({}))
    assert await refused([]) == "The name shop.example cannot be resolved."


async def test_a_resolver_that_does_not_answer_is_not_waited_for() -> None:
    async def never(_: str, __: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    with pytest.raises(NotResolved, match=r"^The name shop\.example could not be resolved in time\.$"):
        await check_registered(URL, NOTHING, never, timedelta(milliseconds=20))


async def test_an_exception_may_stand_in_a_private_network_and_at_no_metadata_service() -> None:
    allowed = parse_allowed(["cms.internal"])
    await check_registered("https://cms.internal/", allowed, Names({"cms.internal": [["10.0.0.7", "::1"]]}))
    with pytest.raises(UrlRefused, match=r"cms\.internal: it is at a cloud's metadata address\.$"):
        await check_registered("https://cms.internal/", allowed, Names({"cms.internal": [["169.254.169.254"]]}))
