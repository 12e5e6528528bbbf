"""A Pressrun in which there is something of everything to see: bulks in all states, held still for the camera."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from tests.support.deployment import Deployment, on_mongodb
from tests.support.eventually import eventually
from tests.support.replies import Reply, failure, success
from tests.support.scripted_generator import Call, ScriptedGenerator, article

FAST = {
    "PRESSRUN_BULK__DELAY_SECONDS": "0",
    "PRESSRUN_WORKER__POLL_SECONDS": "0.05",
    "PRESSRUN_WORKER__LEASE_SECONDS": "10",
    "PRESSRUN_WORKER__SWEEP_SECONDS": "0.5",
    "PRESSRUN_WORKER__SLOTS": "4",
    "PRESSRUN_LIMITS__MAX_RUNNING": "off",
    "PRESSRUN_IDEAS__REQUESTS_PER_MINUTE": "off",
    "PRESSRUN_IMAGES__REQUESTS_PER_MINUTE": "off",
}
BULKS = "/api/bulk-generate"
SUBJECTS = (
    "Waxed canvas jackets", "Merino base layers", "Trail shoes for wide feet", "Packable rain shells",
    "Down or synthetic fill", "Caring for leather boots", "Hats that survive the wind", "Linen for hot days",
    "Denim weights explained", "Socks nobody talks about", "Gloves for cold starts", "A capsule wardrobe",
)  # fmt: skip
SUMMARY = (
    "Two people who have sewn for thirty years say what they look at first, and what they would not pay for again."
)

JOBS = {
    "completed": ("completed", 1),
    "failed": ("failed", 1),
    "running": ("running", 19),
    "queued": ("running", 50),
    "awaiting": ("awaiting", 1),
    "cancelled": ("cancelled", 12),
}
"""By what they show: of which bulk, and at which position."""

TEMPLATES: dict[str, dict[str, Any]] = {
    "Catalogue, at night": {"mode": "topic", "delay_seconds": 20, "priority": "low"},
    "Weekly blog": {"mode": "topic", "pipeline": "blog", "items": [{"topic": subject} for subject in SUBJECTS]},
    "Talks retold": {"pipeline": "formats", "templates": ["summary", "faq"]},
}


@dataclass(frozen=True)
class Showcase:
    """`bulks` and `jobs` are ids by what they show."""

    url: str
    bulks: dict[str, str]
    jobs: dict[str, str]


def told(call: Call) -> Reply:
    """Ideas, images, and articles with headings and of some length."""
    if call.mode == "image":
        return article(call)
    subject = str(call.body.get("topic") or "Waxing a jacket")
    if call.mode == "ideas":
        ideas = [
            {
                "title": title.format(subject),
                "summary": SUMMARY,
                "angle": "The workshop",
                "keywords": ["care", "repair"],
            }
            for title in ("{}: what the makers say", "Ten years with {}", "{}, and when to leave it")
        ]
        return success({"ideas": ideas, "recommended": 1}, {"cost": 0.001})
    words = f"What to know about {subject} before you buy, in a few honest sentences from the workshop. " * 6
    text = f"# {subject}\n\n{words}\n\n## What to look for\n\n- One thing\n- Another thing\n\n{words}"
    return success(text, {"input_tokens": 120, "output_tokens": 900, "cost": 0.012})


def scripted(call: Call) -> Reply:
    if call.topic.startswith("Held") and call.mode != "ideas":
        return told(call).held()
    if call.topic.startswith("Failing"):
        return failure("The model has refused this subject.", retryable=False)
    return told(call)


def topics(*special: str, count: int = 12, after: int = 0) -> list[dict[str, Any]]:
    """The special ones stand after so many others."""
    subjects = [f"{subject}, part {number}" for number in range(1, 9) for subject in SUBJECTS]
    return [{"topic": topic} for topic in (*subjects[:after], *special, *subjects[after:])][:count]


@contextlib.asynccontextmanager
async def showcase(folder: Path, uri: str, database: str) -> AsyncIterator[Showcase]:
    async with ScriptedGenerator(scripted) as generator:
        settings = {**FAST, "PRESSRUN_IDEAS__URL": generator.url, "PRESSRUN_IMAGES__URL": generator.url}
        async with (
            on_mongodb(settings, folder, uri, database, workers=1, generator_url=generator.url) as deployment,
            httpx2.AsyncClient(base_url=deployment.url, timeout=20, trust_env=False) as api,
        ):
            yield await _filled(deployment, api)


async def _filled(deployment: Deployment, api: httpx2.AsyncClient) -> Showcase:
    bulks: dict[str, str] = {}

    async def submit(shows: str, name: str, **body: Any) -> str:
        request = {"pipeline": "plain", "name": name, **body}
        if request["pipeline"] != "formats":
            request["mode"] = "topic"
        answer = await api.post(BULKS, json=request)
        assert answer.status_code == 200, answer.text
        bulks[shows] = answer.json()["bulk_job_id"]
        return bulks[shows]

    await submit("completed", "Autumn catalogue", items=topics(), pipeline="article")
    await submit("failed", "Winter landing pages", items=topics("Failing one", "Failing two"))
    await submit("paused", "Spring preview", items=topics("Held for the camera"))
    await submit("cancelled", "Withdrawn: outlet texts", items=topics("Held for ever"))
    await submit("awaiting", "Blog, week 47", items=topics(count=10), pipeline="blog")
    for name, request in TEMPLATES.items():
        kept = await api.post("/api/templates", json={"name": name, "request": request})
        assert kept.status_code == 200, kept.text
    await submit(
        "formats",
        "One source, many shapes",
        pipeline="formats",
        source={"text": "A long talk about how jackets are waxed, and why. " * 30, "title": "Waxing"},
        templates=["summary", "faq"],
    )
    await submit(
        "running", "Summer collection", items=topics("Held back", "Held too", count=50, after=18), parallelism=2
    )
    await _until(api, bulks["completed"], "completed")
    await _until(api, bulks["failed"], "completed")
    for shows, control in (("paused", "pause"), ("cancelled", "cancel")):
        await _begun(api, bulks[shows])
        await api.post(f"{BULKS}/{bulks[shows]}/{control}")
    await eventually(lambda: _progress(api, bulks["awaiting"]), lambda progress: progress["awaiting"] == 10)
    await _until(api, bulks["formats"], "completed")
    await eventually(
        lambda: _progress(api, bulks["running"]),
        lambda progress: progress["completed"] == 18 and progress["running"] == 2,
    )
    jobs = {}
    for shows, (of, position) in JOBS.items():
        jobs[shows] = (await api.get(f"{BULKS}/{bulks[of]}")).json()["jobs"][position - 1]["id"]
    return Showcase(deployment.url, bulks, jobs)


async def _progress(api: httpx2.AsyncClient, bulk_id: str) -> dict[str, Any]:
    progress: dict[str, Any] = (await api.get(f"{BULKS}/{bulk_id}")).json()["progress"]
    return progress


async def _begun(api: httpx2.AsyncClient, bulk_id: str) -> None:
    await eventually(lambda: _progress(api, bulk_id), lambda progress: progress["running"])


async def _until(api: httpx2.AsyncClient, bulk_id: str, status: str) -> None:
    async def look() -> Any:
        return (await api.get(f"{BULKS}/{bulk_id}")).json()["bulk_job"]["status"]

    await eventually(look, lambda seen: seen == status)
