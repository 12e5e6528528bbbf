"""Which URLs are refused by their text alone, and in which words; their hosts are in test_hosts.py."""

# ruff: noqa: RUF001  letters that mislead are what is tested

from __future__ import annotations

import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from outbound.allowed import NOTHING, parse_allowed
from outbound.errors import UrlRefused
from outbound.urls import Target, check_url

METADATA_NAMES = ["metadata.google.internal", "metadata.goog", "a.metadata.goog", "metadata.tencentyun.com", "metadata"]


def refused(text: str) -> str:
    with pytest.raises(UrlRefused) as raised:
        check_url(text, NOTHING)
    return str(raised.value)


def test_a_public_https_url_passes_and_is_written_plainly() -> None:
    assert check_url("HTTPS://Shop.Example.COM:443/a b".replace(" ", "%20") + "?q=1#top", NOTHING) == Target(
        "https://shop.example.com/a%20b?q=1", "shop.example.com", 443, exempt=False
    )


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("https://93.184.216.34/", "93.184.216.34"),
        ("https://[2606:4700::1111]/", "2606:4700::1111"),
        ("https://[2606:4700:0:0:0:0:0:1111]/", "2606:4700::1111"),
        ("https://bücher.example/", "xn--bcher-kva.example"),
        ("https://BÜCHER.example/", "xn--bcher-kva.example"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example"),
        ("https://a_b.example.com?x", "a_b.example.com"),
        ("https://a.example:/", "a.example"),
        ("https://7.example.7a/", "7.example.7a"),
    ],
)
def test_hosts_are_read_as_names_or_addresses(text: str, host: str) -> None:
    assert check_url(text, NOTHING).host == host


@pytest.mark.parametrize("text", ["http://a.example/", "HTTP://a.example/"])
def test_http_is_refused(text: str) -> None:
    assert refused(text) == "The URL must begin with https://."


@pytest.mark.parametrize(
    "text", ["", "a.example", "//a.example/", "https:/a.example", "https:a.example", "ftp://a.example/", "file:///etc/hosts",
             "gopher://a.example/", "javascript:alert(1)", "data:text/html,x", "unix:///run/x.sock", "://a.example"]
)  # fmt: skip
def test_what_is_no_web_address_is_refused(text: str) -> None:
    assert refused(text) == "The URL must begin with https:// and a host."


@pytest.mark.parametrize(
    "text", ["https://user@a.example/", "https://user:secret@a.example/", "https://@a.example/", "https://:@a.example/",
             "https://a.example@127.0.0.1/", "https://a.example:443@169.254.169.254/"]
)  # fmt: skip
def test_credentials_are_refused_and_not_repeated(text: str) -> None:
    assert refused(text) == "The URL must not hold a user name or a password."


@pytest.mark.parametrize("port", [1, 22, 80, 442, 444, 3306, 8080, 8443, 27017, 65535])
def test_another_port_is_refused(port: int) -> None:
    assert refused(f"https://a.example:{port}/") == f"The URL must not name port {port}: only 443 is allowed."


@pytest.mark.parametrize("port", ["0", "65536", "99999"])
def test_a_port_that_does_not_exist_is_refused(port: str) -> None:
    assert refused(f"https://a.example:{port}/") == "The URL's port must be from 1 to 65535."


@pytest.mark.parametrize("port", ["x", "-1", "+443", "4_43", "４４３", "0x1bb", "443:443", "000000443"])
def test_a_port_in_an_unusual_notation_is_refused(port: str) -> None:
    assert refused(f"https://a.example:{port}/") == "The URL must have a host, and a port may follow it."


@pytest.mark.parametrize(
    "text", ["https://", "https:///", "https:///a.example/", "https://?x", "https://:443/", "https://[::1/",
             "https://::1/", "https://a[b].example/", "https://[::1]x/"]
)  # fmt: skip
def test_a_host_that_is_missing_or_torn_is_refused(text: str) -> None:
    assert refused(text) == "The URL must have a host, and a port may follow it."


@pytest.mark.parametrize(
    "text", ["https://a.example/ b", " https://a.example/", "https://a.example/\n", "https://a.example/\r\nHost: b",
             "https://a.example\t/", "https://a.example\\@127.0.0.1/", "https:\\\\a.example\\", "https://a.example/\x00",
             "https://a\u200b.example/", "https://a.example/\ud800", "https://a.example/\u202egnp.exe"]
)  # fmt: skip
def test_letters_that_two_readers_take_differently_are_refused(text: str) -> None:
    assert refused(text) == "The URL has spaces, backslashes or letters that cannot be seen in it."


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("127.0.0.1", "127.0.0.1: it is a loopback address"),
        ("169.254.169.254", "169.254.169.254: it is a cloud's metadata address"),
        ("100.100.100.200", "100.100.100.200: it is a cloud's metadata address"),
        ("10.0.0.1", "10.0.0.1: it is a private address"),
        ("[::1]", "::1: it is a loopback address"),
        ("[::]", "::: it is the unspecified address"),
        ("[::ffff:127.0.0.1]", "::ffff:7f00:1: it is a loopback address"),
        ("[fd00:ec2::254]", "fd00:ec2::254: it is a cloud's metadata address"),
        ("[64:ff9b::a9fe:a9fe]", "64:ff9b::a9fe:a9fe: it is a NAT64 address"),
    ],
)
def test_a_written_address_that_is_not_public_is_refused_by_what_it_is(host: str, why: str) -> None:
    assert refused(f"https://{host}/") == f"No request may be sent to {why}."


@pytest.mark.parametrize("host", METADATA_NAMES)
def test_a_clouds_metadata_service_is_refused_by_its_name(host: str) -> None:
    assert refused(f"https://{host}/computeMetadata/v1/").startswith(f"No request may be sent to {host}: it is a ")


@pytest.mark.parametrize("host", ["localhost", "cms", "intranet", "LOCALHOST", "wpad"])
def test_a_name_without_a_domain_is_refused(host: str) -> None:
    assert refused(f"https://{host}/") == f"No request may be sent to {host.lower()}: it is a name without a domain."


@pytest.mark.parametrize(
    "ending", ["local", "internal", "localhost", "localdomain", "home.arpa", "LOCAL", "cluster.local"]
)
def test_a_name_of_a_private_network_is_refused(ending: str) -> None:
    host = f"cms.{ending}".lower()
    assert refused(f"https://cms.{ending}/") == f"No request may be sent to {host}: it is a name of a private network."


def test_a_name_that_only_begins_like_a_private_one_passes() -> None:
    assert check_url("https://localhost.example/", NOTHING).host == "localhost.example"
    assert check_url("https://notlocal/".replace("notlocal", "a.notlocal"), NOTHING).host == "a.notlocal"


def test_a_url_is_refused_over_its_length() -> None:
    url = "https://a.example/" + "x" * 2030
    assert check_url(url, NOTHING).url == url
    assert refused(url + "x") == "The URL is longer than 2048 characters."


def test_an_exception_opens_its_origin_and_no_other() -> None:
    allowed = parse_allowed(["cms.internal", "http://localhost:8080", "https://[::1]:8443"])
    for text in ("https://cms.internal/a", "http://localhost:8080/", "https://[::1]:8443/"):
        assert check_url(text, allowed).exempt
    for text in (
        "https://www.cms.internal/", "https://cms.internal:8443/", "http://cms.internal/", "http://localhost/",
        "https://localhost:8080/", "http://127.0.0.1:8080/", "https://[::1]/", "http://localhost:8080@a.example/",
    ):  # fmt: skip
        with pytest.raises(UrlRefused):
            check_url(text, allowed)


@given(st.text() | st.text(alphabet="htps:/.@#?[]%\\0127axf-。１ \t").map("https://".__add__))
@example("https://a.example:443#@127.0.0.1/")
@example("https://a.example?@127.0.0.1/")
@example("https://a.example#\\@127.0.0.1/")
@example("https://a.example/%0d%0aHost:b")
def test_whatever_passes_is_read_alike_by_the_library_that_connects(text: str) -> None:
    try:
        target = check_url(text, NOTHING)
    except UrlRefused:
        return
    read = httpx2.URL(target.url)
    assert (read.scheme, read.raw_host.decode(), read.port, read.userinfo) == ("https", target.host, None, b"")
    assert check_url(target.url, NOTHING).host == target.host
