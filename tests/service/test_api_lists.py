"""Pages of bulks: newest first, by keyset, by status, and nobody else's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx2
import pytest

from tests.service.conftest import As
from tests.service.requesting import BULKS, faults, get, submit
from tests.support.clock import MovableClock


async def test_bulks_are_listed_newest_first_a_page_at_a_time(api: httpx2.AsyncClient, clock: MovableClock) -> None:
    made = []
    for number in range(7):
        made.append(await submit(api))
        clock.move(timedelta(seconds=number % 2))  # some share their moment
    seen: list[str] = []
    sizes: list[int] = []
    query: dict[str, Any] = {"limit": 3}
    while True:
        page = await get(api, BULKS, **query)
        sizes.append(len(page["bulk_jobs"]))
        seen += [found["_id"] for found in page["bulk_jobs"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert sizes == [3, 3, 1]
    assert seen == made[::-1]


async def test_a_bulk_made_between_two_pages_shifts_nothing(api: httpx2.AsyncClient, clock: MovableClock) -> None:
    made = []
    for _ in range(4):
        made.append(await submit(api))
        clock.move(timedelta(seconds=1))
    first = await get(api, BULKS, limit=2)
    await submit(api)
    second = await get(api, BULKS, limit=2, cursor=first["next_cursor"])
    assert [found["_id"] for page in (first, second) for found in page["bulk_jobs"]] == made[::-1]


async def test_bulks_can_be_listed_by_status(api: httpx2.AsyncClient) -> None:
    queued, paused, cancelled = [await submit(api) for _ in range(3)]
    await api.post(f"{BULKS}/{paused}/pause")
    await api.post(f"{BULKS}/{cancelled}/cancel")
    expected = {"queued": [queued], "paused": [paused], "cancelled": [cancelled], "processing": [], "completed": []}
    for status, ids in expected.items():
        page = await get(api, BULKS, status=status)
        assert ([found["_id"] for found in page["bulk_jobs"]], page["next_cursor"]) == (ids, None)


async def test_everyone_lists_only_their_own(api: httpx2.AsyncClient, as_user: As) -> None:
    await submit(api)
    for url in (BULKS, "/api/jobs"):
        page = await get(as_user("other"), url)
        assert not any(page.values())


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"limit": "9" * 30}, "limit"),
        ({"status": "done"}, "status.0"),
        ({"status": ""}, "status.0"),
        ({"q": "x" * 201}, "q"),
        ({"since": "yesterday"}, "since"),
        ({"before": "2026-11-22T10:00:00"}, "before"),
        ({"since": "5"}, "since"),
        ({"cursor": ""}, "cursor"),
        ({"cursor": "x"}, "cursor"),
        ({"cursor": "AAAA"}, "cursor"),
        ({"cursor": "_" * 27}, "cursor"),
        ({"cursor": "é" * 20}, "cursor"),
        ({"cursor": "A" * 101}, "cursor"),
        ({"cursor": "6b027bdfe484bda5c9f5777d"}, "cursor"),
        ({"cursor": "A" * 28}, "cursor"),
    ],
)
async def test_a_wrong_question_is_refused(refusing: httpx2.AsyncClient, query: dict[str, str], path: str) -> None:
    assert faults(await refusing.get(BULKS, params=query)).keys() == {path}


async def test_the_limit_may_be_from_one_to_a_hundred(api: httpx2.AsyncClient) -> None:
    for _ in range(2):
        await submit(api)
    assert len((await get(api, BULKS, limit=1))["bulk_jobs"]) == 1
    assert len((await get(api, BULKS, limit=100))["bulk_jobs"]) == 2
