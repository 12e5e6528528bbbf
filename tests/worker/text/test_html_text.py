"""The readable text of a fetched page, well made or not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.text.html_text import MAX_CHARACTERS, text_of_html

PAGE = """<!doctype html><html><head><title>Site</title><style>p { color: red }</style></head><body>
<nav><ul><li>Home</li></ul></nav><header><h1>The &amp; title</h1></header>
<p>First <b>bold</b>&nbsp;text,
wrapped.</p><script>if (a < b) document.write("<p>no</p>")</script>
<h2>Part</h2><ul><li><p>one</p><li>two</ul><div>loose<br>broken</div>
<!-- <p>hidden</p> --><aside>Advertisement</aside><table><tr><td>a<td>b</table>
<footer><p>Imprint</p></footer></body></html>"""


def test_headings_paragraphs_and_lists_are_kept_and_all_else_is_not() -> None:
    assert text_of_html(PAGE).split("\n\n") == [
        *("# The & title", "First bold text, wrapped.", "## Part", "- one", "- two", "loose", "broken", "a", "b")
    ]


def test_the_main_part_is_taken_where_there_is_one() -> None:
    assert text_of_html("<div>menu</div><main class=x><p>text</p></main><div>more</div>") == "text"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("  \n ", ""),
        ("plain & simple", "plain & simple"),
        ("a < b and c > d", "a < b and c > d"),
        ("<p>open <p>never closed", "open\n\nnever closed"),
        ("<nav>all<nav>nested</nav>of it</nav>text", "text"),
        ("<nav>everything stands in it", "everything stands in it"),
        ("<form><p>a page in a form</p></form>", "a page in a form"),
        ("<script>never closed <p>x</p>", ""),
        ("<!-- never closed <p>x</p>", ""),
        ('<p title="a > b">x</p>', "x"),
        ("<svg><text>x</text></svg>y", "y"),
        ("<h2>a<br></h2>b", "## a\n\nb"),
        ("<p>مرحبا</p><p>你好 🎉</p>", "مرحبا\n\n你好 🎉"),
        ("&#0;&#xD800;&bogus;&lt;p&gt;", "\ufffd\ufffd&bogus;<p>"),
    ],
)
def test_bad_pages_are_read_too(html: str, text: str) -> None:
    assert text_of_html(html) == text


def test_no_more_than_four_megabytes_are_read() -> None:
    assert text_of_html("<br>" * (MAX_CHARACTERS // 4) + "too far") == ""


@given(
    st.lists(
        st.sampled_from(["<p>", "</p>", "<nav", "<nav>", "</nav>", "<script>", '"', "'", ">", "<", "<!--", "x", "&"])
    )
)
def test_any_page_gives_some_text(parts: list[str]) -> None:
    assert "\n\n\n" not in text_of_html("".join(parts))
