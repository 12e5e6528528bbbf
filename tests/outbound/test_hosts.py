"""Which hosts are read, and which notations of them are refused."""

# ruff: noqa: RUF001  letters that mislead are what is tested

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbound.errors import UrlRefused
from outbound.hosts import address_in, read_host

ODD = "The URL's host is an address in an unusual notation: write four decimal numbers from 0 to 255."


def refused(host: str) -> str:
    with pytest.raises(UrlRefused) as raised:
        read_host(host)
    return str(raised.value)


@pytest.mark.parametrize(
    "host", ["0177.0.0.1", "0x7f.0.0.1", "0x7f000001", "2130706433", "017700000001", "127.1", "127.0.1", "0", "0x",
             "0X7F.1", "127.0.0.0x1", "127.0.0.01", "00.0.0.0", "127.0.0.1.1", "256.0.0.1", "127.0.0.256", "1.2.3",
             "a.1", "a.0x7f", "93.184.216.034", "99999999999"]
)  # fmt: skip
def test_an_ipv4_address_in_an_unusual_notation_is_refused(host: str) -> None:
    assert refused(host) == ODD


@given(st.ip_addresses(v=4))
def test_no_ipv4_address_passes_in_octal_hexadecimal_decimal_or_short_forms(address: IPv4Address) -> None:
    a, b, c, d = address.packed
    for host in (
        str(int(address)), f"{int(address):#x}", f"0{int(address):o}", f"{a}.{b}.{c * 256 + d}",
        f"{a}.{int(address) % 2**24}",
        f"0{a:o}.{b}.{c}.{d}", f"{a:#x}.{b}.{c}.{d}", f"{a}.{b}.{c}.{d:#x}", f"{a}.{b}.{c}.0{d:o}",
    ):  # fmt: skip
        assert refused(host) == ODD


@pytest.mark.parametrize(
    "host", ["１２７.０.０.１", "127。0。0。1", "127．0．0．1", "127｡0｡0｡1", "①②⑦.0.0.1", "169。254。169。254",
             "ｅxample.com", "example。com", "exam\u212ale.com", "ℋost.example", "metadata.google.ⅰnternal",
             "a\u2024example.com"]
)  # fmt: skip
def test_letters_that_normalise_to_others_are_refused(host: str) -> None:
    assert refused(host) == "The URL's host has letters that stand for others: write the plain ones."


@pytest.mark.parametrize("host", ["ü" * 70 + ".example", "-ü.example", "a..ü", "ü\u0661.example", "☃.example"])
def test_an_international_name_that_is_none_is_refused(host: str) -> None:
    assert refused(host) == "The URL's host is not a valid international name."


@pytest.mark.parametrize(
    "host", ["-a.example", "a-.example", "a..example", ".a.example", "a" * 64 + ".example", "a." * 130 + "example",
             "a%2eb.c", "%31%32%37.0.0.1.a", "a!b.example", "a,b.example", "*.example", "a'b.example", "a$b.example",
             "a{b}.example"]
)  # fmt: skip
def test_a_name_that_is_none_is_refused(host: str) -> None:
    assert refused(host) == "The URL's host is not a valid name."


@pytest.mark.parametrize("host", ["a.example.", "127.0.0.1.", "localhost.", "a.example.."])
def test_a_trailing_dot_is_refused(host: str) -> None:
    assert refused(host) == "The URL's host must not end with a dot."


@pytest.mark.parametrize("host", ["[fe80::1%25eth0]", "[fe80::1%eth0]", "[::1%lo]", "[2606:4700::1111%1]"])
def test_an_address_with_a_zone_is_refused(host: str) -> None:
    assert refused(host) == "The URL's host is an address with a zone, which means nothing elsewhere."


@pytest.mark.parametrize(
    "host", ["[]", "[1]", "[a.example]", "[127.0.0.1]", "[::g]", "[1:2:3]", "[v1.x]", "[::ffff:127.1]"]
)
def test_an_ipv6_address_that_is_none_is_refused(host: str) -> None:
    assert refused(host) == "The URL's host is not a valid IPv6 address."


@given(st.ip_addresses(v=6))
def test_an_ipv6_address_is_read_however_it_is_written(address: IPv6Address) -> None:
    assert read_host(f"[{address.exploded}]") == read_host(f"[{address}]") == str(address)
    assert address_in(str(address)) == address


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_read_in_its_plain_notation(address: IPv4Address) -> None:
    assert address_in(read_host(str(address))) == address


@given(st.text(min_size=1))
def test_whatever_host_is_read_is_plain_ascii_and_is_read_the_same_again(text: str) -> None:
    try:
        host = read_host(text)
    except UrlRefused:
        return
    assert host.isascii()
    assert host == host.lower()
    assert read_host(f"[{host}]" if ":" in host else host) == host
