"""What a hostile server may send: too much, too slowly, of the wrong type, or nonsense. Each ends in one sentence."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from outbound.allowed import parse_allowed
from outbound.client import Outbound
from outbound.errors import Kind
from tests.outbound.asking import MOST, SOON, failed, failure, fetch
from tests.outbound.serving import HOST, Answer, Server, endless, message, says, silence

SHORTLY = timedelta(milliseconds=300)
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
UNBOUNDED = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"
TOO_LARGE = f"{HOST}'s answer is larger than 64 KB."
TOO_MANY = "The server sent too many bytes around its answer."
HEADERS = f"The headers of {HOST}'s answer are larger than 64 KB."


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server(silence) as server:
        yield server


@pytest.fixture
def outbound(server: Server) -> Outbound:
    return Outbound(parse_allowed([server.url]))


def packed(body: bytes, encoding: str) -> bytes:
    return message(body, headers={"Content-Encoding": encoding})


async def test_a_body_of_exactly_the_cap_is_taken(server: Server, outbound: Outbound) -> None:
    server.answer = says(message(b"x" * MOST))
    assert len((await fetch(outbound, server.url)).body) == MOST


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (says(message(b"x" * (MOST + 1))), TOO_LARGE),
        (says(message(b"", length=10**12)), TOO_LARGE),
        (endless(UNBOUNDED, b"x" * 10_000), TOO_LARGE),
        (endless(CHUNKED, b"2710\r\n" + b"x" * 10_000 + b"\r\n"), TOO_LARGE),
        (endless(CHUNKED, b"1\r\nx\r\n" * 1000), TOO_MANY),
        (endless(CHUNKED, b"1;" + b"y" * 1000 + b"\r\nx\r\n"), TOO_MANY),
        (endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100), TOO_MANY),
        (endless(CHUNKED + b"0\r\n", b"A: b\r\n" * 1000), HEADERS),
        (endless(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n" * 1000), HEADERS),
        (endless(b"HTTP/1.1 200 OK\r\nA: ", b"b" * 1000), HEADERS),
        (endless(b"", b"b" * 1000), HEADERS),
        (says(message(headers={"A": "b" * 70_000})), HEADERS),
        (says(message(status=500, headers={f"A{number}": "b" * 1000 for number in range(70)})), HEADERS),
        (says(packed(gzip.compress(b"x" * (MOST + 1)), "gzip")), TOO_LARGE),
        (says(packed(gzip.compress(bytes(50 * 2**20)), "gzip")), TOO_LARGE),
        (says(packed(zlib.compress(bytes(50 * 2**20)), "deflate")), TOO_LARGE),
    ],
)  # fmt: skip
async def test_what_is_too_large_is_broken_off(
    server: Server, outbound: Outbound, answer: Answer, sentence: str
) -> None:
    server.answer = answer
    error = await failed(outbound, server.url)
    assert (error.kind, str(error)) == (Kind.TOO_LARGE, sentence)


async def test_the_rest_of_what_is_too_large_is_not_waited_for(server: Server, outbound: Outbound) -> None:
    server.answer = endless(UNBOUNDED, b"x" * 10_000, pause=0.001)
    await failed(outbound, server.url)
    await server.until_hung_up()


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "deflate", "identity"])
async def test_a_packed_answer_is_unpacked(server: Server, outbound: Outbound, encoding: str) -> None:
    bodies = {"gzip": gzip.compress(b"hello"), "deflate": zlib.compress(b"hello"), "identity": b"hello"}
    server.answer = says(packed(bodies[encoding.lower()], encoding))
    assert (await fetch(outbound, server.url)).body == b"hello"


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip, br", "compress", "x"])
async def test_an_answer_packed_otherwise_is_of_the_wrong_type(
    server: Server, outbound: Outbound, encoding: str
) -> None:
    server.answer = says(packed(gzip.compress(b"hello"), encoding))
    error = await failed(outbound, server.url)
    assert (error.kind, str(error)) == (
        Kind.WRONG_TYPE, f"{HOST}'s answer is packed in a way that was not asked for."
    )  # fmt: skip


async def test_an_answer_that_cannot_be_unpacked_is_of_the_wrong_type(server: Server, outbound: Outbound) -> None:
    server.answer = says(packed(b"hello", "gzip"))
    error = await failed(outbound, server.url)
    assert (error.kind, str(error)) == (Kind.WRONG_TYPE, f"{HOST}'s answer cannot be unpacked.")


@pytest.mark.parametrize(
    ("content_type", "told"),
    [
        ("image/png", "is of the type image/png"),
        ("application/json; charset=utf-8", "is of the type application/json"),
        ("text/htmlx", "is of the type text/htmlx"),
        ("text", "is of the type text"),
        ("", "does not say its type"),
        (";text/html", "does not say its type"),
        ("a" * 50_000, f"is of the type {'a' * 200}"),
    ],
)
async def test_another_type_is_refused_before_its_body_is_read(
    server: Server, outbound: Outbound, content_type: str, told: str
) -> None:
    server.answer = says(message(b"", headers={"Content-Type": content_type}, length=10))
    error = await failed(outbound, server.url)
    assert (error.kind, str(error)) == (
        Kind.WRONG_TYPE, f"{HOST}'s answer {told}, and should be text/plain or text/html."
    )  # fmt: skip


async def test_a_family_of_types_may_be_asked_for(server: Server, outbound: Outbound) -> None:
    server.answer = says(message(headers={"Content-Type": "Image/PNG"}))
    assert (await outbound.get(server.url, types=["image/*"], most_bytes=10, within=SOON)).content_type == "image/png"


@pytest.mark.parametrize(
    "answer",
    [
        silence,
        endless(b"", b"H", pause=0.01),
        endless(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n", pause=0.01),
        endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n", pause=0.01),
        endless(message(b"", length=1000), b"x", pause=0.01),
        endless(CHUNKED, b"1\r\nx\r\n", pause=0.01),
        endless(packed(b"", "gzip").replace(b"Content-Length: 0\r\n", b""), b"", pause=0.01),
    ],
    ids=["silence", "status line", "headers", "interim answers", "body", "chunks", "packed"],
)
async def test_a_server_that_trickles_is_given_up_after_the_whole_time(
    server: Server, outbound: Outbound, answer: Answer
) -> None:
    server.answer = answer
    error = await failed(outbound, server.url, within=SHORTLY)
    assert (error.kind, str(error)) == (Kind.TIMEOUT, f"{HOST} did not answer in full within 0.3 s.")
    await server.until_hung_up()


@pytest.mark.parametrize(
    "whole",
    [b"", b"HTTP/1.1 200", b"hello\r\n\r\n", b"HTTP/1.1 abc OK\r\n\r\n", b"\x16\x03\x01\r\n\r\n",
     message(b"x", length=2), message(b"", 101),
     CHUNKED + b"5\r\nhe", CHUNKED + b"zz\r\n", CHUNKED + b"-1\r\n", message(headers={"Transfer-Encoding": "x"}),
     message(headers={"Content-Length": "5, 6"}), message(headers={"A b": "c"})],
    ids=repr,
)  # fmt: skip
async def test_an_answer_that_is_torn_or_no_http_is_a_connection_that_broke_off(
    server: Server, outbound: Outbound, whole: bytes
) -> None:
    server.answer = says(whole)
    error = await failed(outbound, server.url)
    assert (error.kind, str(error)) == (Kind.UNREACHABLE, f"The connection to {HOST} broke off.")


@pytest.mark.parametrize("code", [304, 400, 404, 410, 429, 500, 503])
async def test_any_other_status_is_told_with_when_to_come_again(server: Server, outbound: Outbound, code: int) -> None:
    server.answer = says(message(b"x" * 100, code, {"Retry-After": "7"}))
    error = await failed(outbound, server.url)
    assert (error.kind, error.status, str(error)) == (Kind.STATUS, code, f"{HOST} answered {code}.")
    assert error.retry_after == timedelta(seconds=7)


async def test_what_was_posted_has_arrived_however_long_the_answer_is(server: Server, outbound: Outbound) -> None:
    server.answer = endless(UNBOUNDED, b"x" * 10_000, pause=0.001)
    fetched = await outbound.post(server.url, b"x", {}, within=SOON, most_bytes=100)
    assert (fetched.status, fetched.body, fetched.complete) == (200, b"x" * 100, False)
    await server.until_hung_up()


async def test_what_was_posted_may_be_refused(server: Server, outbound: Outbound) -> None:
    server.answer = says(message(b"no", 401))
    error = await failure(lambda: outbound.post(server.url, b"x", {}, within=SOON))
    assert (error.kind, error.status) == (Kind.STATUS, 401)
