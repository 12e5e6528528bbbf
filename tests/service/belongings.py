"""Something of everything that one user can own. No tests here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

import httpx2

from jobs.callers.keys import Scope
from jobs.storage.store import Name, Store
from jobs.system import System
from tests.service.noticing import relayed
from tests.service.requesting import (
    BULKS,
    DONE,
    FAILED,
    OWNER,
    TARGET_URL,
    bulk,
    claimed,
    end_jobs,
    job_ids,
    post,
    submit_quick,
)
from tests.support.deliveries import planned

MARK = "Unmistakable"
"""Stands in every name and text of theirs, so that it shows wherever it should not."""

PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Belongings:
    """`ids` by the names that they have in addresses. `marks`: texts that nobody else is to read."""

    ids: dict[str, str]

    @property
    def marks(self) -> list[str]:
        return [MARK, *self.ids.values()]


async def belongings(client: httpx2.AsyncClient, system: System) -> Belongings:
    """The client is the owner's, where there are generators for every pipeline."""
    endpoint, _ = await system.endpoints.create(OWNER, f"{TARGET_URL}/{MARK}", ["bulk.completed"], f"{MARK} hook")
    bulk_id = await submit_quick(client, name=f"{MARK} bulk", items=10)
    asset_id = await system.materials.keep_asset(claim := await claimed(system), PNG, "image/png")
    await system.queue.finish(claim, DONE)
    await end_jobs(system, *[DONE] * 8, FAILED)
    await relayed(system)
    formats = await post(
        client,
        BULKS,
        {"pipeline": "formats", "name": f"{MARK} talk", "source": {"text": f"{MARK} text."}, "templates": ["summary"]},
    )
    template = await post(client, "/api/templates", {"name": f"{MARK} template", "request": bulk(name=MARK)})
    plan = {"name": f"{MARK} schedule", "template_id": template["template"]["id"], "cron": "0 6 1 1 *"}
    schedule = await post(client, "/api/schedules", plan)
    await post(client, "/api/targets", {"name": MARK.lower(), "url": TARGET_URL})
    key, _ = await system.keys.create(OWNER, Scope.READ, f"{MARK} key")
    return Belongings(
        {
            "bulk_id": bulk_id,
            "job_id": (await job_ids(client, bulk_id))[0],
            "formats_id": formats["bulk_job_id"],
            "format_job_id": (await job_ids(client, formats["bulk_job_id"]))[0],
            "template_id": template["template"]["id"],
            "schedule_id": schedule["schedule"]["id"],
            "endpoint_id": str(endpoint.id),
            "delivery_id": await planned(system, f"endpoint-{endpoint.id}", endpoint_id=endpoint.id),
            "notice_id": f"{bulk_id}-1-completed",
            "asset_id": asset_id,
            "key_id": str(key["_id"]),
            "name": MARK.lower(),
            "token": "0" * 43,
        }
    )


async def everything(store: Store) -> dict[str, Any]:
    """All that is stored, but for when keys were used, and what was only counted up."""
    found: dict[str, Any] = {}
    for name in sorted(set(get_args(Name)) - {"limits", "tallies"}):
        documents = await store.collection(name).find({}, sort=[("_id", 1)])
        found[name] = [{**document, "last_used_at": None} for document in documents]
    return found
