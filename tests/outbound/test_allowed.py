"""The operator's exceptions: what each opens, and what cannot be one."""

from __future__ import annotations

import pytest

from outbound.allowed import parse_allowed
from outbound.errors import AllowedMalformed
from outbound.origins import Origin


@pytest.mark.parametrize(
    ("entry", "origin"),
    [
        ("cms.internal", Origin("https", "cms.internal", 443)),
        ("CMS.internal:8443", Origin("https", "cms.internal", 8443)),
        ("https://cms.internal:8443", Origin("https", "cms.internal", 8443)),
        ("http://cms:8080", Origin("http", "cms", 8080)),
        ("http://cms", Origin("http", "cms", 80)),
        ("10.0.0.7", Origin("https", "10.0.0.7", 443)),
        ("http://127.0.0.1:5000", Origin("http", "127.0.0.1", 5000)),
        ("[fd12::7]:8443", Origin("https", "fd12::7", 8443)),
    ],
)
def test_an_exception_opens_one_origin(entry: str, origin: Origin) -> None:
    assert parse_allowed([entry]) == {origin}
    assert parse_allowed([str(origin)]) == {origin}


UNREADABLE = [
    ("", "cannot be read: The URL must have a host, and a port may follow it."),
    ("ftp://cms.internal", "cannot be read: The URL must begin with https:// and a host."),
    ("user:secret@cms.internal", "cannot be read: The URL must not hold a user name or a password."),
    ("cms.internal:http", "cannot be read: The URL must have a host, and a port may follow it."),
    ("*.internal", "cannot be read: The URL's host is not a valid name."),
    ("10.0.0.0/8", "must end with its host or port: it opens no single path."),
    ("https://cms.internal/", "must end with its host or port: it opens no single path."),
    ("cms.internal?x", "must end with its host or port: it opens no single path."),
    ("cms.internal#", "must end with its host or port: it opens no single path."),
    ("169.254.169.254", "cannot be made: it is a cloud's metadata address."),
    ("http://[::]:80", "cannot be made: it is the unspecified address."),
    ("127.1", "cannot be read: The URL's host is an address in an unusual notation"),
]


@pytest.mark.parametrize(("entry", "why"), UNREADABLE)
def test_what_cannot_be_an_exception_is_named_with_its_reason(entry: str, why: str) -> None:
    with pytest.raises(AllowedMalformed) as raised:
        parse_allowed(["a.example", entry])
    assert str(raised.value).startswith("The exception ")
    assert why in str(raised.value)
