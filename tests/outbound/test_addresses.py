"""Which addresses a user's request may go to."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbound.addresses import METADATA, why_refused

REFUSED = [
    ("127.0.0.1", "a loopback address"),
    ("127.255.255.254", "a loopback address"),
    ("::1", "a loopback address"),
    ("10.0.0.1", "a private address"),
    ("172.16.0.1", "a private address"),
    ("172.31.255.255", "a private address"),
    ("192.168.1.1", "a private address"),
    ("fc00::1", "a private address"),
    ("fd12:3456::1", "a private address"),
    ("100.64.0.1", "a carrier's shared address"),
    ("100.127.255.255", "a carrier's shared address"),
    ("169.254.1.1", "a link-local address"),
    ("fe80::1", "a link-local address"),
    ("169.254.169.254", "a cloud's metadata address"),
    ("100.100.100.200", "a cloud's metadata address"),
    ("168.63.129.16", "a cloud's metadata address"),
    ("fd00:ec2::254", "a cloud's metadata address"),
    ("fe80::1%eth0", "an address with a zone"),
    ("2606:4700::1111%1", "an address with a zone"),
    ("224.0.0.1", "a multicast address"),
    ("239.255.255.250", "a multicast address"),
    ("ff02::1", "a multicast address"),
    ("ff0e::1", "a multicast address"),
    ("0.0.0.0", "the unspecified address"),
    ("0.1.2.3", "the unspecified address"),
    ("::", "the unspecified address"),
    ("255.255.255.255", "the broadcast address"),
    ("240.0.0.1", "a reserved address"),
    ("192.0.0.8", "a reserved address"),
    ("198.18.0.1", "a reserved address"),
    ("192.0.2.1", "a documentation address"),
    ("198.51.100.1", "a documentation address"),
    ("203.0.113.1", "a documentation address"),
    ("2001:db8::1", "a documentation address"),
    ("3fff::1", "a documentation address"),
    ("64:ff9b::5db8:d822", "a NAT64 address"),
    ("64:ff9b:1::a00:1", "a NAT64 address"),
    ("2002:7f00:1::", "a 6to4 address"),
    ("2002:5db8:d822::1", "a 6to4 address"),
    ("192.88.99.1", "a 6to4 address"),
    ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "a Teredo address"),
    ("fec0::1", "a site-local address"),
    ("2001:20::1", "a reserved address"),
    ("100::1", "a reserved address"),
    ("5f00::1", "a reserved address"),
    ("::ffff:0:127.0.0.1", "a reserved address"),
    ("::ffff:127.0.0.1", "a loopback address"),
    ("::ffff:169.254.169.254", "a cloud's metadata address"),
    ("::ffff:10.1.2.3", "a private address"),
    ("::127.0.0.1", "a loopback address"),
    ("::192.168.0.1", "a private address"),
    ("::2", "the unspecified address"),
]


@pytest.mark.parametrize(("text", "why"), REFUSED)
def test_an_address_that_is_not_public_is_refused_by_what_it_is(text: str, why: str) -> None:
    assert why_refused(ip_address(text)) == why


@pytest.mark.parametrize(
    "text", ["93.184.216.34", "1.1.1.1", "172.15.255.255", "172.32.0.1", "100.128.0.1", "2606:4700::1111",
             "2a00:1450::1", "::ffff:93.184.216.34"]
)  # fmt: skip
def test_a_public_address_is_let_pass(text: str) -> None:
    assert why_refused(ip_address(text)) is None


@given(st.ip_addresses())
def test_no_address_is_let_pass_that_the_standard_library_holds_for_private(
    address: IPv4Address | IPv6Address,
) -> None:
    if why_refused(address) is None:
        inner = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        judged = inner or address
        assert judged.is_global
        assert not judged.is_multicast


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_in_an_ipv6_one_is_judged_by_itself(address: IPv4Address) -> None:
    assert why_refused(IPv6Address(f"::ffff:{address}")) == why_refused(address)


@given(st.ip_addresses(v=4), st.sampled_from(["64:ff9b::", "64:ff9b:1::", "::ffff:0:"]))
def test_no_public_ipv4_address_is_reached_through_a_translator(address: IPv4Address, prefix: str) -> None:
    assert why_refused(IPv6Address(f"{prefix}{address}")) is not None


@given(
    st.ip_addresses(network="2002::/16") | st.ip_addresses(network="2001::/32") | st.ip_addresses(network="fe80::/10")
)
def test_no_tunnel_and_no_link_is_reached_whatever_it_leads_to(address: IPv6Address) -> None:
    assert why_refused(address) is not None
    assert why_refused(address, exempt=True) is not None


@pytest.mark.parametrize(
    "text", ["127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "fd12::1", "100.64.0.1", "::ffff:10.0.0.1"]
)
def test_an_exception_opens_where_an_operators_servers_may_stand(text: str) -> None:
    assert why_refused(ip_address(text), exempt=True) is None


@pytest.mark.parametrize(
    "text", [*sorted(map(str, METADATA)), "169.254.7.7", "224.0.0.1", "0.0.0.0", "64:ff9b::a00:1", "fec0::1"]
)
def test_an_exception_opens_nothing_else(text: str) -> None:
    assert why_refused(ip_address(text), exempt=True) is not None


@given(st.ip_addresses(network=ip_network("127.0.0.0/8")))
def test_all_of_the_loopback_network_is_refused(address: IPv4Address) -> None:
    assert why_refused(address) == "a loopback address"
