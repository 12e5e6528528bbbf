"""Every page, in both themes and at phone width: no barriers, within frame and weight, and photographed."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, Response

from tests.web.browser import Window, barriers, opened, photograph
from tests.web.showcase import Showcase

MAX_WEIGHT = 100_000
WINDOWS = {
    "light": Window("light"),
    "dark": Window("dark"),
    "phone": Window("light", 360, 780),
    "dark-phone": Window("dark", 360, 780),
}
PAGES = {
    "bulks": "/",
    "nothing": "/bulks/6b027bdfe484bda5c9f5777d",
}


def address(page: str, shown: Showcase) -> str:
    return PAGES[page].format(**{f"{kind}_bulk": found for kind, found in shown.bulks.items()}, **shown.jobs)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("name", PAGES)
async def test_a_page_has_no_barrier_and_nothing_leaves_its_frame(
    browser: Browser, shown: Showcase, name: str, window: str
) -> None:
    async with opened(browser, shown.url, WINDOWS[window]) as page:
        await page.goto(address(name, shown))
        await page.locator("h1").wait_for()
        await photograph(page, f"{name}-{window}")
        assert await barriers(page) == []
        assert await overhang(page) <= 0


@pytest.mark.parametrize("name", PAGES)
async def test_a_page_weighs_little_and_loads_nothing_from_elsewhere(
    browser: Browser, shown: Showcase, name: str
) -> None:
    loaded: list[Response] = []

    def note(response: Response) -> None:
        loaded.append(response)

    async with opened(browser, shown.url) as page:
        page.on("response", note)
        await page.goto(address(name, shown), wait_until="load")
        assert all(response.url.startswith(shown.url) for response in loaded)
        whole = [response for response in loaded if "event-stream" not in response.headers.get("content-type", "")]
        sizes = [await response.request.sizes() for response in whole]
        assert sum(size["responseBodySize"] for size in sizes) < MAX_WEIGHT


@pytest.mark.parametrize("name", PAGES)
async def test_a_page_can_be_read_without_scripts(browser: Browser, shown: Showcase, name: str) -> None:
    async with opened(browser, shown.url, Window(scripts=False)) as page:
        await page.goto(address(name, shown))
        assert await page.locator("h1").inner_text()
        assert await page.locator("#away").is_hidden()


async def overhang(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    wider: int = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wider
