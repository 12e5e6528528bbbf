"""How soon a browser that has nothing cached shows something of a page. Which pages is not known here."""

from __future__ import annotations

import shutil
import statistics
from collections.abc import AsyncIterator, Mapping, Sequence

from playwright.async_api import Browser, async_playwright

from benchmarks.figures import Figure, at_most, skipped

GOAL_SECONDS = 1.0
ROUNDS = 5
PAINTED = """() => new Promise((tell) => new PerformanceObserver((list) => {
    const paint = list.getEntriesByName('first-contentful-paint')[0];
    if (paint) tell(paint.startTime / 1000);
}).observe({type: 'paint', buffered: true}))"""


async def first_paint(url: str, headers: Mapping[str, str], paths: Sequence[str]) -> AsyncIterator[Figure]:
    """The median of five visits to each page, each in a new browser profile, in Debian's chromium."""
    path = shutil.which("chromium")
    if path is None:
        yield skipped("first paint", "there is no chromium")
        return
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for page in paths:
            seconds = [await _visit(browser, url + page, headers) for _ in range(ROUNDS)]
            note = f"{ROUNDS} visits, longest {max(seconds):.2f}"
            yield at_most(f"first paint, {page[:40]}", statistics.median(seconds), "s", GOAL_SECONDS, note)
        await browser.close()


async def _visit(browser: Browser, url: str, headers: Mapping[str, str]) -> float:
    context = await browser.new_context(extra_http_headers=dict(headers))
    try:
        page = await context.new_page()
        await page.goto(url)
        painted: float = await page.evaluate(PAINTED)
        return painted
    finally:
        await context.close()
