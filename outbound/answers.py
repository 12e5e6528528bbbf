"""Reads an answer within bounds: its status, its type, its size on the wire and unpacked. Nothing is connected here."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import aclosing
from dataclasses import dataclass
from email.message import Message

import httpx2

from outbound.errors import Kind, OutboundFailed
from outbound.fetched import Fetched
from outbound.retry_after import read_retry_after

MOST_HEADER_BYTES = 64 * 2**10
LONGEST_TYPE = 200
"""The parser of its parameters takes quadratic time."""

UNPACKED_HERE = {"", "identity", "gzip", "deflate"}


@dataclass(frozen=True)
class Wanted:
    """What may come. `types`: `text/html`, `image/*`; None for any. `cuts`: a longer body is cut at `most_bytes`, which
    is no failure: what was posted has arrived all the same."""

    types: Collection[str] | None
    most_bytes: int
    cuts: bool = False


async def read_answer(response: httpx2.Response, wanted: Wanted, host: str) -> Fetched:
    """Raises `OutboundFailed` as soon as it is known, and leaves the rest unread. A body is only read from a 2xx."""
    if sum(len(name) + len(value) for name, value in response.headers.raw) > MOST_HEADER_BYTES:
        raise headers_too_large(host)
    if not response.is_success:
        raise _refused(response, host)
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


def _refused(response: httpx2.Response, host: str) -> OutboundFailed:
    code = response.status_code
    sentence = f"{host} answered {code}."
    if 300 <= code < 400 and "location" in response.headers:
        sentence = f"{host} answered with a redirect ({code}), and none is followed: give the address it leads to."
    return OutboundFailed(sentence, Kind.STATUS, code, read_retry_after(response.headers.get("retry-after")))


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
