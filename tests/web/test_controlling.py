"""Journeys through a bulk that runs: watched, paused, resumed, cancelled, its failures retried, its articles taken."""

from __future__ import annotations

import zipfile

from playwright.async_api import Browser, Route, expect

from tests.support.eventually import eventually
from tests.web.workshop import Desk, Stays, Workshop, row, subjects


async def test_a_bulk_is_watched_as_it_moves(browser: Browser, desk: Desk) -> None:
    desk.held = {"Subject 3", "Subject 4"}
    bulk_id = await desk.submit(*subjects())
    async with desk.window(browser) as page:
        await page.goto(f"/bulks/{bulk_id}")
        async with Stays(page):
            await expect(row(page, "Subject 3").locator(".badge")).to_have_text("Running")
            await expect(page.locator("#bulk-figures .bar")).to_have_attribute("aria-label", "20 % done")
            desk.release("Subject 3")
            await expect(row(page, "Subject 3").locator(".badge")).to_have_text("Completed")
            await expect(row(page, "Subject 4").locator(".badge")).to_have_text("Running")
            await expect(page.locator("#bulk-figures .bar")).to_have_attribute("aria-label", "30 % done")
            desk.release()
            await expect(page.locator("#bulk-head .badge")).to_have_text("Completed")
            await expect(page.locator("#bulk-figures .percentage")).to_have_text("100%")
            await expect(page.locator(".article .badge.completed")).to_have_count(10)
            await expect(page.locator(".cell.completed")).to_have_count(10)


async def test_a_page_moves_although_its_scripts_came_one_by_one(browser: Browser, desk: Desk) -> None:
    desk.held = {"Subject 1"}
    bulk_id = await desk.submit(*subjects())
    async with desk.window(browser) as page:

        async def late(route: Route) -> None:
            """After whatever htmx would do by itself, without waiting for its extension."""
            await eventually(
                lambda: page.evaluate("'htmx' in window && new Promise(done => setTimeout(done, 50, true))")
            )
            await route.continue_()

        await page.route("**/hx-sse.min.js*", late)
        await page.goto(f"/bulks/{bulk_id}")
        desk.release()
        await expect(page.locator("#bulk-head .badge")).to_have_text("Completed")


async def test_the_list_of_bulks_moves_too(browser: Browser, desk: Desk) -> None:
    desk.held = {"Subject 2", "Held"}
    await desk.submit("Held", *subjects()[2:], "Last")
    async with desk.window(browser) as page:
        await page.goto("/")
        async with Stays(page):
            await expect(page.locator("#bulk-list tbody tr")).to_have_count(1)
            bulk_id = await desk.submit(*subjects(), name="Seen from afar")
            listed = page.locator(f"#bulk-{bulk_id}")
            await expect(listed.get_by_text("1 / 10")).to_be_visible()
            await expect(listed.locator(".badge")).to_have_text("Running")
            desk.release("Subject 2")
            await expect(listed.locator(".badge")).to_have_text("Completed")
            await expect(listed.locator(".bar")).to_have_attribute("aria-label", "10 of 10 completed")


async def test_pause_stops_a_bulk_and_resume_lets_it_go_on(browser: Browser, desk: Desk) -> None:
    desk.held = {"Subject 1"}
    bulk_id = await desk.submit(*subjects())
    await desk.asked_for("Subject 1")
    async with desk.window(browser) as page:
        await page.goto(f"/bulks/{bulk_id}")
        async with Stays(page):
            await page.get_by_role("button", name="Pause", exact=True).click()
            notice = "Paused: 1 article that had begun is finished first."
            await expect(page.locator("#notices")).to_contain_text(notice)
            await expect(page.locator("#bulk-head .badge")).to_have_text("Paused")
            await expect(page.locator("#bulk-figures")).to_contain_text(f"Paused by {desk.user}")
            desk.release()
            await expect(row(page, "Subject 1").locator(".badge")).to_have_text("Completed")
            await desk.completed(await desk.submit(*(f"Other {number}" for number in range(10))))
            assert [topic for topic in desk.called if topic.startswith("Subject")] == ["Subject 1"]
            await page.get_by_role("button", name="Resume").click()
            await expect(page.locator("#notices")).to_contain_text("Resumed.")
            await expect(page.locator("#bulk-head .badge")).to_have_text("Completed")
    assert sorted(topic for topic in desk.called if topic.startswith("Subject")) == sorted(subjects())


async def test_it_may_be_paused_for_a_time_with_a_reason_and_what_runs_put_back(browser: Browser, desk: Desk) -> None:
    desk.held = {"Subject 1"}
    bulk_id = await desk.submit(*subjects())
    begun = await desk.asked_for("Subject 1")
    async with desk.window(browser) as page:
        await page.goto(f"/bulks/{bulk_id}")
        await page.get_by_role("button", name="More ways to pause").click()
        await page.get_by_label("is stopped and put back").check()
        await page.get_by_label("Paused").select_option("for an hour")
        await page.get_by_label("Why").fill("The texts are read first")
        await page.locator("#pausing").get_by_role("button", name="Pause").click()
        await expect(page.locator("#notices")).to_contain_text("Paused")
        await expect(page.locator("#bulk-figures .waiting")).to_contain_text("The texts are read first")
        await expect(page.locator("#bulk-figures .waiting time")).to_be_visible()
        await expect(row(page, "Subject 1").locator(".badge")).to_have_text("Queued")
        await begun.hung_up.wait()
        assert (await desk.bulk(bulk_id))["jobs"][0]["retry_count"] == 0


async def test_cancel_asks_first_and_then_stops_what_runs(browser: Browser, desk: Desk) -> None:
    desk.held = {"Subject 2"}
    bulk_id = await desk.submit(*subjects())
    begun = await desk.asked_for("Subject 2")
    async with desk.window(browser) as page:
        await page.goto(f"/bulks/{bulk_id}")
        async with Stays(page):
            cancel = page.locator("#bulk-head").get_by_role("button", name="Cancel", exact=True)
            dialog = page.get_by_role("dialog", name="Cancel this bulk?")
            await cancel.click()
            await expect(dialog).to_contain_text("9 articles are not written yet and would not be; 1 that runs now")
            await expect(dialog.get_by_role("button", name="Leave it")).to_be_focused()
            await page.keyboard.press("Escape")
            await expect(dialog).to_be_hidden()
            assert begun.is_open
            assert (await desk.bulk(bulk_id))["bulk_job"]["status"] == "processing"
            await cancel.click()
            await dialog.get_by_role("button", name="Yes, cancel it").click()
            await expect(page.locator("#notices")).to_contain_text("Cancelled.")
            await expect(page.locator("#bulk-head .badge")).to_have_text("Cancelled")
            await begun.hung_up.wait()
            await expect(page.locator(".article .badge.cancelled")).to_have_count(9)
            await expect(row(page, "Subject 1").locator(".badge")).to_have_text("Completed")
    assert desk.called == ["Subject 1", "Subject 2"]


async def test_one_failed_article_is_retried_and_then_all_others(browser: Browser, desk: Desk) -> None:
    desk.failing = {"Subject 2", "Subject 5", "Subject 7"}
    bulk_id = await desk.submit(*subjects())
    await desk.completed(bulk_id)
    desk.failing = set()
    async with desk.window(browser) as page:
        await page.goto(f"/bulks/{bulk_id}")
        async with Stays(page):
            await page.get_by_text("Why 3 articles have failed").click()
            await expect(page.locator("#why-failed li")).to_have_count(3)
            await row(page, "Subject 5").get_by_role("button", name="Retry").click()
            await expect(row(page, "Subject 5").locator(".badge")).to_have_text("Completed")
            await page.get_by_role("button", name="Retry 2 failed").click()
            await expect(page.locator("#notices")).to_contain_text("2 failed articles sent back to the queue.")
            await expect(page.locator(".article .badge.completed")).to_have_count(10)
            await expect(page.locator("#bulk-errors")).to_be_hidden()


async def test_one_article_is_read_in_place_and_all_are_downloaded(browser: Browser, shared_workshop: Workshop) -> None:
    # The developer's: the browser asks for a download without the header that names anybody else.
    async with shared_workshop.desk("developer") as desk, desk.window(browser) as page:
        bulk_id = await desk.submit(*subjects(), pipeline="article", name="Taken home")
        await desk.completed(bulk_id)
        await page.goto(f"/bulks/{bulk_id}")
        await row(page, "Subject 4").get_by_text("Read it").click()
        await expect(row(page, "Subject 4").locator(".prose")).to_contain_text("What to know about Subject 4")
        await page.get_by_role("button", name="Download").click()
        async with page.expect_download() as coming:
            await page.get_by_role("link", name="Markdown files").click()
        with zipfile.ZipFile(await (await coming.value).path()) as taken:
            names = taken.namelist()
            assert len([name for name in names if name.endswith(".md")]) == 10
            assert [name for name in names if "manifest" in name] != []
            first = next(name for name in names if "subject-1." in name)
            assert taken.read(first).decode().startswith("# Subject 1")
