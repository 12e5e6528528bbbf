"""Journeys without scripts: everything can be done by forms and links."""

from __future__ import annotations

import re

from playwright.async_api import Browser, expect

from tests.web.browser import Window
from tests.web.workshop import Desk, row, subjects

PLAIN = Window(scripts=False)


async def test_a_bulk_is_submitted_paused_resumed_and_cancelled(browser: Browser, desk: Desk) -> None:
    desk.held = {"Subject 2"}
    async with desk.window(browser, PLAIN) as page:
        await page.goto("/bulks/new")
        await page.get_by_label("Way of writing").select_option("plain")
        await page.get_by_role("textbox", name="Articles").fill("\n".join(subjects()))
        await page.get_by_role("button", name="Check").click()
        await expect(page.locator("#checked")).to_contain_text("10 articles: nothing is wrong with them.")
        await page.get_by_role("button", name="Submit 10 articles").click()
        await expect(page).to_have_url(re.compile(r"/bulks/[0-9a-f]{24}$"))
        await desk.asked_for("Subject 2")
        await page.reload()
        await expect(row(page, "Subject 2").locator(".badge")).to_have_text("Running")
        await page.get_by_role("button", name="Pause", exact=True).click()
        await expect(page.locator("#bulk-head .badge")).to_have_text("Paused")
        await page.get_by_role("button", name="Resume").click()
        await expect(page.locator("#bulk-head .badge")).to_have_text("Running")
        await page.locator("#bulk-head").get_by_role("button", name="Cancel", exact=True).click()
        await page.get_by_role("dialog").get_by_role("button", name="Yes, cancel it").click()
        await expect(page.locator("#bulk-head .badge")).to_have_text("Cancelled")
    assert desk.called == ["Subject 1", "Subject 2"]


async def test_an_article_is_read_retried_and_an_idea_chosen(browser: Browser, desk: Desk) -> None:
    desk.failing = {"Subject 2"}
    bulk_id = await desk.submit(*subjects())
    await desk.completed(bulk_id)
    desk.failing = set()
    blogs = await desk.submit(*(f"Blog {number}" for number in range(1, 11)), pipeline="blog")
    async with desk.window(browser, PLAIN) as page:
        await page.goto(f"/bulks/{bulk_id}")
        await row(page, "Subject 1").get_by_role("link", name="Subject 1").click()
        await expect(page.locator("#article")).to_contain_text("What to know about Subject 1")
        await page.go_back()
        await row(page, "Subject 2").get_by_role("button", name="Retry").click()
        await desk.completed(bulk_id)
        await page.reload()
        await expect(row(page, "Subject 2").locator(".badge")).to_have_text("Completed")
        await desk.asked_for("Blog 10", "ideas")
        await page.goto(f"/selections?bulk_job_id={blogs}")
        about = await page.locator("[data-question] h2").first.inner_text()
        await page.locator("[data-question]").first.get_by_role("button", name="Choose 1").click()
        await expect(page.get_by_role("link", name=about, exact=True)).to_have_count(0)
    await desk.asked_for(about, "topic")
