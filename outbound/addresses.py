"""Judges an address: whether a request that a user asked for may go there. Nothing is resolved or connected here.

Not built on `ipaddress.is_global` alone: that holds for multicast, NAT64 and 6to4, and for a cloud's own address in
public space. IPv6 is refused by default: only 2000::/3 is given to hosts (IANA's registries of the IPv6 address space
and of special-purpose addresses).
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Ranges = tuple[tuple[str, tuple[IPv4Network | IPv6Network, ...]], ...]


def _networks(texts: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(text) for text in texts.split())


METADATA = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254",
        "169.254.170.2",  # container credentials
        "169.254.42.42",
        "100.100.100.200",
        "192.0.0.192",
        "168.63.129.16",  # in public space
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd00:42::42",
        "fd20:ce::254",
        "fe80::a9fe:a9fe",
    )
)
OWN: Ranges = (
    ("a loopback address", _networks("127.0.0.0/8 ::1/128")),
    ("a private address", _networks("10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7")),
    ("a carrier's shared address", _networks("100.64.0.0/10")),
)
"""Where an operator's own servers may stand: an exception opens these, and no others."""

NEVER: Ranges = (
    ("the unspecified address", _networks("0.0.0.0/8 ::/128")),
    ("a link-local address", _networks("169.254.0.0/16 fe80::/10")),
    ("a site-local address", _networks("fec0::/10")),
    ("the broadcast address", _networks("255.255.255.255/32")),
    ("a multicast address", _networks("224.0.0.0/4 ff00::/8")),
    ("a NAT64 address", _networks("64:ff9b::/96 64:ff9b:1::/48")),
    ("a 6to4 address", _networks("2002::/16 192.88.99.0/24")),
    ("a Teredo address", _networks("2001::/32")),
    ("a documentation address", _networks("192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 2001:db8::/32 3fff::/20")),
    ("a reserved address", _networks("192.0.0.0/24 198.18.0.0/15 240.0.0.0/4 2001::/23")),
)
IPV4_COMPATIBLE = IPv6Network("::/96")
GIVEN_TO_HOSTS = IPv6Network("2000::/3")


def why_refused(address: Address, *, exempt: bool = False) -> str | None:
    """What the address is (`a private address`) if no request may go there, else None.

    `exempt`: the operator named the host as an exception. An IPv4 address in an IPv6 one is judged by itself.
    """
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return "an address with a zone"
        address = _inner(address)
    if address in METADATA:
        return "a cloud's metadata address"
    own = _named(address, OWN)
    if own is not None:
        return None if exempt else own
    never = _named(address, NEVER)
    if never is None and isinstance(address, IPv6Address) and address not in GIVEN_TO_HOSTS:
        return "a reserved address"
    return never


def _inner(address: IPv6Address) -> Address:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in IPV4_COMPATIBLE and int(address) > 1:
        return IPv4Address(int(address))
    return address


def _named(address: Address, ranges: Ranges) -> str | None:
    return next((name for name, networks in ranges if any(address in network for network in networks)), None)
