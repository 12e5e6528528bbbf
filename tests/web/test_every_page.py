"""Every page, in both themes and at phone width: no barriers, within frame and weight, and photographed."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Response

from tests.web.browser import Window, barriers, opened, overhang, photograph, turn
from tests.web.showcase import Showcase
from tests.web.views import VIEWS

MAX_WEIGHT = 100_000
WINDOWS = {
    "light": Window("light"),
    "dark": Window("dark"),
    "phone": Window("light", 360, 780),
    "dark-phone": Window("dark", 360, 780),
}
KINDS = (
    "bulks", "bulks-none", "bulk-paused", "bulk-awaiting", "job-completed", "job-running", "new-file", "single",
    "formats-new", "formats", "selections-none", "queue", "templates", "schedules", "schedule",
    "notifications", "notifications-settings", "webhooks", "webhook", "delivery", "keys", "nothing",
)  # fmt: skip
"""One view of each page that is made anew."""


@pytest.mark.parametrize("name", VIEWS)
async def test_a_page_has_no_barrier_and_nothing_leaves_its_frame(browser: Browser, shown: Showcase, name: str) -> None:
    view, found = VIEWS[name], []
    async with opened(browser, shown.url, user=view.user or shown.user) as page:
        await page.goto(view.address(shown))
        await page.locator("h1").wait_for()
        if view.then is not None:
            await view.then(page)
        for kind, window in WINDOWS.items():
            await turn(page, window)
            await photograph(page, f"{name}-{kind}")
            found += [f"{kind}: {barrier}" for barrier in await barriers(page)]
            if (beyond := await overhang(page)) > 0:
                found.append(f"{kind}: {beyond} px wider than its window")
    assert found == []


@pytest.mark.parametrize("name", ["bulks", "bulk-running", "queue"])
async def test_a_large_screen_is_filled_without_a_barrier(browser: Browser, shown: Showcase, name: str) -> None:
    async with opened(browser, shown.url, Window("light", 3840, 2160), shown.user) as page:
        await page.goto(VIEWS[name].address(shown))
        await page.locator("h1").wait_for()
        await photograph(page, f"{name}-4k")
        assert await barriers(page) == []
        assert await overhang(page) <= 0


@pytest.mark.parametrize("name", KINDS)
async def test_a_page_weighs_little_and_loads_nothing_from_elsewhere(
    browser: Browser, shown: Showcase, name: str
) -> None:
    loaded: list[Response] = []

    def note(response: Response) -> None:
        loaded.append(response)

    async with opened(browser, shown.url, user=VIEWS[name].user or shown.user) as page:
        page.on("response", note)
        await page.goto(VIEWS[name].address(shown), wait_until="load")
        assert all(response.url.startswith(shown.url) for response in loaded)
        whole = [response for response in loaded if "event-stream" not in response.headers.get("content-type", "")]
        sizes = [await response.request.sizes() for response in whole]
        assert sum(size["responseBodySize"] for size in sizes) < MAX_WEIGHT


@pytest.mark.parametrize("name", KINDS)
async def test_a_page_can_be_read_without_scripts(browser: Browser, shown: Showcase, name: str) -> None:
    async with opened(browser, shown.url, Window(scripts=False), VIEWS[name].user or shown.user) as page:
        await page.goto(VIEWS[name].address(shown))
        assert await page.locator("h1").inner_text()
        assert await page.locator("#away").is_hidden()
