"""What people, files and generators may call things: shown as text on every page, harmless, and within its frame."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.support.eventually import eventually
from tests.web.browser import Window, overhang
from tests.web.workshop import Desk

HARM = "<script>window.harmed = 1</script>"
NAMES = {
    "script": HARM,
    "attribute": '"><img src=x onerror="window.harmed = 1"><a title="',
    "template": "{{ 7 * 7 }} ${window.harmed = 1} %7B%7B &lt;b&gt; </title></svg></textarea>",
    "long": "Unbreakable" * 182,
    "right-to-left": "كيف تختار سترة \u202eevil\u202c מעיל",
    "joined": "👩‍👩‍👧‍👦 zero\u200bwidth\u200d\ufeff no\u00a0break Z͑͗a͒lgo",
}


@pytest.mark.parametrize("kind", NAMES)
async def test_no_name_does_harm_or_breaks_a_page(browser: Browser, desk: Desk, kind: str) -> None:
    name = NAMES[kind]
    short = name[:200].strip()
    topics = [f"{name[:1_990]} {number}" for number in range(1, 11)]
    desk.held, desk.failing = {topics[1]}, {topics[0]}
    running = await desk.submit(*topics, name=short, tenant=short)
    asking = await desk.submit(*topics, name=short, pipeline="blog")
    await desk.post("/api/templates", {"name": short, "request": {"mode": "topic", "items": [{"topic": topics[2]}]}})
    await desk.asked_for(topics[1])
    await eventually(lambda: desk.bulk(asking), lambda seen: seen["progress"]["awaiting"] == 10)
    jobs = [job["id"] for job in (await desk.bulk(running))["jobs"]]
    paths = {
        "/": f"#bulk-{running} .name",
        f"/bulks/{running}": "h1",
        f"/jobs/{jobs[0]}": "h1",
        f"/jobs/{jobs[1]}": "h1",
        "/queue": "#queue-active .name",
        f"/selections?bulk_job_id={asking}": "[data-question] h2",
        "/templates": "tbody .name",
        "/notifications": "#notice-list .name",
        "/bulks/new?from=template": ".picks a",
    }
    async with desk.window(browser, Window(width=360, height=780)) as page:
        for path, shows in paths.items():
            await page.goto(path)
            assert (await page.locator(shows).first.text_content() or "").strip().startswith(name[:20].strip()), path
            assert await overhang(page) <= 0, path
            assert await page.evaluate("window.harmed") is None, path
        await page.goto(f"/bulks/{running}")
        await page.get_by_role("button", name="Again").click()
        await page.get_by_label("Name of the template").fill(f"{short[:190]} kept")
        await page.get_by_role("button", name="Keep as a template").click()
        await expect(page.locator("#notices")).to_contain_text("Kept as the template")
        assert await page.evaluate("window.harmed") is None
