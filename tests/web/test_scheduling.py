"""A journey to a schedule: what a form would do is said while it is filled in, and the buttons answer in place."""

from __future__ import annotations

import asyncio

from playwright.async_api import Browser, Route, expect

from tests.web.workshop import Desk


async def test_a_schedule_is_made_of_a_template_paused_and_run(browser: Browser, desk: Desk) -> None:
    items = [{"topic": f"Tea {number}"} for number in range(1, 11)]
    await desk.post("/api/templates", {"name": "Teas", "request": {"mode": "topic", "items": items}})
    async with desk.window(browser) as page:
        await page.goto("/templates")
        await page.get_by_role("link", name="Schedule", exact=True).click()
        coming = page.locator("#coming time")
        await expect(coming).to_have_count(5)
        first = await coming.first.get_attribute("datetime")
        await page.get_by_label("Name").fill("Every night")
        await page.get_by_label("When", exact=True).fill("30 3 * * *")
        await page.get_by_label("Time zone").fill("Nowhere")
        await page.get_by_label("Only from").focus()
        await expect(page.locator("#coming")).to_contain_text("must be a name of the IANA database")
        await page.get_by_label("Time zone").fill("UTC")
        await page.get_by_label("Only from").focus()
        await expect(coming).to_have_count(5)
        assert await coming.first.get_attribute("datetime") != first
        await page.get_by_role("button", name="Make the schedule").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Every night")
        await page.get_by_role("button", name="Pause").click()
        await expect(page.locator("#planned")).to_contain_text("None while it is paused.")
        await page.get_by_role("button", name="Run now").click()
        await page.get_by_role("button", name="Run it").click()
        await expect(page.get_by_role("heading", level=1)).to_contain_text("Every night, ")


async def test_the_form_tells_of_what_was_typed_last(browser: Browser, desk: Desk) -> None:
    """Although the answers about what was typed before are late."""
    await desk.post("/api/templates", {"name": "Teas", "request": {"mode": "topic", "items": [{"topic": "Tea"}] * 10}})
    asked_last = asyncio.Event()
    async with desk.window(browser) as page:

        async def late(route: Route) -> None:
            if "Nowhere" in route.request.url:
                asked_last.set()
            await asked_last.wait()
            await route.continue_()

        await page.goto("/schedules")
        await page.route("**/schedules/next*", late)
        await page.get_by_label("Name").fill("Every night")
        await page.get_by_label("When", exact=True).fill("30 3 * * *")
        await page.get_by_label("Time zone").fill("Nowhere")
        await page.get_by_label("Only from").focus()
        await expect(page.locator("#coming")).to_contain_text("must be a name of the IANA database")
