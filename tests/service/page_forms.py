"""Pages as a browser without scripts reads them, and forms as it sends them. No tests here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

import httpx2

VOID = {"input", "br", "img", "meta", "link", "hr", "rect", "path"}


class Shown(HTMLParser):
    """`fields` is what its largest form would send, without buttons; `scripts` are those that would run."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.fields: dict[str, str] = {}
        self.ids: list[str] = []
        self.links: dict[str, str] = {}
        self.scripts: list[str] = []
        self.words = ""
        self._select = self._area = ""
        self._first_option: dict[str, str] = {}
        self._link: str | None = None
        self._hidden = 0
        self.feed(text)
        self.words = " ".join(self.words.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        assert "style" not in given, "the policy forbids inline styles"
        assert not any(name.startswith("on") for name in given), "and inline scripts"
        if "id" in given:
            self.ids.append(given["id"])
        if tag in ("td", "th", "li", "p", "option"):
            self.words += " "
        match tag:
            case "input":
                self._input(given)
            case "textarea":
                self._area = given["name"]
                self.fields[self._area] = ""
            case "select":
                self._select = given["name"]
            case "option" if self._select:
                self._first_option.setdefault(self._select, given.get("value", ""))
                self.fields.setdefault(self._select, self._first_option[self._select])
                if "selected" in given:
                    self.fields[self._select] = given.get("value", "")
            case "a":
                self._link = given.get("href")
            case "script":
                self.scripts.append(given.get("src", "inline"))
                self._hidden += 1
            case _:
                pass

    def handle_endtag(self, tag: str) -> None:
        match tag:
            case "textarea":
                self.fields[self._area] = self.fields[self._area].removeprefix("\n")
                self._area = ""
            case "select":
                self._select = ""
            case "a":
                self._link = None
            case "script":
                self._hidden -= 1
            case _:
                pass

    def handle_data(self, data: str) -> None:
        if self._area:
            self.fields[self._area] += data
        elif self._link is not None and data.strip():
            self.links[" ".join(data.split())] = self._link
        if not self._hidden and not self._area:
            self.words += data

    def _input(self, given: Mapping[str, str]) -> None:
        kind = given.get("type", "text")
        if kind in ("checkbox", "radio") and "checked" not in given:
            return
        if kind != "file" and "name" in given:
            self.fields[given["name"]] = given.get("value", "on" if kind == "checkbox" else "")


def shown(response: httpx2.Response, status: int = 200) -> Shown:
    """A page that is whole and safe: of our own scripts alone, no id twice."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("text/html")
    assert "script-src 'self'" in response.headers["content-security-policy"]
    page = Shown(response.text)
    assert all(re.fullmatch(r"/static/[\w.-]+\?v=\w+", source) for source in page.scripts), page.scripts
    assert sorted(set(page.ids)) == sorted(page.ids)
    return page


async def look(client: httpx2.AsyncClient, url: str) -> Shown:
    return shown(await client.get(url, headers={"Accept": "text/html"}))


async def send(
    client: httpx2.AsyncClient, url: str, fields: Mapping[str, str], files: Any = None, **changed: str
) -> httpx2.Response:
    """As a form is sent; names that are no names of Python are given in `fields`."""
    return await client.post(url, data={**fields, **changed}, files=files, headers={"Accept": "text/html"})


def went_to(response: httpx2.Response) -> str:
    assert response.status_code == 303, response.text
    location: str = response.headers["location"]
    return location
