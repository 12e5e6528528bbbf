"""How the pages' tests look at pages and press buttons: as browsers do, with scripts and without. No tests here."""

from __future__ import annotations

import html
import re

import httpx2

BROWSER = {"Accept": "text/html,application/xhtml+xml"}
HTMX = {**BROWSER, "HX-Request": "true"}
HOSTILE = "<script>alert('x')</script>"


async def look(client: httpx2.AsyncClient, url: str, status: int = 200) -> str:
    """The page at that address."""
    response = await client.get(url, headers=BROWSER)
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("text/html")
    assert "unsafe" not in response.headers["content-security-policy"]
    return response.text


async def press(client: httpx2.AsyncClient, url: str, back_to: str, **fields: str) -> None:
    """A button without scripts: it leads back to the page that it stands on."""
    response = await client.post(url, data=fields, headers=BROWSER)
    assert response.status_code == 303, response.text
    assert response.headers["location"] == back_to


async def press_in_place(client: httpx2.AsyncClient, url: str, **fields: str) -> str:
    """A button with scripts: what is put into the page."""
    response = await client.post(url, data=fields, headers=HTMX)
    assert response.status_code == 200, response.text
    return response.text


def replaced(answer: str) -> set[str]:
    """The ids of the elements that an answer puts others in the place of."""
    return set(re.findall(r'<hx-partial hx-target="#([^"]+)" hx-swap="outerMorph">', answer))


def words(page: str) -> str:
    """What is read on it."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def said(answer: str) -> str:
    """The sentence that an answer tells."""
    found = re.search(r'<div class="notice[^>]*><span>(.*?)</span>', answer)
    assert found is not None, answer
    return html.unescape(found[1])
