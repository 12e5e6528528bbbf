"""Reads an answer within bounds: its status, its type, its size on the wire and unpacked. Nothing is connected here."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from email.message import Message

import httpcore2
import httpx2

from outbound.errors import Kind, OutboundFailed
from outbound.fetched import Fetched
from outbound.retry_after import MOST, read_retry_after

MOST_HEADER_BYTES = 64 * 2**10
LONGEST_TYPE = 200
"""The parser of its parameters takes quadratic time."""

HEAD_WITHIN = timedelta(seconds=2)
UNPACKED_HERE = {"", "identity", "gzip", "deflate"}


@dataclass(frozen=True)
class Wanted:
    """What may come. `types`: `text/html`, `image/*`; None for any. `cuts`: a longer body is cut at `most_bytes`, which
    is no failure: what was posted has arrived all the same. `refusal_bytes`: how much is read of an answer that is not
    2xx; `longest_wait`: the most time that it may ask for."""

    types: Collection[str] | None
    most_bytes: int
    cuts: bool = False
    refusal_bytes: int = 0
    longest_wait: timedelta = MOST


async def read_answer(response: httpx2.Response, wanted: Wanted, host: str) -> Fetched:
    """Raises `OutboundFailed` as soon as it is known, and leaves the rest unread; also of a body that is not a 2xx's,
    of which no more is read than is wanted."""
    if sum(len(name) + len(value) for name, value in response.headers.raw) > MOST_HEADER_BYTES:
        raise headers_too_large(host)
    if not response.is_success:
        raise _refused(response, host, wanted, await _head(response, wanted.refusal_bytes))
    content_type, charset = _type(response.headers.get("content-type", ""))
    _check_type(content_type, response.headers.get("content-encoding", ""), wanted, host)
    declared = response.headers.get("content-length", "")
    if not wanted.cuts and declared.isdecimal() and int(declared) > wanted.most_bytes:
        raise _too_large(wanted, host)
    body = bytearray()
    async with aclosing(response.aiter_bytes()) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) > wanted.most_bytes:
                break
    complete = len(body) <= wanted.most_bytes
    if not complete and not wanted.cuts:
        raise _too_large(wanted, host)
    return Fetched(response.status_code, content_type, charset, bytes(body[: wanted.most_bytes]), complete)


def headers_too_large(host: str) -> OutboundFailed:
    sentence = f"The headers of {host}'s answer are larger than {MOST_HEADER_BYTES // 2**10} KB."
    return OutboundFailed(sentence, Kind.TOO_LARGE)


async def _head(response: httpx2.Response, most_bytes: int) -> bytes:
    """What comes of it at once: the status says what is to be known, whatever becomes of the rest."""
    head = bytearray()
    if not most_bytes or response.headers.get("content-encoding", "identity").strip().lower() != "identity":
        return b""
    try:
        async with asyncio.timeout(HEAD_WITHIN.total_seconds()), aclosing(response.aiter_raw()) as chunks:
            async for chunk in chunks:
                head += chunk
                if len(head) >= most_bytes:
                    break
    except (TimeoutError, httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException):
        pass  # it broke off, or hangs
    return bytes(head[:most_bytes])


def _refused(response: httpx2.Response, host: str, wanted: Wanted, head: bytes) -> OutboundFailed:
    code = response.status_code
    sentence = f"{host} answered {code}."
    if 300 <= code < 400 and "location" in response.headers:
        sentence = f"{host} answered with a redirect ({code}), and none is followed: give the address it leads to."
    wait = read_retry_after(response.headers.get("retry-after"), wanted.longest_wait)
    return OutboundFailed(sentence, Kind.STATUS, code, wait, head)


def _type(value: str) -> tuple[str, str | None]:
    header = Message()
    header["content-type"] = value[:LONGEST_TYPE]
    declared = header.get_param("charset")
    return value[:LONGEST_TYPE].partition(";")[0].strip().lower(), declared if isinstance(declared, str) else None


def _check_type(content_type: str, encoding: str, wanted: Wanted, host: str) -> None:
    if encoding.strip().lower() not in UNPACKED_HERE:
        raise OutboundFailed(f"{host}'s answer is packed in a way that was not asked for.", Kind.WRONG_TYPE)
    if wanted.types is None or content_type in wanted.types:
        return
    if f"{content_type.partition('/')[0]}/*" not in wanted.types:
        told = f"is of the type {content_type}" if content_type else "does not say its type"
        sentence = f"{host}'s answer {told}, and should be {' or '.join(wanted.types)}."
        raise OutboundFailed(sentence, Kind.WRONG_TYPE)


def _too_large(wanted: Wanted, host: str) -> OutboundFailed:
    return OutboundFailed(f"{host}'s answer is larger than {_size(wanted.most_bytes)}.", Kind.TOO_LARGE)


def _size(count: int) -> str:
    for unit, worth in (("MB", 2**20), ("KB", 2**10)):
        if count >= worth:
            return f"{count / worth:.4g} {unit}"
    return f"{count} bytes"
