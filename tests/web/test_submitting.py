"""Journeys to a bulk or an article: from a file, from pasted lines, from a template, from a bulk that was."""

from __future__ import annotations

import re

from playwright.async_api import Browser, Page, expect

from tests.web.views import CATALOGUE
from tests.web.workshop import Desk, Stays, subjects

A_BULK = re.compile(r"/bulks/[0-9a-f]{24}$")
AN_ARTICLE = re.compile(r"/jobs/[0-9a-f]{24}$")


async def unhurried(page: Page) -> None:
    """Without checks, which cost the generator a second call."""
    await page.get_by_label("Way of writing").select_option("plain")


async def test_a_catalogue_is_mapped_looked_at_submitted_and_watched(browser: Browser, desk: Desk) -> None:
    async with desk.window(browser) as page:
        await page.goto("/bulks/new")
        await page.get_by_role("link", name="File", exact=True).click()
        await page.get_by_label("File", exact=True).set_input_files(CATALOGUE)
        await page.get_by_role("button", name="Check").click()
        await expect(page.locator("#read")).to_contain_text("20 articles read of a product export of Shopify.")
        preview = page.get_by_role("table", name="The first articles")
        await expect(preview).to_contain_text("Ocean Blue Shirt")
        await page.locator(".columns-chosen summary").click()
        topic = page.get_by_label("Topic", exact=True).and_(page.locator("select"))
        await expect(topic.locator(":checked")).to_have_text("Title (guessed)")
        await topic.select_option("Handle")
        await unhurried(page)
        await page.get_by_role("button", name="Check again").click()
        await expect(preview).to_contain_text("ocean-blue-shirt")
        await expect(preview).not_to_contain_text("Ocean Blue Shirt")
        await expect(page.locator("#checked")).to_contain_text("20 articles: nothing is wrong with them.")
        assert desk.called == []
        await page.get_by_label("Name", exact=True).fill("Apparel, autumn")
        await page.get_by_role("button", name="Submit 20 articles").click()
        await expect(page).to_have_url(A_BULK)
        async with Stays(page):
            await expect(page.get_by_role("heading", level=1)).to_have_text("Apparel, autumn")
            await expect(page.locator(".article .badge.completed")).to_have_count(20)
            await expect(page.locator("#bulk-head .badge")).to_have_text("Completed")
    assert (desk.called[0], len(desk.called)) == ("ocean-blue-shirt", 20)


async def test_what_is_wrong_with_pasted_lines_is_said_beside_them_and_nothing_typed_is_lost(
    browser: Browser, desk: Desk
) -> None:
    async with desk.window(browser) as page:
        await page.goto("/bulks/new")
        await unhurried(page)
        await page.get_by_role("textbox", name="Articles").fill("\n".join(subjects(3)))
        await expect(page.locator("[data-count-of=lines]")).to_have_text("3 so far")
        await page.get_by_label("Name", exact=True).fill("Too few")
        await page.get_by_role("button", name="Submit").click()
        wrong = page.get_by_role("alert")
        await expect(wrong).to_contain_text("10")
        await wrong.get_by_role("link").click()
        await expect(page.get_by_role("textbox", name="Articles")).to_be_focused()
        await expect(page.get_by_role("textbox", name="Articles")).to_have_value("\n".join(subjects(3)))
        await expect(page.get_by_label("Name", exact=True)).to_have_value("Too few")
        await page.get_by_role("textbox", name="Articles").fill("\n".join(subjects(10)))
        await page.get_by_role("button", name="Submit").click()
        await expect(page).to_have_url(A_BULK)
        await expect(page.locator("#bulk-head .badge")).to_have_text("Completed")


async def test_a_single_article_is_asked_for_and_read_where_it_was_waited_for(browser: Browser, desk: Desk) -> None:
    desk.held = {"One of its kind"}
    async with desk.window(browser) as page:
        await page.goto("/jobs/new")
        await page.get_by_label("Topic", exact=True).and_(page.locator("input[type=text]")).fill("One of its kind")
        await page.get_by_role("button", name="Submit").click()
        await expect(page).to_have_url(AN_ARTICLE)
        async with Stays(page):
            await expect(page.locator("#job-head .badge")).to_have_text("Running")
            await expect(page.locator("#job-now")).to_contain_text("Component generation")
            desk.release()
            await expect(page.locator("#job-head .badge")).to_have_text("Completed")
            await expect(page.locator("#article .prose")).to_contain_text("What to know about One of its kind")
            await expect(page.locator("#job-stages li.completed")).to_have_count(7)


async def test_a_template_is_kept_and_submitted(browser: Browser, desk: Desk) -> None:
    async with desk.window(browser) as page:
        await page.goto("/bulks/new")
        await unhurried(page)
        await page.get_by_role("textbox", name="Articles").fill("\n".join(subjects()))
        await page.get_by_text("Keep as a template").click()
        await page.get_by_label("Name of the template").fill("Every week")
        await page.get_by_role("button", name="Keep", exact=True).click()
        await expect(page.get_by_text("Kept as the template Every week.")).to_be_visible()
        assert desk.called == []
        await page.get_by_role("navigation", name="Pages").get_by_role("link", name="Templates").click()
        await page.get_by_role("button", name="Submit").click()
        asked = page.get_by_role("dialog", name="Submit Every week as it is?")
        await asked.get_by_role("button", name="Submit it").click()
        await expect(page).to_have_url(A_BULK)
        await expect(page.get_by_role("heading", level=1)).to_have_text("Every week")
        await expect(page.locator("#bulk-head .badge")).to_have_text("Completed")
    assert sorted(desk.called) == sorted(subjects())


async def test_a_template_is_renamed_and_deleted_in_place(browser: Browser, desk: Desk) -> None:
    await desk.post("/api/templates", {"name": "Before", "request": {"mode": "topic"}})
    async with desk.window(browser) as page:
        await page.goto("/templates")
        async with Stays(page):
            await page.get_by_role("button", name="Rename").click()
            dialog = page.get_by_role("dialog", name="Rename Before")
            await expect(dialog.get_by_label("Name")).to_be_focused()
            await dialog.get_by_label("Name").fill("After")
            await page.keyboard.press("Enter")
            await expect(page.get_by_role("link", name="After")).to_be_visible()
            await page.get_by_role("button", name="Delete").click()
            await page.get_by_role("dialog", name="Delete After?").get_by_role("button", name="Delete it").click()
            await expect(page.get_by_text("After is deleted.").first).to_be_visible()


async def test_a_bulk_is_kept_as_a_template_and_submitted_again(browser: Browser, desk: Desk) -> None:
    bulk_id = await desk.submit(*subjects(), name="Worth repeating")
    await desk.completed(bulk_id)
    async with desk.window(browser) as page:
        await page.goto(f"/bulks/{bulk_id}")
        await page.get_by_role("button", name="Again").click()
        await page.get_by_label("Name of the template").fill("Repeated")
        await page.get_by_role("button", name="Keep as a template").click()
        await expect(page.locator("#notices")).to_contain_text("Kept as the template Repeated.")
        await page.goto(f"/bulks/{bulk_id}")
        await page.get_by_role("button", name="Again").click()
        await page.get_by_role("button", name="Submit it again").click()
        await expect(page).not_to_have_url(re.compile(bulk_id))
        await expect(page).to_have_url(A_BULK)
        await expect(page.get_by_role("heading", level=1)).to_have_text("Worth repeating")
        await expect(page.locator("#bulk-head .badge")).to_have_text("Completed")
        await page.goto("/templates")
        await expect(page.get_by_role("link", name="Repeated")).to_be_visible()
    assert len(desk.called) == 20
