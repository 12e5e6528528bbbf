"""Requests by a client that is guarded: what a server sees of them, and what is given back."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import trustme

from outbound.allowed import parse_allowed
from outbound.client import Outbound
from outbound.errors import Kind
from outbound.guard import Patience
from tests.outbound.asking import PUBLIC, SOON, Names, failed, failure, fetch
from tests.outbound.serving import HOST, Asked, Server, endless, message, says, silence

NAME = "shop.example"


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server(says(message())) as server:
        yield server


@pytest.fixture
def outbound(server: Server) -> Outbound:
    return Outbound(parse_allowed([server.url]))


@pytest.fixture
async def secure(authority: trustme.CA) -> AsyncIterator[Server]:
    """With TLS, and a certificate for `shop.example` alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(NAME).configure_cert(context)
    async with Server(says(message()), tls=context) as server:
        yield server


def knowing(server: Server, trusting: ssl.SSLContext, *answers: list[str], name: str = NAME) -> Outbound:
    """A client for which the name, at this server's port, is an exception, so that it may lead to this machine."""
    return Outbound(parse_allowed([f"{name}:{server.port}"]), resolver=Names({name: answers or [[HOST]]}), tls=trusting)


async def test_a_page_is_fetched_with_its_status_type_and_text(server: Server, outbound: Outbound) -> None:
    server.answer = says(message("Grüße".encode("cp1252"), headers={"Content-Type": "Text/Plain; charset=Latin1"}))
    fetched = await fetch(outbound, f"{server.url}/a?b=c#d")
    assert (fetched.status, fetched.content_type, fetched.text(), fetched.complete) == (
        200,
        "text/plain",
        "Grüße",
        True,
    )
    asked = server.asked[0]
    assert asked.line == "GET /a?b=c HTTP/1.1"
    assert asked.headers == {
        "host": f"{HOST}:{server.port}",
        "user-agent": "Pressrun",
        "accept": "text/plain, text/html",
        "accept-encoding": "gzip",
        "connection": "close",
    }


async def test_a_body_is_posted_as_it_is_with_its_headers(server: Server, outbound: Outbound) -> None:
    server.answer = says(message(b'{"id": 7}', 201, {"Content-Type": "application/json"}))
    headers = {"Content-Type": "application/json", "webhook-signature": "v1,abc="}
    fetched = await outbound.post(f"{server.url}/hook", b'{"a":1}', headers, within=SOON)
    assert (fetched.status, fetched.body) == (201, b'{"id": 7}')
    asked = server.asked[0]
    assert (asked.line, asked.body) == ("POST /hook HTTP/1.1", b'{"a":1}')
    assert headers.items() <= {**asked.headers, "Content-Type": asked.headers["content-type"]}.items()


async def test_nothing_of_the_environment_is_used(
    server: Server, outbound: Outbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert (await fetch(outbound, server.url)).body == b"hello"


async def test_each_request_has_a_connection_of_its_own_and_no_cookie_of_the_last(
    server: Server, outbound: Outbound
) -> None:
    server.answer = says(message(headers={"Set-Cookie": "session=1"}))
    for _ in range(3):
        await fetch(outbound, server.url)
    assert server.connections == 3
    assert not any("cookie" in asked.headers for asked in server.asked)


async def test_host_and_tls_name_stay_those_of_the_url_while_the_judged_address_is_connected(
    secure: Server, trusting: ssl.SSLContext
) -> None:
    outbound = knowing(secure, trusting)
    assert (await fetch(outbound, f"https://{NAME}:{secure.port}/a")).body == b"hello"
    assert secure.names == [NAME]
    assert secure.asked[0].headers["host"] == f"{NAME}:{secure.port}"


async def test_a_certificate_for_another_name_is_refused(secure: Server, trusting: ssl.SSLContext) -> None:
    outbound = knowing(secure, trusting, name="other.example")
    error = await failed(outbound, f"https://other.example:{secure.port}/")
    assert error.kind == Kind.UNREACHABLE
    assert str(error).startswith("The certificate of other.example is not valid: Hostname mismatch")
    assert secure.asked == []


async def test_a_certificate_of_an_unknown_authority_is_refused_even_if_the_environment_trusts_it(
    secure: Server, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    outbound = Outbound(parse_allowed([f"{NAME}:{secure.port}"]), resolver=Names({NAME: [[HOST]]}))
    error = await failed(outbound, f"https://{NAME}:{secure.port}/")
    assert (error.kind, secure.asked) == (Kind.UNREACHABLE, [])
    assert "certificate" in str(error)


async def test_a_connection_whose_tls_is_disturbed_broke_off(secure: Server, trusting: ssl.SSLContext) -> None:
    async def disturb(_: Asked, writer: asyncio.StreamWriter) -> None:
        os.write(writer.get_extra_info("socket").fileno(), b"no TLS record")

    secure.answer = disturb
    error = await failed(knowing(secure, trusting), f"https://{NAME}:{secure.port}/")
    assert (error.kind, str(error)) == (Kind.UNREACHABLE, f"The connection to {NAME} broke off.")


async def test_a_server_without_tls_is_not_spoken_to(trusting: ssl.SSLContext) -> None:
    async def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(message(b"", 400))
        writer.close()

    async with await asyncio.start_server(connected, HOST, 0) as plain:
        port = plain.sockets[0].getsockname()[1]
        outbound = Outbound(parse_allowed([f"{NAME}:{port}"]), resolver=Names({NAME: [[HOST]]}), tls=trusting)
        error = await failed(outbound, f"https://{NAME}:{port}/")
    assert (error.kind, str(error)) == (Kind.UNREACHABLE, f"No secure connection to {NAME} could be made.")


async def test_a_name_is_resolved_once_a_request(secure: Server, trusting: ssl.SSLContext) -> None:
    names = Names({NAME: [[HOST], ["10.255.255.1"]]})
    outbound = Outbound(parse_allowed([f"{NAME}:{secure.port}"]), resolver=names, tls=trusting)
    await fetch(outbound, f"https://{NAME}:{secure.port}/")
    assert names.asked == [(NAME, secure.port)]


async def test_no_more_than_four_addresses_are_tried(secure: Server, trusting: ssl.SSLContext) -> None:
    outbound = knowing(secure, trusting, [f"127.0.0.{number}" for number in range(91, 95)] + [HOST])
    assert (await failed(outbound, f"https://{NAME}:{secure.port}/")).kind == Kind.UNREACHABLE
    assert secure.connections == 0


async def test_the_next_address_is_tried_where_the_first_takes_no_connection(
    secure: Server, trusting: ssl.SSLContext
) -> None:
    outbound = knowing(secure, trusting, ["127.0.0.99", "::1", HOST])  # nobody listens at the first two
    assert (await fetch(outbound, f"https://{NAME}:{secure.port}/")).body == b"hello"


@pytest.mark.parametrize(
    "name", ["Host", "content-length", "Transfer-Encoding", "CONNECTION", "Accept-Encoding", "a b", ""]
)
async def test_a_header_that_is_ours_to_set_is_refused(server: Server, outbound: Outbound, name: str) -> None:
    error = await failure(lambda: outbound.post(server.url, b"", {name: "x"}, within=SOON))
    assert (error.kind, str(error)) == (Kind.REFUSED, f"The header {name!r} cannot be set.")
    assert server.connections == 0


@pytest.mark.parametrize("value", ["a\r\nHost: b", "a\nb", "a\0", " a", "a ", "ü"])
async def test_a_header_value_that_cannot_be_sent_is_refused_and_not_told(
    server: Server, outbound: Outbound, value: str
) -> None:
    error = await failure(lambda: outbound.post(server.url, b"", {"X-Key": value}, within=SOON))
    assert str(error) == "The value of the header X-Key has letters that cannot be sent."
    assert server.connections == 0


async def test_a_server_that_is_not_there_is_unreachable() -> None:
    async with Server(silence) as server:
        pass
    error = await failed(Outbound(parse_allowed([server.url])), server.url)
    assert (error.kind, str(error)) == (Kind.UNREACHABLE, f"{HOST} cannot be reached.")


async def test_a_name_that_does_not_resolve_is_unreachable_at_this_moment() -> None:
    error = await failed(Outbound(resolver=Names({})), f"https://{NAME}/")
    assert (error.kind, str(error)) == (Kind.UNREACHABLE, f"The name {NAME} cannot be resolved.")


async def test_a_resolver_without_an_answer_is_not_waited_for() -> None:
    async def never(_: str, __: int) -> list[str]:
        await asyncio.Event().wait()
        return [PUBLIC]

    patience = Patience(resolving=timedelta(milliseconds=20))
    error = await failed(Outbound(resolver=never, patience=patience), f"https://{NAME}/")
    assert (error.kind, str(error)) == (Kind.UNREACHABLE, f"The name {NAME} could not be resolved in time.")


async def test_cancelling_a_request_closes_its_connection(server: Server, outbound: Outbound) -> None:
    for answer in (silence, endless(message(b"", length=10**6), b"x", pause=0.01)):
        server.answer, server.hung_up = answer, 0
        asking = asyncio.create_task(fetch(outbound, server.url, most_bytes=2**20))
        await server.until_asked(len(server.asked) + 1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await server.until_hung_up()


async def test_cancelling_in_the_middle_of_a_tls_handshake_closes_the_connection(trusting: ssl.SSLContext) -> None:
    greeted, gone = asyncio.Event(), asyncio.Event()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        greeted.set()
        while await reader.read(1000):
            pass
        gone.set()
        writer.close()

    async with await asyncio.start_server(connected, HOST, 0) as mute:
        port = mute.sockets[0].getsockname()[1]
        outbound = Outbound(parse_allowed([f"{NAME}:{port}"]), resolver=Names({NAME: [[HOST]]}), tls=trusting)
        asking = asyncio.create_task(fetch(outbound, f"https://{NAME}:{port}/"))
        await greeted.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        async with asyncio.timeout(15):
            await gone.wait()
