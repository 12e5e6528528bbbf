"""What a mail address is here, and when two are the same mailbox. Whether mail may go there is judged elsewhere."""

from __future__ import annotations

import re
from email.headerregistry import Address
from email.utils import parseaddr

LONGEST = 254
"""RFC 5321, 4.5.3.1.3, less the angle brackets."""

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
ADDRESS = re.compile(rf"(?=.{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{DOMAIN.pattern}")


def read_address(text: str) -> str:
    """With its domain in small letters. Raises `ValueError` with a sentence; names beside it, comments, quoted and
    non-ASCII local parts are not taken (not every mail server takes them either)."""
    stripped = text.strip()
    if len(stripped) > LONGEST or not ADDRESS.fullmatch(stripped):
        raise ValueError("must be one mail address in ASCII, such as ada@example.com")
    local, _, domain = stripped.rpartition("@")
    return f"{local}@{domain.lower()}"


def read_sender(text: str) -> Address:
    """`ada@example.com`, or `Ada <ada@example.com>`. Raises `ValueError` with a sentence."""
    name, address = parseaddr(text)
    if not text.isprintable() or not ADDRESS.fullmatch(address):
        raise ValueError("must be a mail address, or a name and one: Pressrun <pressrun@example.com>")
    return Address(name, addr_spec=read_address(address))


def domain_of(address: str) -> str:
    return address.rpartition("@")[2].lower()


def mailbox_key(address: str) -> str:
    """The same for addresses that differ by case alone: no provider keeps them apart."""
    return address.lower()
