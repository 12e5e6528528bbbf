"""Journeys where somebody chooses or looks around: ideas, formats, the queue and its limits."""

from __future__ import annotations

from playwright.async_api import Browser, expect

from tests.web.workshop import Desk, Stays, Workshop, subjects


async def test_an_idea_is_chosen_by_keyboard_alone(browser: Browser, desk: Desk) -> None:
    bulk_id = await desk.submit(*subjects(), pipeline="blog")
    async with desk.window(browser) as page:
        await page.goto("/selections")
        async with Stays(page):
            await expect(page.locator("[data-question]")).to_have_count(10)
            await expect(page.locator("#waiting-title")).to_have_text("10 articles await your choice")
            await page.keyboard.press("j")
            await page.keyboard.press("j")
            second = page.locator("[data-question]").nth(1)
            await expect(second).to_be_focused()
            about = await second.locator("h2").inner_text()
            await page.keyboard.press("3")
            said = f"“{about}, and when to leave it” was chosen for “{about}”."
            await expect(page.locator("#notices")).to_contain_text(said)
            await expect(page.locator("[data-question]")).to_have_count(9)
            await expect(page.locator("[data-question]").nth(1)).to_be_focused()
            call = await desk.asked_for(about, "topic")
            assert call.body["idea"]["title"] == f"{about}, and when to leave it"
    jobs = (await desk.bulk(bulk_id))["jobs"]
    assert len([job for job in jobs if job["status"] == "awaiting_selection"]) == 9


async def test_what_is_recommended_is_taken_for_all_of_a_bulk(browser: Browser, desk: Desk) -> None:
    bulk_id = await desk.submit(*subjects(), pipeline="blog", name="Weekly")
    async with desk.window(browser) as page:
        await page.goto(f"/bulks/{bulk_id}")
        await page.get_by_role("link", name="await your choice").click()
        await expect(page.locator("[data-question]")).to_have_count(10)
        async with Stays(page):
            await page.get_by_role("button", name="Take the recommended for all 10").click()
            asked = page.get_by_role("dialog", name="Take the recommended idea for all?")
            await asked.get_by_role("button", name="Take them").click()
            await expect(page.locator("#notices")).to_contain_text("The recommended idea was taken for 10 articles.")
            await expect(page.get_by_role("heading", name="Nothing to choose here")).to_be_visible()
    await desk.completed(bulk_id)


async def test_formats_are_there_to_read_in_the_order_in_which_they_end(browser: Browser, desk: Desk) -> None:
    desk.held = {"summary", "faq"}
    async with desk.window(browser) as page:
        await page.goto("/formats/new")
        await page.get_by_label("Or the text itself").fill("A long talk about how jackets are waxed, and why. " * 20)
        for name in ("Summary", "FAQ"):
            await page.get_by_role("row", name=name).get_by_role("checkbox").first.check()
        await page.locator("summary").filter(has_text="More settings").click()
        await page.get_by_label("Articles at once").fill("2")
        await page.get_by_label("Name", exact=True).fill("The talk of May")
        await page.get_by_role("button", name="Submit").click()
        tabs = page.locator("#formats-tabs li")
        async with Stays(page):
            await expect(page.get_by_role("heading", level=1)).to_have_text("The talk of May")
            await expect(page.locator("#formats-tabs .badge.processing")).to_have_count(2)
            await desk.asked_for("faq")
            desk.release("faq")
            await expect(tabs.first).to_contain_text("FAQ")
            await expect(tabs.first.locator(".badge")).to_have_text("Ready")
            await expect(tabs.last).to_contain_text("Summary")
            desk.release("summary")
            await expect(tabs.last.locator(".badge")).to_have_text("Ready")
            await expect(page.locator("#formats-head .badge")).to_have_text("Completed")
            await expect(page.locator("#formats-text .prose")).to_contain_text("What to look for")
        await tabs.first.get_by_role("link").click()
        await expect(page.locator("#formats-text-title")).to_have_text("FAQ")


async def test_the_queue_shows_what_runs_and_its_limits_are_changed(
    browser: Browser, shared_workshop: Workshop
) -> None:
    async with shared_workshop.desk("developer") as desk, desk.window(browser) as page:
        await page.goto("/queue")
        async with Stays(page):
            desk.held = {"Seen in the queue"}
            await desk.submit("Seen in the queue", *subjects(9), pipeline="article", name="Queued up")
            running = page.locator("#queue-active tbody tr").filter(has_text="Seen in the queue")
            await expect(running).to_contain_text("Queued up")
            await expect(running).to_contain_text("Component generation step 3 of 7")
            desk.release()
            await expect(running).to_be_hidden()
            await expect(page.locator("#queue-recent tbody tr")).to_have_count(10)
        limit = page.get_by_label("Articles at once")
        await limit.fill("many")
        await page.get_by_role("button", name="Change the limits").click()
        await expect(page.get_by_role("alert")).to_contain_text("The limits were not changed")
        await expect(limit).to_have_value("many")
        await limit.fill("7")
        await page.get_by_role("button", name="Change the limits").click()
        await expect(page.locator("#queue-counts")).to_contain_text("of 7 at once")
        await limit.fill("")
        await page.get_by_role("button", name="Change the limits").click()
        await expect(page.locator("#queue-counts")).not_to_contain_text("at once")
