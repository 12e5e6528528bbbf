"""Something of everything to see: bulks in all states, held still for the camera. Nothing is judged here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.support.eventually import eventually
from tests.web.workshop import Desk

SUBJECTS = (
    "Waxed canvas jackets", "Merino base layers", "Trail shoes for wide feet", "Packable rain shells",
    "Down or synthetic fill", "Caring for leather boots", "Hats that survive the wind", "Linen for hot days",
    "Denim weights explained", "Socks nobody talks about", "Gloves for cold starts", "A capsule wardrobe",
)  # fmt: skip
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

WEBHOOKS: dict[str, dict[str, Any]] = {
    "taken": {"description": "Shop system", "events": ["bulk.completed", "job.failed", "job.awaiting_selection"]},
    "gone": {"events": ["bulk.completed"]},
}

PLAN = {
    "name": "Every Monday, before anybody is there",
    "cron": "0 6 * * 1",
    "time_zone": "Europe/Berlin",
    "run_between": {"from": "22:00", "to": "06:00"},
}
KEYS: tuple[dict[str, Any], ...] = (
    {"name": "Shop system", "scope": "write"},
    {
        "name": "The dashboard in the hall, which only looks at what there is",
        "scope": "read",
        "expires_days": 30,
    },
)


@dataclass(frozen=True)
class Showcase:
    """`bulks`, `jobs` and `told` (webhooks, a delivery, a schedule) are ids by what they show."""

    url: str
    user: str
    bulks: dict[str, str]
    jobs: dict[str, str]
    told: dict[str, str]


def topics(*special: str, count: int = 12, after: int = 0) -> list[str]:
    """The special ones stand after so many others."""
    others = [f"{subject}, part {number}" for number in range(1, 9) for subject in SUBJECTS]
    return [*others[:after], *special, *others[after:]][:count]


async def filled(desk: Desk) -> Showcase:
    desk.held = {"Held for the camera", "Held for ever", "Held back", "Held too"}
    desk.failing = {"Failing one", "Failing two"}
    webhooks = {
        shows: (await desk.post("/api/webhooks", {"url": desk.hook(shows), **fields}))["endpoint"]["id"]
        for shows, fields in WEBHOOKS.items()
    }
    desk.gone = {"gone"}
    bulks = {
        "completed": await desk.submit(*topics(), name="Autumn catalogue", pipeline="article"),
        "failed": await desk.submit(*topics("Failing one", "Failing two"), name="Winter landing pages"),
        "paused": await desk.submit(*topics("Held for the camera"), name="Spring preview"),
        "cancelled": await desk.submit(*topics("Held for ever"), name="Withdrawn: outlet texts"),
        "awaiting": await desk.submit(*topics(count=10), name="Blog, week 47", pipeline="blog"),
        "formats": await desk.submit_formats("One source, many shapes", "summary", "faq"),
    }
    for name, request in TEMPLATES.items():
        kept = (await desk.post("/api/templates", {"name": name, "request": request}))["template"]["id"]
    schedule = (await desk.post("/api/schedules", {**PLAN, "template_id": kept}))["schedule"]["id"]
    await desk.api.post(f"/api/schedules/{schedule}/run")  # refused: the template has no source yet
    for key in KEYS:
        await desk.post("/api/keys", key)
    special = topics("Held back", "Held too", count=50, after=18)
    bulks["running"] = await desk.submit(*special, name="Summer collection", parallelism=2)
    for shows, control, held in (("paused", "pause", "Held for the camera"), ("cancelled", "cancel", "Held for ever")):
        await desk.asked_for(held)
        await desk.post(f"/api/bulk-generate/{bulks[shows]}/{control}", {})
    for shows in ("completed", "failed", "formats"):
        await desk.completed(bulks[shows])
    await eventually(lambda: desk.bulk(bulks["awaiting"]), lambda seen: seen["progress"]["awaiting"] == 10)
    await eventually(lambda: desk.bulk(bulks["running"]), _is_held)
    jobs = {}
    for shows, (of, position) in JOBS.items():
        jobs[shows] = (await desk.bulk(bulks[of]))["jobs"][position - 1]["id"]
    return Showcase(desk.deployment.url, desk.user, bulks, jobs, await told_of(desk, webhooks) | {"schedule": schedule})


async def told_of(desk: Desk, webhooks: dict[str, str]) -> dict[str, str]:
    """The webhooks, once what has ended was told, and what one of them was not."""

    async def sent(webhook: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await desk.api.get(f"/api/webhooks/{webhook}/deliveries")).json()["deliveries"]
        return found

    ended = {"completed": 3, "failed": 2}
    """Bulks that complete, and articles that fail."""

    await eventually(
        lambda: sent(webhooks["taken"]),
        lambda seen: [one["state"] for one in seen].count("delivered") >= sum(ended.values()),
    )
    [refused, *_] = await eventually(
        lambda: sent(webhooks["gone"]), lambda seen: bool(seen) and all(one["state"] == "dead" for one in seen)
    )
    return {f"{shows}_webhook": webhook for shows, webhook in webhooks.items()} | {"delivery": refused["id"]}


def _is_held(seen: dict[str, Any]) -> bool:
    return bool(seen["progress"]["completed"] == 18 and seen["progress"]["running"] == 2)
