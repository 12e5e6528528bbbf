"""Journeys without a mouse, and what a page that moves must leave alone: focus, what is open, what is typed."""

from __future__ import annotations

import itertools
import re

from playwright.async_api import Browser, Page, expect

from tests.web.workshop import Desk, Stays, row, subjects

MOST_KEYS = 40
RECORD = """
window.announced = [];
const region = document.getElementById('announcement');
new MutationObserver(() => window.announced.push([performance.now(), region.textContent]))
  .observe(region, {childList: true, characterData: true, subtree: true});
"""


async def tab_to(page: Page, name: str, key: str = "Tab") -> None:
    """By this key alone, to what a screen reader would call that; each stop on the way must be seen."""
    for _ in range(MOST_KEYS):
        await page.keyboard.press(key)
        focused = page.locator(":focus")
        assert await focused.evaluate(
            "(it) => getComputedStyle(it).outlineStyle !== 'none' || it.matches('[type=radio]')"
        )
        if (await focused.evaluate("(it) => it.ariaLabel || it.textContent")).strip() == name:
            return
    raise AssertionError(f"{MOST_KEYS} keys did not lead to {name}")


async def test_a_bulk_is_found_paused_and_left_without_a_mouse(browser: Browser, desk: Desk) -> None:
    desk.held = {"Subject 1"}
    await desk.submit(*subjects(), name="By hand")
    async with desk.window(browser) as page:
        await page.goto("/")
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator("main")).to_be_focused()
        await tab_to(page, "By hand")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_have_text("By hand")
        async with Stays(page):
            await tab_to(page, "Pause")
            await page.keyboard.press("Enter")
            await expect(page.locator("#bulk-head .badge")).to_have_text("Paused")
            await expect(page.locator(":focus")).to_have_text("Resume")
            await page.keyboard.press("Enter")
            await expect(page.locator("#bulk-head .badge")).to_have_text("Running")
            await expect(page.locator(":focus")).to_have_text("Pause")
            await tab_to(page, "Cancel")
            await page.keyboard.press("Enter")
            await expect(page.get_by_role("dialog")).to_be_visible()
            await page.keyboard.press("Escape")
            await expect(page.locator(":focus")).to_have_text("Cancel")
            await tab_to(page, "Bulks", "Shift+Tab")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Bulks")


async def test_what_moves_leaves_focus_and_text_and_what_is_open_alone(browser: Browser, desk: Desk) -> None:
    desk.held = {"Subject 4", "Subject 6"}
    bulk_id = await desk.submit(*subjects())
    async with desk.window(browser) as page:
        await page.goto(f"/bulks/{bulk_id}")
        async with Stays(page):
            await expect(row(page, "Subject 4").locator(".badge")).to_have_text("Running")
            await row(page, "Subject 2").get_by_text("Read it").click()
            await expect(row(page, "Subject 2").locator("pre")).to_contain_text("What to know about Subject 2")
            await page.get_by_text("Settings", exact=True).click()
            name = page.get_by_label("Name", exact=True)
            await name.fill("Half typed")
            cancel = row(page, "Subject 9").get_by_role("button", name="Cancel")
            await cancel.focus()
            held_at = await page.evaluate("scrollY")
            desk.release("Subject 4")
            await expect(row(page, "Subject 6").locator(".badge")).to_have_text("Running")
            await expect(row(page, "Subject 5").locator(".badge")).to_have_text("Completed")
            await expect(cancel).to_be_focused()
            assert await page.evaluate("scrollY") == held_at
            await name.focus()
            await page.keyboard.type(", and more")
            desk.release()
            await expect(page.locator("#bulk-head .badge")).to_have_text("Completed")
            await expect(name).to_be_focused()
            await expect(name).to_have_value("Half typed, and more")
            await expect(row(page, "Subject 2").locator("details")).to_have_attribute("open", "")
            await expect(row(page, "Subject 2").locator("pre")).to_be_visible()


async def test_an_open_menu_and_an_open_dialog_stay_while_the_page_moves(browser: Browser, desk: Desk) -> None:
    desk.held = {"Subject 2", "Subject 4", "Subject 6"}
    bulk_id = await desk.submit(*subjects())
    async with desk.window(browser) as page:
        await page.goto(f"/bulks/{bulk_id}")
        await expect(row(page, "Subject 2").locator(".badge")).to_have_text("Running")
        await page.get_by_role("button", name="More ways to pause").click()
        await page.get_by_label("Why").fill("Because")
        desk.release("Subject 2")
        await expect(row(page, "Subject 4").locator(".badge")).to_have_text("Running")
        await expect(page.locator("#pausing")).to_be_visible()
        await expect(page.get_by_label("Why")).to_be_focused()
        await expect(page.get_by_label("Why")).to_have_value("Because")
        await page.keyboard.press("Escape")
        await page.locator("#bulk-head").get_by_role("button", name="Cancel", exact=True).click()
        desk.release("Subject 4")
        await expect(row(page, "Subject 5").locator(".badge")).to_have_text("Completed")
        await expect(page.get_by_role("dialog")).to_contain_text("5 articles are not written yet")
        await expect(page.get_by_role("button", name="Leave it")).to_be_focused()


async def test_what_has_come_is_said_aloud_but_not_all_the_time(browser: Browser, desk: Desk) -> None:
    desk.held = set(subjects()) - {"Subject 1"}
    bulk_id = await desk.submit(*subjects())
    async with desk.window(browser) as page:
        await page.goto(f"/bulks/{bulk_id}")
        await page.evaluate(RECORD)
        region = page.locator("#announcement")
        for topic in subjects()[1:6]:
            await desk.asked_for(topic)
            desk.release(topic)
        await expect(row(page, "Subject 6").locator(".badge")).to_have_text("Completed")
        await expect(region).to_have_text(re.compile(r"^\d of 10 articles completed\.$"))
        desk.release()
        await expect(region).to_have_text("10 of 10 articles completed.")
        announced = await page.evaluate("window.announced")
        moments = [moment for moment, _ in announced]
        assert all(later - earlier > 4_500 for earlier, later in itertools.pairwise(moments))
        assert len(announced) < 9
