"""Journeys of being told: notices that come by themselves, webhooks that are sent to, refuse, and are sent to again."""

from __future__ import annotations

import re

from playwright.async_api import Browser, Page, expect

from tests.support.eventually import eventually
from tests.web.browser import Window
from tests.web.workshop import Desk, Stays, subjects

PLAIN = Window(scripts=False)


async def test_the_end_of_a_bulk_comes_to_the_list_and_to_every_page(browser: Browser, desk: Desk) -> None:
    async with desk.window(browser) as page, desk.window(browser) as elsewhere:
        await page.goto("/notifications")
        await elsewhere.goto("/templates")
        async with Stays(page), Stays(elsewhere):
            await expect(page.get_by_role("heading", name="Nothing has happened yet")).to_be_visible()
            bulk_id = await desk.submit(*subjects(), name="Told of")
            await expect(page.get_by_role("link", name="Told of")).to_be_visible()
            for shown in (page, elsewhere):
                await expect(shown.locator("#unread")).to_have_text("1 unread")
            await page.get_by_role("button", name="Mark all as read").click()
            await expect(page.locator("#notices")).to_contain_text("1 notification marked as read.")
            await expect(page.locator("#notice-list")).to_contain_text("All is read.")
            for shown in (page, elsewhere):
                await expect(shown.locator("#unread")).to_be_empty()
            await desk.submit(*subjects(), name="Told of too")
            for shown in (page, elsewhere):
                await expect(shown.locator("#unread")).to_have_text("1 unread")
        await page.get_by_role("link", name="Told of", exact=True).click()
        await expect(page).to_have_url(re.compile(f"/bulks/{bulk_id}$"))
        await page.goto("/notifications")
        await page.get_by_role("link", name="Told of too").click()
        await expect(page.locator("#unread")).to_be_empty()


async def test_a_webhook_is_told_refuses_and_is_told_again(browser: Browser, desk: Desk) -> None:
    async with desk.window(browser) as page:
        await page.goto("/webhooks")
        await _made(page, desk.hook("shop"))
        await expect(page.locator("#secret")).to_have_text(re.compile("^whsec_"))
        await page.get_by_role("link", name=desk.hook("shop")).click()
        log = page.locator("#deliveries tbody tr")
        async with Stays(page):
            await page.get_by_role("button", name="Send a test").click()
            await expect(log.filter(has_text="Test").locator(".badge")).to_have_text("Delivered")
            bulk_id = await desk.submit(*subjects(), name="Told of")
            ended = log.filter(has_text="A bulk has ended")
            await expect(ended.locator(".badge")).to_have_text("Delivered")
            assert desk.received("shop")[-1] == f"{bulk_id}-1-completed"
            desk.gone = {"shop"}
            again = await desk.submit(*subjects(), name="Refused")
            await expect(ended.first.locator(".badge")).to_have_text("Not delivered")
            await expect(page.locator("#endpoint-head")).to_contain_text("It answered 410, that it is gone")
            desk.gone = set()
            await page.get_by_role("button", name="Enable").click()
            await expect(page.locator("#endpoint-head .badge")).to_have_text("Enabled")
            await ended.first.get_by_role("button", name="Send again").click()
            await expect(ended.first.locator(".badge")).to_have_text("Delivered")
        assert desk.received("shop")[-2:] == [f"{again}-1-completed"] * 2
        await ended.first.get_by_role("link", name="A bulk has ended").click()
        tries = page.locator("#delivery tbody tr")
        await expect(tries.locator(".badge")).to_have_text(["200", "410"])
        await expect(tries.last).to_contain_text("Nobody lives here any more.")


async def test_webhooks_and_notices_need_no_scripts(browser: Browser, desk: Desk) -> None:
    async with desk.window(browser, PLAIN) as page:
        await page.goto("/webhooks")
        await page.get_by_role("button", name="Make the webhook").click()
        await expect(page.get_by_role("alert")).to_contain_text("Address:")
        await _made(page, desk.hook("shop"))
        await page.get_by_role("link", name=desk.hook("shop")).click()
        await page.get_by_role("button", name="New secret").click()
        await expect(page.locator("#secret")).to_have_text(re.compile("^whsec_"))
        await page.get_by_role("button", name="Disable").click()
        await expect(page.locator("#endpoint-head .badge")).to_have_text("Disabled")
        await page.get_by_role("button", name="Enable").click()
        await desk.completed(await desk.submit(*subjects(), name="Told of"))

        async def sent() -> list[str]:
            return desk.received("shop")

        await eventually(sent, lambda ids: len(ids) == 1)
        await page.reload()
        await page.locator("summary").filter(has_text="Send many again").click()
        await page.get_by_label("Made from").fill("2026-01-01T00:00")
        await page.get_by_label("Which").select_option("all")
        await page.get_by_role("button", name="Send them again").click()
        await expect(page.locator("#replayed")).to_have_text("To be sent again: 1 delivery.")
        await eventually(sent, lambda ids: len(ids) == 2)
        await page.get_by_role("link", name="Notifications 1 unread").click()
        await page.get_by_role("button", name=re.compile("Mark as read.*Told of")).click()
        await expect(page.locator("#notice-list")).to_contain_text("All is read.")
        await page.goto("/webhooks")
        await page.get_by_role("link", name=desk.hook("shop")).click()
        await page.get_by_role("button", name="Remove", exact=True).click()
        await page.get_by_role("dialog").get_by_role("button", name="Remove it").click()
        await expect(page.get_by_role("heading", name="No webhooks yet")).to_be_visible()


async def test_a_page_that_nobody_sees_asks_for_nothing(browser: Browser, desk: Desk) -> None:
    asked: list[str] = []
    async with desk.window(browser) as page:
        page.on("request", lambda request: asked.append(request.url) if "/notifications/" in request.url else None)
        await page.clock.install()
        await page.add_init_script("Object.defineProperty(document, 'hidden', {get: () => !window.isSeen})")
        await page.goto("/notifications")
        await page.clock.run_for("02:00")
        assert asked == []
        await page.evaluate("window.isSeen = true")
        async with page.expect_request("**/notifications/unread?seen=0"), page.expect_request("**/notifications/live*"):
            await page.clock.run_for("00:15")


async def _made(page: Page, url: str) -> None:
    await page.get_by_label("Address", exact=True).fill(url)
    await page.get_by_role("button", name="Make the webhook").click()
