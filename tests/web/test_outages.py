"""Journeys on which something dies: the page says so, and recovers by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from tests.web.workshop import Desk, Stays, Workshop, row, subjects, workshop


@pytest.fixture
async def own_workshop(
    mongodb_uri: str, mongodb_database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Workshop]:
    """Whose processes may be killed; a dead worker is given up soon."""
    soon = {"PRESSRUN_WORKER__LEASE_SECONDS": "3", "PRESSRUN_WORKER__SWEEP_SECONDS": "0.2"}
    async with workshop(tmp_path_factory.mktemp("outage"), mongodb_uri, mongodb_database, soon) as built:
        yield built


@pytest.fixture
async def own_desk(own_workshop: Workshop) -> AsyncIterator[Desk]:
    async with own_workshop.desk() as own:
        yield own


async def test_pages_say_that_the_service_is_gone_and_show_the_last_state_once_it_is_back(
    browser: Browser, own_desk: Desk
) -> None:
    own_desk.held = {"Subject 2", "Subject 5"}
    bulk_id = await own_desk.submit(*subjects())
    async with own_desk.window(browser, outage=True) as bulk, own_desk.window(browser, outage=True) as bulks:
        await bulk.goto(f"/bulks/{bulk_id}")
        await bulks.goto("/")
        async with Stays(bulk), Stays(bulks):
            await expect(row(bulk, "Subject 2").locator(".badge")).to_have_text("Running")
            await expect(bulks.locator("#bulk-list").get_by_text("1 / 10")).to_be_visible()
            await own_desk.deployment.service.kill()
            for page in (bulk, bulks):
                await expect(page.locator("#away")).to_be_visible()
            own_desk.release("Subject 2")
            await own_desk.asked_for("Subject 5")
            await expect(row(bulk, "Subject 2").locator(".badge")).to_have_text("Running")
            await own_desk.deployment.start_service()
            for page in (bulk, bulks):
                await expect(page.locator("#away")).to_be_hidden()
            await expect(row(bulk, "Subject 4").locator(".badge")).to_have_text("Completed")
            await expect(row(bulk, "Subject 5").locator(".badge")).to_have_text("Running")
            await expect(bulks.locator("#bulk-list").get_by_text("4 / 10")).to_be_visible()
            own_desk.release()
            await expect(bulk.locator("#bulk-head .badge")).to_have_text("Completed")
            await expect(bulks.locator("#bulk-list .badge")).to_have_text("Completed")


async def test_a_button_pressed_while_the_service_is_gone_says_that_nothing_was_changed(
    browser: Browser, own_desk: Desk
) -> None:
    own_desk.held = {"Subject 1"}
    bulk_id = await own_desk.submit(*subjects())
    async with own_desk.window(browser, outage=True) as page:
        await page.goto(f"/bulks/{bulk_id}")
        async with Stays(page):
            await expect(row(page, "Subject 1").locator(".badge")).to_have_text("Running")
            await own_desk.deployment.service.kill()
            await page.get_by_role("button", name="Pause", exact=True).click()
            await expect(page.get_by_role("alert")).to_contain_text("Pressrun did not answer")
            await own_desk.deployment.start_service()
            await expect(page.locator("#away")).to_be_hidden()
            await page.get_by_role("button", name="Pause", exact=True).click()
            await expect(page.locator("#bulk-head .badge")).to_have_text("Paused")


async def test_a_page_says_that_no_worker_is_alive_and_goes_on_when_one_is_back(
    browser: Browser, own_desk: Desk
) -> None:
    own_desk.held = {"Subject 2"}
    bulk_id = await own_desk.submit(*subjects())
    await own_desk.asked_for("Subject 2")
    async with own_desk.window(browser) as page, own_desk.window(browser) as queue:
        await page.goto(f"/bulks/{bulk_id}")
        await queue.goto("/queue")
        async with Stays(page), Stays(queue):
            await expect(row(page, "Subject 2").locator(".badge")).to_have_text("Running")
            await own_desk.deployment.workers[0].kill()
            await expect(page.locator("#bulk-figures .waiting")).to_contain_text("No worker is alive")
            await expect(queue.locator("#queue-alive")).to_contain_text("No worker is alive")
            own_desk.release()
            await own_desk.deployment.add_worker()
            await expect(page.locator("#bulk-head .badge")).to_have_text("Completed")
            await expect(page.locator("#bulk-figures .waiting")).to_have_count(0)
            await expect(queue.locator("#queue-alive")).to_be_hidden()
    assert own_desk.called.count("Subject 2") == 2
