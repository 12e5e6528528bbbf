"""Notices over the API: what they tell, in which order, whose they are, and marking them as read."""

from __future__ import annotations

from datetime import timedelta

import httpx2
import pytest

from jobs.callers.keys import Scope
from jobs.system import System
from tests.service.conftest import As, WithKey
from tests.service.noticing import ended, relayed
from tests.service.requesting import (
    DONE,
    FAILED,
    claimed,
    end_jobs,
    faults,
    get,
    on_embedded,
    post,
    refused,
    submit_quick,
)
from tests.service.test_pages_selections import asks
from tests.support.clock import MovableClock

NOTICES = "/api/notifications"
READ = f"{NOTICES}/read"


async def test_the_end_of_a_bulk_is_told_with_how_it_stood(
    api: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    bulk_id = await submit_quick(api, name="Boots")
    await end_jobs(system, *[DONE] * 9, FAILED)
    await relayed(system)
    found = await get(api, NOTICES)
    [notice] = found["notices"]
    assert (found["unread"], found["next_cursor"]) == (1, None)
    assert (notice["id"], notice["type"], notice["by"]) == (f"{bulk_id}-1-completed", "bulk.completed", None)
    assert (notice["bulk_job_id"], notice["job_id"], notice["read_at"]) == (bulk_id, None, None)
    data = notice["data"]
    assert (data["name"], data["total"], data["completed"], data["failed"]) == ("Boots", 10, 9, 1)
    assert "The generator said no." in data["errors"][0]


async def test_a_question_is_told_with_its_article(
    blogger: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    bulk_id = await submit_quick(blogger, pipeline="blog")
    claim = await claimed(system)
    await system.queue.finish(claim, asks(clock))
    await relayed(system)
    [notice] = (await get(blogger, NOTICES))["notices"]
    assert (notice["type"], notice["bulk_job_id"], notice["job_id"]) == (
        "job.awaiting_selection",
        bulk_id,
        str(claim.job_id),
    )
    assert (notice["data"]["options"], notice["data"]["position"]) == (3, 1)


async def test_notices_come_newest_first_and_page_by_page(
    api: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    for name in ("First", "Second", "Third"):
        await ended(api, system, name)
        clock.move(timedelta(minutes=1))
    page = await get(api, NOTICES, limit=2)
    assert [one["data"]["name"] for one in page["notices"]] == ["Third", "Second"]
    rest = await get(api, NOTICES, limit=2, cursor=page["next_cursor"])
    assert ([one["data"]["name"] for one in rest["notices"]], rest["next_cursor"]) == (["First"], None)


async def test_notices_are_read_by_id_by_time_or_all_and_each_once(
    api: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    ids = []
    for name in ("First", "Second", "Third", "Fourth"):
        ids.append(f"{await ended(api, system, name)}-1-completed")
        clock.move(timedelta(minutes=1))
    told = {one["id"]: one for one in (await get(api, NOTICES))["notices"]}
    assert await post(api, READ, {"ids": [ids[1], "unknown"]}) == {"success": True, "marked": 1, "unread": 3}
    assert await post(api, READ, {"ids": [ids[1]]}) == {"success": True, "marked": 0, "unread": 3}
    assert await post(api, READ, {"up_to": told[ids[2]]["at"]}) == {"success": True, "marked": 2, "unread": 1}
    assert await post(api, READ, {}) == {"success": True, "marked": 1, "unread": 0}
    assert all(one["read_at"] for one in (await get(api, NOTICES))["notices"])


async def test_nobody_sees_or_reads_anothers_notices(api: httpx2.AsyncClient, as_user: As, system: System) -> None:
    bulk_id = await ended(api, system, "Mine")
    stranger = as_user("stranger")
    assert await get(stranger, NOTICES) == {"notices": [], "unread": 0, "next_cursor": None}
    assert (await post(stranger, READ, {"ids": [f"{bulk_id}-1-completed"]}))["marked"] == 0
    assert (await get(api, NOTICES))["unread"] == 1


@on_embedded
async def test_who_may_only_look_marks_nothing(with_key: WithKey) -> None:
    reader = await with_key(scope=Scope.READ)
    assert (await get(reader, NOTICES))["unread"] == 0
    assert "needs the scope write" in refused(await reader.post(READ, json={}), 403)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"ids": []}, "ids"),
        ({"ids": ["x" * 101]}, "ids.0"),
        ({"up_to": "yesterday"}, "up_to"),
        ({"upto": None}, "upto"),
    ],
)
async def test_what_cannot_be_marked_is_said(refusing: httpx2.AsyncClient, body: object, path: str) -> None:
    assert list(faults(await refusing.post(READ, json=body))) == [path]


async def test_a_cursor_of_nobodys_is_refused(refusing: httpx2.AsyncClient) -> None:
    assert list(faults(await refusing.get(f"{NOTICES}?cursor=nonsense"))) == ["cursor"]
