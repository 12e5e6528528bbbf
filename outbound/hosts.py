"""Reads and judges the host of a URL: an address written plainly, or a name as the public DNS has it.

Nothing is resolved here. What two readers could take for two different hosts is refused, not repaired.
"""

from __future__ import annotations

import re
import unicodedata
from ipaddress import AddressValueError, IPv4Address, IPv6Address

import httpx2

from outbound.addresses import Address
from outbound.errors import UrlRefused

LONGEST_NAME = 253
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_DOTS = frozenset("\u3002\uff0e\uff61")
"""What IDNA takes for a full stop (RFC 3490 §3.1)."""

PRIVATE_ENDINGS = (
    "local", "localhost", "localdomain", "internal", "intranet", "private", "lan", "home", "corp", "home.arpa", "svc"
)  # fmt: skip
METADATA_NAMES = ("metadata.goog", "metadata.tencentyun.com", "metadata.platformequinix.com", "metadata.packet.net")


def read_host(text: str) -> str:
    """The host in small ASCII letters: an IPv4 address, an IPv6 address without brackets, or a name.

    Raises `UrlRefused` for what is none of these, and for notations that hide what they mean.
    """
    if text.startswith("["):
        return str(_ipv6(text[1:-1]))
    name = text.lower() if text.isascii() else _encoded(text)
    if name.endswith("."):
        raise UrlRefused("The URL's host must not end with a dot.")
    labels = name.split(".")
    # The last label decides, as it does for browsers (WHATWG URL, "ends in a number").
    if _NUMBER.fullmatch(labels[-1]):
        return _ipv4(name)
    if len(name) > LONGEST_NAME or not all(_LABEL.fullmatch(label) for label in labels):
        raise UrlRefused("The URL's host is not a valid name.")
    return name


def address_in(host: str) -> Address | None:
    """The address that a host from `read_host` is, or None for a name."""
    if ":" in host:
        return IPv6Address(host)
    return IPv4Address(host) if host.rpartition(".")[2].isdigit() else None


def why_private(name: str) -> str | None:
    """Why a name from `read_host` cannot be public, or None where it may be."""
    if "." not in name:
        return "is a name without a domain"
    if any(name == metadata or name.endswith(f".{metadata}") for metadata in METADATA_NAMES):
        return "is a cloud's metadata service"
    if any(name.endswith(f".{ending}") for ending in PRIVATE_ENDINGS):
        return "is a name of a private network"
    return None


def _ipv4(text: str) -> str:
    """`ipaddress` takes no hexadecimal, no short forms and no leading zeros."""
    try:
        return str(IPv4Address(text))
    except AddressValueError:
        raise UrlRefused(
            "The URL's host is an address in an unusual notation: write four decimal numbers from 0 to 255."
        ) from None


def _ipv6(text: str) -> IPv6Address:
    if "%" in text:
        raise UrlRefused("The URL's host is an address with a zone, which means nothing elsewhere.")
    try:
        return IPv6Address(text)
    except AddressValueError:
        raise UrlRefused("The URL's host is not a valid IPv6 address.") from None


def _encoded(text: str) -> str:
    """As IDNA 2008 has it. A letter that only looks like another, or becomes one when normalised, is refused."""
    if _DOTS.intersection(text) or unicodedata.normalize("NFKC", text) != text:
        raise UrlRefused("The URL's host has letters that stand for others: write the plain ones.")
    try:
        return httpx2.URL(f"https://{text}/").raw_host.decode("ascii")
    except httpx2.InvalidURL:
        raise UrlRefused("The URL's host is not a valid international name.") from None
