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
from playwright.async_api import Browser, Page, async_playwright

ROOT = Path(__file__).parent.parent.parent
AXE = ROOT / "tests" / "data" / "axe-core-4.14.1.min.js"
SCREENSHOTS = ROOT / "screenshots"
CHROMIUM = "PRESSRUN_TEST_CHROMIUM"
PATIENCE_MS = 30_000

Theme = Literal["light", "dark"]


@dataclass(frozen=True)
class Window:
    theme: Theme = "light"
    width: int = 1280
    height: int = 800
    scripts: bool = True


@dataclass
class Troubles:
    """What the browser complained of: errors of scripts, and what the Content-Security-Policy has stopped."""

    said: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("console", lambda message: self._console(message.type, message.text))

    def _console(self, kind: str, text: str) -> None:
        if kind == "error" and "Failed to load resource" not in text and "net::ERR" not in text:
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
async def opened(browser: Browser, url: str, window: Window = Window()) -> AsyncIterator[Page]:
    """A window of its own, whose relative addresses are that service's. Fails afterwards if the browser complained."""
    context = await browser.new_context(
        base_url=url,
        color_scheme=window.theme,
        viewport={"width": window.width, "height": window.height},
        java_script_enabled=window.scripts,
        reduced_motion="reduce",
        accept_downloads=True,
        timezone_id="Europe/Vienna",
        locale="en-GB",
    )
    context.set_default_timeout(PATIENCE_MS)
    troubles = Troubles()
    context.on("page", troubles.listen)
    try:
        yield await context.new_page()
    finally:
        await context.close()
    assert troubles.said == []


async def barriers(page: Page) -> list[str]:
    """What axe-core finds that is serious or critical: the rule, and where it is broken first."""
    await page.evaluate(AXE.read_text())
    found: dict[str, Any] = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']}: {violation['help']} ({violation['nodes'][0]['html'][:200]})"
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
    ]


async def photograph(page: Page, name: str) -> None:
    """Kept as CI's output, to be looked at."""
    SCREENSHOTS.mkdir(exist_ok=True)
    await page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
