"""How a body becomes text."""

from __future__ import annotations

import codecs
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbound.fetched import Fetched
from outbound.retry_after import read_retry_after


def text(body: bytes, charset: str | None = None) -> str:
    return Fetched(200, "text/html", charset, body).text()


@pytest.mark.parametrize(
    ("body", "charset", "expected"),
    [
        ("Grüße".encode(), None, "Grüße"),
        ("Grüße".encode("latin-1"), "ISO-8859-1", "Grüße"),
        ("„Grüße“ 5 €".encode("cp1252"), "iso-8859-1", "„Grüße“ 5 €"),
        ("Grüße".encode("utf-16"), None, "Grüße"),
        (codecs.BOM_UTF8 + "Grüße".encode(), "iso-8859-1", "Grüße"),
        ("Привет".encode("koi8-r"), "KOI8-R", "Привет"),
        ("日本".encode("shift_jis"), "shift_jis", "日本"),
        ("中国".encode("gb18030"), "gb2312", "中国"),
        (b'<meta charset="windows-1251">' + "Привет".encode("cp1251"), None, '<meta charset="windows-1251">Привет'),
        (b"<META http-equiv=x content='text/html; charset=latin1'>\xfc", None,
         "<META http-equiv=x content='text/html; charset=latin1'>ü"),
        (b'<meta charset="windows-1251">' + "ü".encode(), "utf-8", '<meta charset="windows-1251">ü'),
        (b"\xff\xfe\xfd"[2:] + b"x", None, "\ufffdx"),
    ],
)  # fmt: skip
def test_a_body_is_decoded_by_its_mark_then_its_header_then_its_meta_then_as_utf_8(
    body: bytes, charset: str | None, expected: str
) -> None:
    assert text(body, charset) == expected


@pytest.mark.parametrize(
    "charset", ["utf-7", "zlib", "base64", "rot13", "idna", "punycode", "unicode_escape", "x", "", "\0"]
)
def test_an_encoding_that_is_none_of_the_webs_is_not_used(charset: str) -> None:
    assert text("+AGE- a\\u0062 ü".encode(), charset) == "+AGE- a\\u0062 ü"


@given(st.binary(), st.none() | st.text() | st.sampled_from(["utf-16", "iso-2022-jp", "big5", "cp1253"]))
def test_any_body_has_a_text(body: bytes, charset: str | None) -> None:
    text(body, charset).encode()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("0", 0), ("5", 5), ("599", 599), ("600", 600), ("601", 600), ("9" * 5000, 600), ("0009", 9),
     (None, None), ("", None), ("-1", None), ("1.5", None), ("soon", None), ("²", None)]
)  # fmt: skip
def test_retry_after_is_a_number_of_seconds_up_to_ten_minutes(value: str | None, seconds: int | None) -> None:
    assert read_retry_after(value) == (None if seconds is None else timedelta(seconds=seconds))


def test_retry_after_may_be_a_date() -> None:
    soon = read_retry_after(format_datetime(datetime.now(UTC) + timedelta(seconds=300), usegmt=True))
    assert soon is not None
    assert timedelta(seconds=200) < soon <= timedelta(seconds=300)
    assert read_retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == timedelta(0)
    assert read_retry_after("Fri, 31 Dec 9999 23:59:59 GMT") == timedelta(minutes=10)
