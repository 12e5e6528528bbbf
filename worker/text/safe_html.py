"""Turns Markdown into HTML that may be shown on any page. No HTML of the writer's own may pass."""

from __future__ import annotations

from html import escape

import nh3
from markdown_it import MarkdownIt

# Twice what 10,000 words need. The slowest texts of this size take the parser two seconds, of 2 MB half a minute.
MAX_MARKED_UP = 200_000
TAGS = {
    *("h1", "h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "blockquote", "ul", "ol", "li"),
    *("strong", "em", "code", "pre", "a", "img", "table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {"a": {"href", "title"}, "img": {"src", "alt", "title"}, "ol": {"start"}}
SCHEMES = {"http", "https", "mailto"}

_PARSER = MarkdownIt("commonmark", {"html": False}).enable("table")


def safe_html(markdown: str) -> str:
    """CommonMark with tables. Links lead to http, https and mailto, images come by https; of any other image its
    alternative text stays. A text of more than 200,000 characters becomes plain paragraphs."""
    markdown = markdown.encode("utf-8", "replace").decode()  # a lone surrogate is no text to nh3
    if len(markdown) > MAX_MARKED_UP:
        return "\n".join(f"<p>{escape(part.strip())}</p>" for part in markdown.split("\n\n") if part.strip())
    return nh3.clean(
        _PARSER.render(markdown),
        tags=TAGS,
        attributes=ATTRIBUTES,
        attribute_filter=_allowed,
        url_schemes=SCHEMES,
        link_rel="noopener nofollow",
    )


def _allowed(tag: str, attribute: str, value: str) -> str | None:
    if tag == "img" and attribute == "src" and not value.lower().startswith("https://"):
        return None
    return value
