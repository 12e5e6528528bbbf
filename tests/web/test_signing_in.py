"""A Pressrun that asks who it is: signing in with a key, and what somebody is shown who may only read."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, Page, expect

from jobs.callers.keys import Scope
from jobs.documents import BulkRequest
from jobs.storage.mongo import MongoStore
from jobs.system import Rules, start
from tests.support.deployment import on_mongodb
from tests.web.browser import Window, barriers, opened, overhang, photograph, turn
from tests.web.test_every_page import WINDOWS
from tests.web.workshop import subjects

NO_GENERATOR = "http://127.0.0.1:1"
OWNER = "anna"


@dataclass(frozen=True)
class Keyed:
    """A service without workers, and a key of each scope."""

    url: str
    bulk_id: str
    keys: dict[Scope, str]


@pytest.fixture
async def keyed(
    mongodb_uri: str, mongodb_database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Keyed]:
    folder = tmp_path_factory.mktemp("keyed")
    settings = {"PRESSRUN_AUTH__MODE": "keys", "PRESSRUN_AUTH__SECRETS": "a secret of the tests of signing in"}
    store = MongoStore.connect(mongodb_uri, mongodb_database, 5, "pressrun-test")
    try:
        system = await start(store, Rules())
        keys = {scope: (await system.keys.create(OWNER, scope))[1] for scope in Scope}
        request = BulkRequest(mode="topic", name="Behind a door", items=[{"topic": topic} for topic in subjects()])
        bulk_id = str((await system.creation.create(OWNER, request)).bulk_id)
        async with on_mongodb(
            settings, folder, mongodb_uri, mongodb_database, workers=0, generator_url=NO_GENERATOR
        ) as deployment:
            yield Keyed(deployment.url, bulk_id, keys)
    finally:
        await store.close()


async def signed_in(page: Page, key: str, at: str = "/") -> None:
    await page.goto(at)
    await page.get_by_label("API key").fill(key)
    await page.get_by_role("button", name="Sign in").click()


async def test_whoever_is_asked_signs_in_is_led_back_and_signs_out(browser: Browser, keyed: Keyed) -> None:
    bulk = f"/bulks/{keyed.bulk_id}"
    async with opened(browser, keyed.url) as page:
        await page.goto(bulk)
        await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
        await expect(page.get_by_label("API key")).to_be_focused()
        found = []
        for kind, window in WINDOWS.items():
            await turn(page, window)
            await photograph(page, f"sign-in-{kind}")
            found += await barriers(page)
            assert await overhang(page) <= 0
        assert found == []
        await signed_in(page, "no key at all", bulk)
        await expect(page.get_by_role("alert")).to_contain_text("This is no key, or it was revoked or has expired.")
        await page.get_by_label("API key").fill(keyed.keys[Scope.WRITE])
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Behind a door")
        await page.get_by_role("button", name="Pause", exact=True).click()
        await expect(page.locator("#bulk-head .badge")).to_have_text("Paused")
        await page.get_by_role("button", name="Sign out").click()
        await page.goto(bulk)
        await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


async def test_who_may_only_read_is_shown_all_and_offered_nothing(browser: Browser, keyed: Keyed) -> None:
    async with opened(browser, keyed.url) as page:
        await signed_in(page, keyed.keys[Scope.READ])
        await page.get_by_role("link", name="Behind a door").click()
        await expect(page.locator(".article")).to_have_count(10)
        await expect(page.locator("#bulk-figures .waiting")).to_contain_text("No worker is alive")
        for name in ("Pause", "Cancel", "Again", "Change"):
            await expect(page.get_by_role("button", name=name, exact=True)).to_have_count(0)
        await page.get_by_role("link", name="Queue", exact=True).click()
        await expect(page.locator("#queue-alive")).to_contain_text("No worker is alive")
        await expect(page.locator("#limits")).to_have_count(0)
        assert await barriers(page) == []


async def test_without_scripts_one_signs_in_too(browser: Browser, keyed: Keyed) -> None:
    async with opened(browser, keyed.url, Window(scripts=False)) as page:
        await signed_in(page, keyed.keys[Scope.ADMIN], "/queue")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Queue")
        await expect(page.locator("#limits")).to_be_visible()


async def test_one_makes_a_key_sees_it_once_and_takes_it_back(browser: Browser, keyed: Keyed) -> None:
    async with opened(browser, keyed.url) as page:
        await signed_in(page, keyed.keys[Scope.WRITE])
        await page.get_by_role("link", name="API keys", exact=True).click()
        await page.get_by_label("Name").fill("Shop system")
        await page.get_by_label("May").select_option("read")
        await page.get_by_role("button", name="Make the key").click()
        await expect(page.locator("#secret")).to_have_text(re.compile("^pressrun_"))
        text = await page.locator("#secret").inner_text()
        found = []
        for kind, window in WINDOWS.items():
            await turn(page, window)
            await photograph(page, f"keys-made-{kind}")
            found += await barriers(page)
            assert await overhang(page) <= 0
        assert found == []
        await page.reload()
        await expect(page.locator("#secret")).to_have_count(0)
        made = page.get_by_role("row").filter(has_text="Shop system")
        await expect(made).to_have_count(1)
        async with opened(browser, keyed.url) as other:
            await signed_in(other, text)
            await expect(other.get_by_role("heading", level=1)).to_have_text("Bulks")
            await made.get_by_role("button", name="Revoke", exact=True).click()
            await photograph(page, "keys-revoking")
            await made.get_by_role("button", name="Revoke it").click()
            await expect(made.locator(".badge")).to_have_text("Revoked")
            await other.reload()
            await expect(other.get_by_role("heading", level=1)).to_have_text("Sign in")
