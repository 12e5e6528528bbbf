"""Pages of bulks: newest first, by keyset, by status, and nobody else's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx2
import pytest

from jobs.storage.store import Store
from jobs.system import System
from tests.service.conftest import As
from tests.service.requesting import BULKS, DONE, FAILED, end_jobs, faults, get, submit, submit_quick
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


async def listed(client: httpx2.AsyncClient, **query: Any) -> list[str]:
    return [found["_id"] for found in (await get(client, BULKS, **query))["bulk_jobs"]]


async def test_bulks_can_be_listed_by_several_statuses(api: httpx2.AsyncClient) -> None:
    queued, paused, cancelled = [await submit(api) for _ in range(3)]
    await api.post(f"{BULKS}/{paused}/pause")
    await api.post(f"{BULKS}/{cancelled}/cancel")
    assert await listed(api, status=["queued", "cancelled"]) == [cancelled, queued]
    assert await listed(api, status=["queued", "paused", "cancelled"]) == [cancelled, paused, queued]


async def test_bulks_are_found_by_how_the_words_of_their_names_begin(api: httpx2.AsyncClient) -> None:
    names = ("Café Tables, winter", "Tables for gardens", "Winter boots", None)
    tables, gardens, boots, nameless = [await submit(api, name=name) for name in names]
    expected = {
        "table": [gardens, tables],
        "TABLES win": [tables],
        "cafe": [tables],
        "CAFÉ": [tables],
        "wint": [boots, tables],
        "ables": [],
        "pipeline": [],
        "article": [],
        ".*": [],
        "-": [],
        "": [nameless, boots, gardens, tables],
        "  ": [nameless, boots, gardens, tables],
    }
    assert {text: await listed(api, q=text) for text in expected} == expected


async def test_a_bulk_is_found_by_its_id_and_nobody_elses_is(api: httpx2.AsyncClient, as_user: As) -> None:
    wanted, _ = await submit(api), await submit(api)
    assert await listed(api, q=wanted) == [wanted]
    assert await listed(api, q=f" {wanted.upper()} ") == [wanted]
    assert await listed(as_user("other"), q=wanted) == []


async def test_a_bulk_that_was_renamed_is_found_by_its_new_name_alone(api: httpx2.AsyncClient) -> None:
    bulk_id = await submit(api, name="Boots")
    await api.patch(f"{BULKS}/{bulk_id}", json={"name": "Chairs"})
    assert (await listed(api, q="boots"), await listed(api, q="chairs")) == ([], [bulk_id])
    await api.patch(f"{BULKS}/{bulk_id}", json={"priority": "high"})
    assert await listed(api, q="chairs", pipeline="article", kind="bulk") == [bulk_id]


async def test_bulks_can_be_listed_by_pipeline_and_by_kind(api: httpx2.AsyncClient) -> None:
    article, plain = await submit(api), await submit(api, pipeline="plain")
    single = (await api.post("/api/jobs", json={"mode": "topic", "topic": "One"})).json()["bulk_job_id"]
    assert await listed(api, pipeline="plain") == [plain]
    assert await listed(api, pipeline="article") == [single, article]
    assert await listed(api, kind="single") == [single]
    assert await listed(api, kind="bulk", pipeline="article") == [article]
    assert await listed(api, pipeline="none such") == []


async def test_bulks_can_be_listed_by_when_they_were_made(api: httpx2.AsyncClient, clock: MovableClock) -> None:
    made, moments = [], []
    for _ in range(4):
        moments.append(clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z"))
        made.append(await submit(api))
        clock.move(timedelta(days=20))
    assert await listed(api, since=moments[1], before=moments[3]) == [made[2], made[1]]
    assert await listed(api, since=moments[3]) == [made[3]]
    assert await listed(api, before=moments[0]) == []


async def test_a_page_leads_back_to_the_one_before(api: httpx2.AsyncClient, clock: MovableClock) -> None:
    made = []
    for _ in range(5):
        made.append(await submit(api, name="Boots"))
        clock.move(timedelta(days=30))
    first = await get(api, BULKS, limit=2, q="boots")
    second = await get(api, BULKS, limit=2, q="boots", cursor=first["next_cursor"])
    third = await get(api, BULKS, limit=2, q="boots", cursor=second["next_cursor"])
    assert (first["previous_cursor"], third["next_cursor"]) == (None, None)
    back = await get(api, BULKS, limit=2, q="boots", cursor=third["previous_cursor"])
    assert back["bulk_jobs"] == second["bulk_jobs"]
    again = await get(api, BULKS, limit=2, q="boots", cursor=back["previous_cursor"])
    assert (again["bulk_jobs"], again["previous_cursor"]) == (first["bulk_jobs"], None)
    newest = await submit(api, name="Boots")
    newer = await get(api, BULKS, limit=2, cursor=second["previous_cursor"])
    assert [found["_id"] for found in newer["bulk_jobs"]] == [made[4], made[3]]
    assert await listed(api, limit=2, cursor=newer["previous_cursor"]) == [newest]


async def test_bulks_stored_before_they_had_words_are_listed_and_found_by_id(
    api: httpx2.AsyncClient, store: Store
) -> None:
    bulk_id = await submit(api, name="Boots")
    await store.collection("bulk_jobs").update_one({}, {"$unset": {"found_by": ""}})
    assert await listed(api) == await listed(api, q=bulk_id) == await listed(api, status="queued") == [bulk_id]
    assert await listed(api, q="boots") == []


async def test_jobs_of_a_bulk_can_be_shown_by_status(api: httpx2.AsyncClient, system: System) -> None:
    bulk_id = await submit_quick(api)
    await end_jobs(system, DONE, FAILED, DONE, FAILED)
    url = f"{BULKS}/{bulk_id}"
    for status, positions in {"failed": [2, 4], "completed": [1, 3], "cancelled": []}.items():
        found = await get(api, url, jobs_status=status)
        assert [job["queue_position"] for job in found["jobs"]] == positions
        assert found["progress"]["total"] == 10
    both = await get(api, url, jobs_status=["failed", "queued"], jobs_cursor=2)
    assert [job["queue_position"] for job in both["jobs"]] == [4, 5, 6, 7, 8, 9, 10]
    assert faults(await api.get(url, params={"jobs_status": "done"})).keys() == {"jobs_status.0"}


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
