"""A finished article as it may be shown within a page: only harmless HTML, and headings below the page's own.

What a worker has stored was made safe there; what is shown here is made safe again, whoever has stored it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import nh3
from markupsafe import Markup

TAGS = {
    *("h1", "h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "blockquote", "ul", "ol", "li"),
    *("strong", "em", "code", "pre", "a", "img", "table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {"a": {"href", "title"}, "img": {"src", "alt", "title"}, "ol": {"start"}}
SCHEMES = {"http", "https", "mailto"}
HEADING = re.compile(r"<(/?)h([1-6])>")
DEEPER = 2
MOST_RAW = 200_000
"""Characters of a raw text that a page shows; all of it is in the file."""


@dataclass(frozen=True)
class Reading:
    """`html` is None where the pipeline made none; `findings` are what its quality check had to say."""

    html: Markup | None
    raw: str
    is_cut: bool
    title: str | None
    words: int | None
    minutes: int | None
    findings: list[str]
    passed: bool | None


def reading(result: Any, result_meta: Any) -> Reading:
    meta: Mapping[str, Any] = result_meta if isinstance(result_meta, Mapping) else {}
    quality: Mapping[str, Any] = meta["quality"] if isinstance(meta.get("quality"), Mapping) else {}
    kept = meta.get("html")
    raw = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False, indent=2)
    found = quality.get("findings")
    return Reading(
        html=_safe(kept) if isinstance(kept, str) and kept else None,
        raw=raw[:MOST_RAW],
        is_cut=len(raw) > MOST_RAW,
        title=_of(meta, "title", str),
        words=_of(meta, "word_count", int),
        minutes=_of(meta, "reading_minutes", int),
        findings=[str(finding.get("text")) for finding in found or [] if isinstance(finding, Mapping)],
        passed=_of(quality, "passed", bool),
    )


def _of(meta: Mapping[str, Any], name: str, kind: type) -> Any:
    value = meta.get(name)
    return value if isinstance(value, kind) else None


def _safe(kept: str) -> Markup:
    clean = nh3.clean(
        kept.encode("utf-8", "replace").decode(),  # a lone surrogate is no text to nh3
        tags=TAGS,
        attributes=ATTRIBUTES,
        attribute_filter=_allowed,
        url_schemes=SCHEMES,
        link_rel="noopener nofollow",
    )
    return Markup(HEADING.sub(_deeper, clean))  # noqa: S704 - made safe just now


def _allowed(tag: str, attribute: str, value: str) -> str | None:
    """Pictures from elsewhere stay away: their alternative text is shown."""
    if tag == "img" and attribute == "src" and not value.startswith("/api/assets/"):
        return None
    return value


def _deeper(heading: re.Match[str]) -> str:
    return f"<{heading[1]}h{min(6, int(heading[2]) + DEEPER)}>"
