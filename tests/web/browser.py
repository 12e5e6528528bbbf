"""Debian's chromium, driven: how pages are opened, watched for what went wrong, judged and photographed."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import Browser, Error, Page, async_playwright

ROOT = Path(__file__).parent.parent.parent
AXE = ROOT / "tests" / "data" / "axe-core-4.14.1.min.js"
SCREENSHOTS = ROOT / "screenshots"
CHROMIUM = "PRESSRUN_TEST_CHROMIUM"
PATIENCE_MS = 30_000
NO_FAULT = ("Failed to load resource", "net::ERR")
"""A status of 400 and above is noted like this, which a page may have wanted."""

UNANSWERED = ("Failed to fetch", "network error")

Theme = Literal["light", "dark"]


@dataclass(frozen=True)
class Window:
    theme: Theme = "light"
    width: int = 1280
    height: int = 800
    scripts: bool = True


@dataclass
class Troubles:
    """What the browser complained of: errors of scripts, and what the Content-Security-Policy has stopped. Where an
    outage is expected, that nobody answers is none."""

    outage: bool = False
    said: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("console", lambda message: self._console(message.type, message.text))

    def _console(self, kind: str, text: str) -> None:
        expected = (*NO_FAULT, *UNANSWERED) if self.outage else NO_FAULT
        if kind == "error" and not any(known in text for known in expected):
            self.said.append(text)


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Skips where there is none; in CI that fails."""
    path = os.environ.get(CHROMIUM) or shutil.which("chromium")
    if path is None:
        message = "No chromium: the pages were not tested in a browser (Debian: apt-get install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            await browser.close()


@contextlib.asynccontextmanager
async def opened(
    browser: Browser, url: str, window: Window = Window(), user: str | None = None, *, outage: bool = False
) -> AsyncIterator[Page]:
    """A window of its own, whose relative addresses are that service's; without a `user` it is the developer's. Fails
    afterwards if the browser complained."""
    context = await browser.new_context(
        base_url=url,
        color_scheme=window.theme,
        viewport={"width": window.width, "height": window.height},
        java_script_enabled=window.scripts,
        reduced_motion="reduce",
        accept_downloads=True,
        timezone_id="Europe/Vienna",
        locale="en-GB",
        extra_http_headers={"X-Pressrun-User": user} if user else {},
    )
    context.set_default_timeout(PATIENCE_MS)
    troubles = Troubles(outage)
    context.on("page", troubles.listen)
    page = await context.new_page()
    try:
        yield page
    except BaseException as error:
        with contextlib.suppress(Error):
            seen = await page.locator("body").inner_text(timeout=1000)
            error.add_note(f"At {page.url} one saw: {seen[:1000]}")
        raise
    finally:
        await context.close()
    assert not troubles.said, troubles.said


async def barriers(page: Page) -> list[str]:
    """What axe-core finds that is serious or critical: the rule, and where it is broken first."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text())
    found: dict[str, Any] = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']}: {violation['help']} ({violation['nodes'][0]['html'][:200]})"
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
    ]


async def overhang(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    wider: int = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wider


async def turn(page: Page, window: Window) -> None:
    """The same page in another window, as it is."""
    await page.emulate_media(color_scheme=window.theme, reduced_motion="reduce")
    await page.set_viewport_size({"width": window.width, "height": window.height})


async def photograph(page: Page, name: str) -> None:
    """Kept as CI's output, to be looked at."""
    SCREENSHOTS.mkdir(exist_ok=True)
    await page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
