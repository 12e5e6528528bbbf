"""How the tests of pages ask: as a browser does, with scripts and without. No tests here."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import httpx2

BROWSER = {"Accept": "text/html,application/xhtml+xml"}
HTMX = {**BROWSER, "HX-Request": "true"}
HOSTILE = "<script>alert(1)</script>"


async def shown(client: httpx2.AsyncClient, url: str, code: int = 200, **query: Any) -> str:
    """A page, whole, with the headers that keep it to itself."""
    answer = await client.get(url, params=query or None, headers=BROWSER)
    return _page(answer, code)


async def sent(client: httpx2.AsyncClient, url: str, /, code: int = 303, **fields: Any) -> httpx2.Response:
    """What a form's answer is without scripts."""
    answer = await client.post(url, data=fields, headers=BROWSER)
    assert answer.status_code == code, answer.text
    if code != 303:
        _page(answer, code)
    return answer


async def pressed(client: httpx2.AsyncClient, url: str, /, code: int = 200, **fields: Any) -> str:
    """What the same button's answer is with htmx: parts that replace others, no page."""
    answer = await client.post(url, data=fields, headers=HTMX)
    assert answer.status_code == code, answer.text
    assert "<html" not in answer.text
    return answer.text


def words(page: str) -> str:
    """What is read of it: without tags, each gap one space."""
    without = re.sub(r"<(style|script)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", without)).split())


def replaced(answer: str) -> set[str]:
    """The ids of the elements in whose place an answer puts others."""
    return set(re.findall(r'<hx-partial hx-target="#([^"]+)" hx-swap="outerMorph">', answer))


def told(answer: str) -> str:
    """The sentence with which a button answers."""
    found = re.search(r'<div class="notice[^>]*><span>(.*?)</span>', answer)
    assert found is not None, answer
    return words(found[1])


def mark_of(page: str) -> str:
    """What the browser has seen, as it says when it asks again."""
    found = re.search(r'name="seen" value="([0-9a-f]+)"', page)
    assert found is not None
    return found[1]


def _page(answer: httpx2.Response, code: int) -> str:
    assert answer.status_code == code, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert "<h1" in answer.text
    assert not re.search(r"\sstyle=|\son[a-z]+=|<script>|javascript:", answer.text)
    return answer.text
