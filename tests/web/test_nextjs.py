"""Journeys through the example application: Auth.js signs in, Next.js stands between the browser and Pressrun."""

from __future__ import annotations

import re
import secrets
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.web.browser import barriers, opened, overhang, photograph, turn
from tests.web.conftest import database_of_its_own
from tests.web.nextjs import SAMPLE, again, both_started, built, interrupted, is_free, run
from tests.web.test_every_page import WINDOWS
from tests.web.workshop import BULKS, Desk, Stays, Workshop, workshop

ADA = "6740a1b2c3d4e5f600000001"
A_BULK = re.compile(r"/\?bulk=([0-9a-f]{24})$")
TOPICS = [line.split(",")[0] for line in SAMPLE.read_text().splitlines()[1:]]
INSERT = """
import { readFileSync } from "node:fs";
import { MongoClient, ObjectId } from "mongodb";
import ts from "typescript";

const [uri, database, user, name] = process.argv.slice(1);
const typed = readFileSync("lib/insert-bulk.ts", "utf8");
const { outputText } = ts.transpileModule(typed, { compilerOptions: { module: "es2022", target: "es2022" } });
const code = outputText.replace('"mongodb"', JSON.stringify(import.meta.resolve("mongodb")));
const { insertBulk } = await import("data:text/javascript," + encodeURIComponent(code));
const client = await new MongoClient(uri).connect();
const items = ["Linen", "Wool", "Silk"].map((topic) => ({ topic, word_count: 300 }));
console.log(String(await insertBulk(client.db(database), new ObjectId(user), name, items)));
await client.close();
"""


@dataclass(frozen=True)
class Application:
    url: str
    workshop: Workshop
    database: str


@pytest.fixture(scope="module")
async def application(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Application]:
    secret, folder = secrets.token_urlsafe(32), tmp_path_factory.mktemp("nextjs")
    async with built() as build, database_of_its_own(mongodb_uri) as database:
        behind = {
            "PRESSRUN_AUTH__MODE": "sessions",
            "PRESSRUN_AUTH__SECRETS": secret,
            "PRESSRUN_SERVICE__PORT": str(build.port),
        }
        async with workshop(folder, mongodb_uri, database, behind) as shop, build.started(secret) as url:
            yield Application(url, shop, database)


@pytest.fixture
async def desk(application: Application) -> AsyncIterator[Desk]:
    """Ada's: she says when the generator answers her."""
    async with application.workshop.desk(ADA) as own:
        yield own


async def sign_in(page: Page, name: str, at: str = "/") -> None:
    await page.goto(at)
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Password").fill("demo")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_text("Signed in as")).to_contain_text(name)


async def submit(page: Page, name: str, seconds_between: int = 0) -> str:
    """The bulk of the sample, once it is shown."""
    await page.get_by_label("File").set_input_files(SAMPLE)
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Seconds between articles").fill(str(seconds_between))
    await page.get_by_role("button", name="Submit 12 articles").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(name)
    found = A_BULK.search(page.url)
    assert found is not None, page.url
    return found[1]


def status(page: Page) -> Locator:
    return page.locator(".bulk > header .badge")


def figure(page: Page, name: str) -> Locator:
    return page.locator(".figures div").filter(has_text=name).locator("dd")


def row(page: Page, topic: str) -> Locator:
    return page.locator(".articles li").filter(has_text=topic)


async def test_a_file_is_submitted_watched_paused_resumed_and_its_articles_are_fetched(
    browser: Browser, application: Application, desk: Desk, tmp_path: Path
) -> None:
    desk.held = {TOPICS[3], TOPICS[6]}
    async with opened(browser, application.url) as page:
        await sign_in(page, "ada")
        bulk_id = await submit(page, "Autumn")
        async with Stays(page):
            await expect(figure(page, "completed")).to_have_text("3")
            await expect(row(page, TOPICS[3])).to_have_class("processing")
            await expect(page.locator(".percentage")).to_have_text("25%")
            desk.release(TOPICS[3])
            await expect(figure(page, "completed")).to_have_text("6")
            await page.get_by_role("button", name="Pause").click()
            await expect(status(page)).to_have_text("paused")
            desk.release(TOPICS[6])
            await expect(figure(page, "completed")).to_have_text("7")
            await expect(figure(page, "running")).to_have_text("0")
            await expect(page.get_by_text("Paused.", exact=True)).to_be_visible()
            assert TOPICS[7] not in desk.called
            await page.get_by_role("button", name="Resume").click()
            await expect(status(page)).to_have_text("completed")
            await expect(figure(page, "completed")).to_have_text("12")
            await expect(page.get_by_role("navigation").get_by_text("completed")).to_be_visible()
            await page.get_by_role("button", name=TOPICS[0]).click()
            await expect(page.get_by_role("dialog")).to_contain_text(f"What to know about {TOPICS[0]}")
            await page.keyboard.press("Escape")
            await expect(page.get_by_role("dialog")).to_be_hidden()
            async with page.expect_download() as downloading:
                await page.get_by_role("link", name="ZIP").click()
        await (await downloading.value).save_as(tmp_path / "results.zip")
        with zipfile.ZipFile(tmp_path / "results.zip") as archive:
            assert len([name for name in archive.namelist() if name.endswith(".md")]) == 12
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        for path in (BULKS, f"{BULKS}/{bulk_id}", f"{BULKS}/{bulk_id}/events"):
            answer = await page.request.get(path)
            assert (answer.status, await answer.json()) == (401, {"error": "Unauthorized"})


async def test_what_is_wrong_with_a_file_is_said_beside_its_rows(
    browser: Browser, application: Application, tmp_path: Path
) -> None:
    faulty = tmp_path / "faulty.csv"
    faulty.write_text(SAMPLE.read_text().replace(",400,", ",forty,", 1))
    async with opened(browser, application.url) as page:
        await sign_in(page, "grace")
        await page.get_by_label("File").set_input_files(faulty)
        await expect(page.get_by_role("status")).to_have_text("12 articles, and 1 fault. Nothing was submitted.")
        wrong = page.get_by_role("row").filter(has_text=TOPICS[0])
        await expect(wrong).to_contain_text("2")
        await expect(wrong).to_contain_text("word_count")
        await expect(page.get_by_role("button", name="Submit")).to_have_count(0)
        await page.get_by_label("File").set_input_files(SAMPLE)
        await expect(page.get_by_role("button", name="Submit 12 articles")).to_be_enabled()


async def test_failed_articles_are_sent_back_and_a_bulk_is_cancelled(
    browser: Browser, application: Application, desk: Desk
) -> None:
    desk.failing, desk.held = {TOPICS[1]}, {TOPICS[2]}
    async with opened(browser, application.url) as page:
        page.on("dialog", lambda dialog: dialog.accept())
        await sign_in(page, "ada")
        await submit(page, "Winter")
        await expect(row(page, TOPICS[1])).to_contain_text("The model has refused this subject.")
        await expect(figure(page, "failed")).to_have_text("1")
        desk.failing = set()
        await page.get_by_role("button", name="Retry failed").click()
        await expect(page.get_by_text("1 failed job sent back to the queue")).to_be_visible()
        await expect(figure(page, "failed")).to_have_text("0")
        await page.get_by_role("button", name="Cancel").click()
        await expect(status(page)).to_have_text("cancelled")
        await expect(figure(page, "running")).to_have_text("0")
        await expect(page.get_by_role("button", name="Pause")).to_have_count(0)


async def test_nobody_sees_what_is_somebody_elses(browser: Browser, application: Application, desk: Desk) -> None:
    async with opened(browser, application.url) as hers, opened(browser, application.url) as page:
        await sign_in(hers, "ada")
        bulk_id = await submit(hers, "For Ada alone", seconds_between=3600)
        await sign_in(page, "grace", f"/?bulk={bulk_id}")
        await page.goto(f"/?bulk={bulk_id}")
        await expect(page.get_by_text("There is no such bulk job.")).to_be_visible()
        await expect(page.get_by_text("For Ada alone")).to_have_count(0)
        assert (await (await page.request.get(BULKS)).json())["bulk_jobs"] == []
        for path in (f"{BULKS}/{bulk_id}", f"{BULKS}/{bulk_id}/events", f"{BULKS}/{bulk_id}/results"):
            assert (await page.request.get(path)).status == 404
        assert (await page.request.post(f"{BULKS}/{bulk_id}/cancel")).status == 404
        await expect(hers.get_by_text("It waits: The delay after a job's end lasts until")).to_be_visible()
        await expect(figure(hers, "completed")).to_have_text("1")


async def test_the_page_goes_on_when_pressrun_was_away(browser: Browser, application: Application, desk: Desk) -> None:
    desk.held = {TOPICS[4]}
    async with opened(browser, application.url, outage=True) as page:
        await sign_in(page, "ada")
        await submit(page, "Over a restart")
        async with Stays(page):
            await expect(figure(page, "completed")).to_have_text("4")
            await desk.deployment.service.kill()
            await expect(page.get_by_text("What you see is the last that is known")).to_be_visible()
            await page.get_by_role("button", name="Pause").click()
            await expect(page.locator(".controls")).to_contain_text("Pressrun cannot be reached just now.")
            desk.release()
            await desk.asked_for(TOPICS[5])
            await desk.deployment.start_service()
            await expect(status(page)).to_have_text("completed")
            await expect(figure(page, "completed")).to_have_text("12")
            await expect(page.get_by_text("What you see is the last that is known")).to_have_count(0)


async def test_a_bulk_that_the_application_has_stored_itself_is_taken_in_and_shown(
    browser: Browser, application: Application, desk: Desk, mongodb_uri: str
) -> None:
    bulk_id = (await run(INSERT, mongodb_uri, application.database, ADA, "Stored by hand")).strip()
    await desk.asked_for("Linen")
    async with opened(browser, application.url) as page:
        await sign_in(page, "ada")
        await page.get_by_role("link", name="Stored by hand").click()
        await expect(page).to_have_url(re.compile(f"bulk={bulk_id}$"))
        await expect(status(page)).to_have_text("completed")
        assert await page.locator(".articles .about").all_inner_texts() == ["Linen", "Wool", "Silk"]


async def test_the_page_has_no_barrier_and_nothing_leaves_its_frame(
    browser: Browser, application: Application, desk: Desk
) -> None:
    desk.failing, desk.held, found = {TOPICS[1]}, {TOPICS[5]}, list[str]()
    async with opened(browser, application.url) as page:

        async def look(name: str) -> None:
            for kind, window in WINDOWS.items():
                await turn(page, window)
                await photograph(page, f"nextjs-{name}-{kind}")
                found.extend(f"{name}, {kind}: {barrier}" for barrier in await barriers(page))
                assert await overhang(page) <= 0, (name, kind)

        await page.goto("/")
        await look("sign-in")
        await sign_in(page, "ada")
        await page.get_by_label("File").set_input_files(SAMPLE)
        await expect(page.get_by_role("table")).to_be_visible()
        await look("file")
        await submit(page, "For the camera")
        await expect(row(page, TOPICS[5])).to_have_class("processing")
        await look("bulk")
        await page.get_by_role("button", name=TOPICS[0]).click()
        await expect(page.get_by_role("dialog")).to_be_visible()
        await look("article")
    assert found == []


async def test_one_command_starts_both_and_ctrl_c_ends_both(
    browser: Browser, application: Application, tmp_path: Path
) -> None:
    async with both_started(tmp_path / "data") as (process, url):
        async with opened(browser, url) as page:
            await sign_in(page, "ada")
            await submit(page, "The first of a newcomer")
            await expect(figure(page, "completed")).not_to_have_text("0")
        code, said = await again(url)
        assert code == 1
        assert f"port {url.rpartition(':')[2]} is in use" in said
        behind = await process.said(r"serves http://127\.0\.0\.1:(\d+)")
        await interrupted(process)
        assert is_free(int(behind[1]))
        assert is_free(int(url.rpartition(":")[2]))
