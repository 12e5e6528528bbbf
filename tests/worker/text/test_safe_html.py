"""HTML that may be shown anywhere: no script gets through, whatever a model writes."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.text.safe_html import ATTRIBUTES, MAX_MARKED_UP, TAGS, safe_html

PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    '<iframe src="javascript:alert(1)"></iframe>',
    '<a href="javascript:alert(1)">x</a>',
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](&#x6A;&#x61;vascript&colon;alert(1))",
    "[x](<javascript:alert(1)>)",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "![x](javascript:alert(1))",
    "![x](data:image/svg+xml;base64,PHN2Zy8+)",
    "![x](http://example.com/tracker.gif)",
    "![x](//example.com/tracker.gif)",
    '![x" onerror="alert(1)](https://example.com/a.png)',
    '[x](https://example.com/"onmouseover="alert(1))',
    '[x](https://example.com "title\\" onclick=alert(1)")',
    "<javascript:alert(1)>",
    "<style>@import 'https://example.com'</style>",
    '<div style="background:url(javascript:alert(1))">x</div>',
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
    "<form action=https://example.com><input name=p></form>",
    '```"><script>alert(1)</script>\ncode\n```',
    "`<script>alert(1)</script>`",
    "[a]: javascript:alert(1)\n\n[a]",
    "| <script>alert(1)</script> |\n| --- |\n| <img src=x onerror=alert(1)> |",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "\u003cscript\u003ealert(1)\u003c/script\u003e",
    "<base href=https://example.com><meta http-equiv=refresh content=0>",
]


class Witness(HTMLParser):
    """What a browser would see: every tag with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def assert_harmless(html: str) -> None:
    for tag, attributes in Witness(html).seen:
        assert tag in TAGS
        assert set(attributes) <= ATTRIBUTES.get(tag, set()) | ({"rel"} if tag == "a" else set())
        scheme, colon, _ = (attributes.get("href") or "").partition(":")
        assert not colon or scheme.lower() in {"http", "https", "mailto"} or "/" in scheme
        assert (attributes.get("src") or "https://").lower().startswith("https://")
        if tag == "a":
            assert attributes["rel"] == "noopener nofollow"


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("frame", ["{}", "# {}", "- {}", "> {}", "text {} text", "**{}**", "[{}](https://example.com)"])
def test_no_payload_gets_through(payload: str, frame: str) -> None:
    assert_harmless(safe_html(frame.format(payload)))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_payload_gets_through_a_text_that_is_too_long_for_markup(payload: str) -> None:
    html = safe_html(payload + "\n\n" + "x" * MAX_MARKED_UP)
    assert {tag for tag, _ in Witness(html).seen} == {"p"}


@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.sampled_from([*PAYLOADS, *"[]()<>!\"'`*#|&:\n ", "x", "https://example.com"]), max_size=12).map("".join)
)
def test_no_mixture_of_payloads_gets_through(text: str) -> None:
    assert_harmless(safe_html(text))


def test_markdown_becomes_html() -> None:
    html = safe_html(
        '# T\n\n*a* **b** `c`\n\n1. x\n\n| h |\n| :-: |\n| d |\n\n![i](https://example.com/i.png "t")\n\n---'
    )
    assert html.split("\n")[:2] == ["<h1>T</h1>", "<p><em>a</em> <strong>b</strong> <code>c</code></p>"]
    assert "<ol>\n<li>x</li>\n</ol>" in html
    assert "<th>h</th>" in html
    assert '<img src="https://example.com/i.png" alt="i" title="t">' in html


def test_links_tell_search_engines_and_windows_nothing() -> None:
    assert safe_html("[a](https://example.com) [b](mailto:a@b.org) [c](/path)") == (
        '<p><a href="https://example.com" rel="noopener nofollow">a</a> '
        '<a href="mailto:a@b.org" rel="noopener nofollow">b</a> <a href="/path" rel="noopener nofollow">c</a></p>\n'
    )


def test_an_image_without_https_leaves_its_alternative_text() -> None:
    assert safe_html("![a cat](http://example.com/cat.png)") == '<p><img alt="a cat"></p>\n'


def test_a_text_that_is_too_long_for_markup_becomes_paragraphs() -> None:
    assert safe_html("a < b\n\n\n\n" + "x" * MAX_MARKED_UP) == f"<p>a &lt; b</p>\n<p>{'x' * MAX_MARKED_UP}</p>"


@pytest.mark.parametrize(("text", "html"), [("", ""), (" \n\t", ""), ("مرحبا 🎉 你好", "<p>مرحبا 🎉 你好</p>\n")])
def test_every_script_passes_as_it_is(text: str, html: str) -> None:
    assert safe_html(text) == html
