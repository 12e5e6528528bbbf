"""Where a request may not go, however it is led there: by its URL, a resolver that changes its mind, a redirect."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from outbound.allowed import NOTHING, parse_allowed
from outbound.client import Outbound
from outbound.errors import Kind
from outbound.resolving import check_registered
from tests.outbound.asking import PUBLIC, SOON, Names, failed, failure
from tests.outbound.serving import HOST, Server, message, says

METADATA = "http://169.254.169.254/latest/meta-data/"


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server(says(message())) as server:
        yield server


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/", "https://localhost/", "https://2130706433/", "https://user:secret@shop.example/",
            "https://shop.example:8443/", METADATA, "https://[::ffff:127.0.0.1]/", "https://metadata.google.internal/",
            "x"]
)  # fmt: skip
async def test_a_url_is_judged_again_at_each_use(url: str) -> None:
    names = Names({"shop.example": [[PUBLIC]], "localhost": [[PUBLIC]]})
    for error in (
        await failed(Outbound(resolver=names), url),
        await failure(lambda: Outbound(resolver=names).post(url, b"x", {}, within=SOON)),
    ):
        assert (error.kind, error.status) == (Kind.REFUSED, None)
        assert "secret" not in str(error)
    assert names.asked == []


async def test_a_server_of_this_machine_is_refused_unless_it_is_an_exception(server: Server) -> None:
    assert (await failed(Outbound(), server.url)).kind == Kind.REFUSED
    assert (await failed(Outbound(parse_allowed([f"https://{HOST}:{server.port}"])), server.url)).kind == Kind.REFUSED
    assert (await failed(Outbound(parse_allowed([f"http://{HOST}"])), server.url)).kind == Kind.REFUSED
    assert server.connections == 0


async def test_a_name_that_leads_elsewhere_after_its_registration_is_refused() -> None:
    names = Names({"shop.example": [[PUBLIC], ["127.0.0.1"]]})
    target = await check_registered("https://shop.example/", NOTHING, names)
    error = await failed(Outbound(resolver=names), target.url)
    assert (error.kind, str(error)) == (
        Kind.REFUSED,
        "No request may be sent to shop.example: it is at a loopback address.",
    )


async def test_an_exception_whose_name_changes_its_mind_reaches_no_metadata_service(server: Server) -> None:
    names = Names({"cms.internal": [[HOST], ["169.254.169.254"]]})
    outbound = Outbound(parse_allowed([f"http://cms.internal:{server.port}"]), resolver=names)
    url = f"http://cms.internal:{server.port}/"
    await outbound.get(url, types=["text/plain"], most_bytes=100, within=SOON)
    assert (await failed(outbound, url)).kind == Kind.REFUSED
    assert server.connections == 1


async def test_one_private_address_among_public_ones_keeps_the_request_from_all() -> None:
    names = Names({"shop.example": [[PUBLIC, "10.0.0.1"]]})
    assert (await failed(Outbound(resolver=names), "https://shop.example/")).kind == Kind.REFUSED


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("elsewhere", [METADATA, "https://shop.example/", "/b", "//127.0.0.1/"])
async def test_no_redirect_is_followed(server: Server, code: int, elsewhere: str) -> None:
    server.answer = says(message(b"", code, {"Location": elsewhere}))
    names = Names({})
    outbound = Outbound(parse_allowed([server.url]), resolver=names)
    for error in (
        await failed(outbound, server.url),
        await failure(lambda: outbound.post(server.url, b"x", {}, within=SOON)),
    ):
        assert (error.kind, error.status) == (Kind.STATUS, code)
        assert str(error) == (
            f"{HOST} answered with a redirect ({code}), and none is followed: give the address it leads to."
        )
    assert (len(server.asked), names.asked) == (2, [])


async def test_a_redirect_to_the_same_server_is_not_followed_either(server: Server) -> None:
    server.answer = says(message(b"", 302, {"Location": f"{server.url}/b"}))
    assert (await failed(Outbound(parse_allowed([server.url])), server.url)).status == 302
    assert [asked.line for asked in server.asked] == ["GET / HTTP/1.1"]
