"""The pages of a Pressrun and the states they are looked at in: how each is reached. No tests here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from playwright.async_api import FilePayload, Page

from tests.web.browser import ROOT
from tests.web.showcase import Showcase

CATALOGUE = ROOT / "tests" / "data" / "shopify-apparel.csv"
WRONG_ROWS: FilePayload = {
    "name": "plan.csv",
    "mimeType": "text/csv",
    "buffer": "\n".join(
        ["Topic,Words,Language", *(f"Subject {n},{n * 5},en" for n in range(8, 20)), ",300,en"]
    ).encode(),
}
Step = Callable[[Page], Awaitable[None]]


@dataclass(frozen=True)
class View:
    """`path` may name what the showcase holds; `then` leads from there to the state to be looked at. `user`: whose."""

    path: str
    then: Step | None = None
    user: str | None = None

    def address(self, shown: Showcase) -> str:
        return self.path.format(
            **{f"{kind}_bulk": found for kind, found in shown.bulks.items()}, **shown.jobs, **shown.told
        )


def chosen(mode: str, pipeline: str = "article") -> Step:
    async def choose(page: Page) -> None:
        await page.locator(f"label:has([name=mode][value={mode}])").click()
        await page.locator("#pipeline").select_option(pipeline)

    return choose


def clicked(name: str, evidence: str) -> Step:
    async def click(page: Page) -> None:
        await page.get_by_role("button", name=name, exact=True).click()
        await page.locator(evidence).wait_for()

    return click


def clicked_without_checks(name: str, evidence: str) -> Step:
    """Of the browser's own, so that what the service says is seen."""
    click = clicked(name, evidence)

    async def press(page: Page) -> None:
        await page.evaluate("for (const form of document.forms) form.noValidate = true")
        await click(page)

    return press


def with_file(file: FilePayload | str, do: str) -> Step:
    async def choose(page: Page) -> None:
        await page.locator("#file").set_input_files(file)
        await page.get_by_role("button", name=do, exact=True).click()
        await page.locator("#read").wait_for()

    return choose


async def refused(page: Page) -> None:
    await page.get_by_role("button", name="Check", exact=True).click()
    await page.locator("#wrong").wait_for()


async def unfolded(page: Page) -> None:
    """Whatever can be opened, but texts."""
    for summary in await page.locator("details:not(.preview) > summary").all():
        await summary.click()
    await page.evaluate("scrollTo(0, 0)")


async def read(page: Page) -> None:
    """An article, where it stands in its bulk."""
    await page.locator(".preview summary").first.click()
    await page.locator(".preview .prose").first.wait_for()


async def typed_idea(page: Page) -> None:
    await page.get_by_text("Edit, then choose").first.click()


VIEWS = {
    "bulks": View("/"),
    "bulks-found": View("/?q=catalogue"),
    "bulks-not-found": View("/?q=nothing+of+this+name"),
    "bulks-none": View("/", user="newcomer"),
    "bulk-running": View("/bulks/{running_bulk}", unfolded),
    "bulk-paused": View("/bulks/{paused_bulk}"),
    "bulk-failed": View("/bulks/{failed_bulk}", clicked("Download", "#downloads")),
    "bulk-failed-only": View("/bulks/{failed_bulk}?status=failed", unfolded),
    "bulk-completed": View("/bulks/{completed_bulk}", read),
    "bulk-cancelled": View("/bulks/{cancelled_bulk}"),
    "bulk-awaiting": View("/bulks/{awaiting_bulk}"),
    "bulk-again": View("/bulks/{completed_bulk}", clicked("Again", "#again")),
    "bulk-pausing": View("/bulks/{running_bulk}", clicked("More ways to pause", "#pausing")),
    "bulk-cancelling": View("/bulks/{running_bulk}", clicked("Cancel", "#cancelling[open]")),
    "job-completed": View("/jobs/{completed}"),
    "job-failed": View("/jobs/{failed}", clicked("Retry from a stage", "#retrying")),
    "job-running": View("/jobs/{running}"),
    "job-queued": View("/jobs/{queued}"),
    "job-awaiting": View("/jobs/{awaiting}"),
    "job-cancelled": View("/jobs/{cancelled}"),
    "new-lines": View("/bulks/new", unfolded),
    "new-keywords": View("/bulks/new", chosen("keywords")),
    "new-trends": View("/bulks/new", chosen("trends", "plain")),
    "new-spin": View("/bulks/new", chosen("spin", "blog")),
    "new-nothing": View("/bulks/new", refused),
    "new-file": View("/bulks/new?from=file"),
    "new-file-preview": View("/bulks/new?from=file", with_file(str(CATALOGUE), "Check")),
    "new-file-faults": View("/bulks/new?from=file", with_file(WRONG_ROWS, "Check")),
    "new-template": View("/bulks/new?from=template"),
    "single": View("/jobs/new"),
    "single-spin": View("/jobs/new", chosen("spin", "blog")),
    "formats-new": View("/formats/new"),
    "formats": View("/formats/{formats_bulk}"),
    "selections": View("/selections", typed_idea),
    "selections-none": View("/selections", user="newcomer"),
    "queue": View("/queue"),
    "queue-of-a-newcomer": View("/queue", user="newcomer"),
    "templates": View("/templates"),
    "templates-none": View("/templates", user="newcomer"),
    "schedules": View("/schedules"),
    "schedules-none": View("/schedules", user="newcomer"),
    "schedules-wrong": View("/schedules", clicked_without_checks("Make the schedule", "#wrong")),
    "schedule": View("/schedules/{schedule}", unfolded),
    "notifications": View("/notifications"),
    "notifications-none": View("/notifications", user="newcomer"),
    "notifications-settings": View("/notifications/settings"),
    "webhooks": View("/webhooks"),
    "webhooks-none": View("/webhooks", user="newcomer"),
    "webhooks-wrong": View("/webhooks", clicked("Make the webhook", "#wrong")),
    "webhook": View("/webhooks/{taken_webhook}", unfolded),
    "webhook-gone": View("/webhooks/{gone_webhook}"),
    "webhook-removing": View("/webhooks/{gone_webhook}", clicked("Remove", "#removing[open]")),
    "delivery": View("/webhooks/deliveries/{delivery}"),
    "keys": View("/keys"),
    "keys-none": View("/keys", user="newcomer"),
    "keys-wrong": View("/keys", clicked_without_checks("Make the key", "#wrong")),
    "nothing": View("/bulks/6b027bdfe484bda5c9f5777d"),
    "error": View("/?cursor=nonsense"),
}
