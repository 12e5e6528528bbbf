"""Jobs that wait for a person: what is asked, who may choose, and every choice that is none."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx2
import pytest

from jobs.outcomes import Awaiting
from jobs.system import System
from tests.service.conftest import As
from tests.service.requesting import (
    BULKS,
    DONE,
    JOBS,
    OWNER,
    claimed,
    end_jobs,
    faults,
    get,
    post,
    refused,
    submit_quick,
)
from tests.support.clock import MovableClock

SELECTIONS = "/api/selections"
IDEAS = [{"title": f"Idea {n}", "summary": "s"} for n in range(3)]
EDITED = {"title": "My own", "keywords": ["tea"]}


def asks(clock: MovableClock, within: timedelta | None = timedelta(hours=1)) -> Awaiting:
    return Awaiting(
        {
            "stage": "selection",
            "hash": "secret-hash",
            "options": IDEAS,
            "recommended": 1,
            "until": clock.now() + within if within is not None else None,
            "then": "content-generation",
            "percentage": 40,
        }
    )


async def asked(client: httpx2.AsyncClient, system: System, clock: MovableClock, items: int = 10) -> tuple[str, str]:
    """A bulk of blogs, and its first job, which asks."""
    bulk_id = await submit_quick(client, items, pipeline="blog")
    claim = await claimed(system)
    await system.queue.finish(claim, asks(clock))
    return bulk_id, str(claim.job_id)


async def job_of(client: httpx2.AsyncClient, job_id: str) -> dict[str, Any]:
    job: dict[str, Any] = (await get(client, f"{JOBS}/{job_id}"))["job"]
    return job


async def select(client: httpx2.AsyncClient, job_id: str, body: Any) -> httpx2.Response:
    return await client.post(f"{JOBS}/{job_id}/select", json=body)


BAD_CHOICES: list[tuple[Any, str]] = [
    ({}, ""),
    ({"choice": None, "edited": None}, ""),
    ({"choice": 0, "edited": EDITED}, ""),
    ({"choice": -1}, "choice"),
    ({"choice": 3}, "choice"),
    ({"choice": 2**62}, "choice"),
    ({"choice": 2**64}, "choice"),
    ({"choice": True}, "choice"),
    ({"choice": 1.0}, "choice"),
    ({"choice": "1"}, "choice"),
    ({"choice": [1]}, "choice"),
    ({"edited": {}}, "edited.title"),
    ({"edited": {"title": ""}}, "edited.title"),
    ({"edited": {"title": "  "}}, "edited.title"),
    ({"edited": {"title": "t" * 2_001}}, "edited.title"),
    ({"edited": "Tea"}, "edited"),
    ({"edited": []}, "edited"),
    ({"edited": {"title": "t", "summary": "s" * 2_001}}, "edited.summary"),
    ({"edited": {"title": "t", "keywords": ["k"] * 101}}, "edited.keywords"),
    ({"edited": {"title": "t", "price": 5}}, "edited.price"),
    ({"option": 1}, "option"),
    (1, ""),
    ([], ""),
]


async def test_a_choice_that_is_none_is_refused_and_changes_nothing(
    blogger: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    _, job_id = await asked(blogger, system, clock)
    before = await job_of(blogger, job_id)
    for body, path in BAD_CHOICES:
        assert faults(await select(blogger, job_id, body)).keys() == {path}, body
    assert await job_of(blogger, job_id) == before
    assert before["status"] == "awaiting_selection"


async def test_an_option_that_is_not_there_is_told_with_those_that_are(
    blogger: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    _, job_id = await asked(blogger, system, clock)
    sentence = "must be the number of an option, from 0 to 2"
    assert faults(await select(blogger, job_id, {"choice": 3})) == {"choice": sentence}


async def test_a_job_shows_what_it_asks_and_then_what_was_chosen(
    blogger: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    _, job_id = await asked(blogger, system, clock)
    waiting = await job_of(blogger, job_id)
    selection = waiting["selection"]
    assert selection.keys() == {"stage", "options", "recommended", "until", "asked_at", "chosen"}
    assert (selection["stage"], selection["options"], selection["recommended"]) == ("selection", IDEAS, 1)
    assert (selection["chosen"], waiting["waiting"]) == (None, None)
    assert "secret-hash" not in (await blogger.get(f"{JOBS}/{job_id}")).text
    clock.move(timedelta(minutes=2))
    answer = (await select(blogger, job_id, {"choice": 2})).json()
    assert answer == {"success": True, "message": "Choice taken", "status": "queued"}
    after = await job_of(blogger, job_id)
    chosen = after["selection"]["chosen"]
    assert (chosen["choice"], chosen["edited"], chosen["by"]) == (2, None, OWNER)
    assert (after["percentage"], after["current_stage"]) == (40, None)
    by_name = {stage["name"]: stage for stage in after["stages"]}
    assert (by_name["selection"]["status"], by_name["selection"]["duration_ms"]) == ("completed", 120_000)


async def test_the_same_choice_again_changes_nothing_and_another_one_is_refused(
    blogger: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    _, job_id = await asked(blogger, system, clock)
    for _ in range(2):
        assert (await select(blogger, job_id, {"choice": 0})).status_code == 200
    for body in ({"choice": 1}, {"edited": EDITED}):
        sentence = "Another option was chosen before: a selection is made once."
        assert refused(await select(blogger, job_id, body), 409) == sentence


async def test_a_person_may_make_an_option_of_their_own(
    blogger: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    _, job_id = await asked(blogger, system, clock)
    for _ in range(2):
        assert (await select(blogger, job_id, {"edited": EDITED | {"angle": None}})).status_code == 200
    assert (await job_of(blogger, job_id))["selection"]["chosen"]["edited"] == EDITED
    again = await system.lookup.jobs(OWNER, "queued", None, 100, None)
    assert len(again.documents) == 10


async def test_after_the_deadline_the_recommended_option_stands(
    blogger: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    _, job_id = await asked(blogger, system, clock)
    clock.move(timedelta(hours=1))
    sentence = "The deadline for this selection has passed: the recommended option was chosen."
    assert refused(await select(blogger, job_id, {"choice": 0}), 409) == sentence
    job = await job_of(blogger, job_id)
    assert (job["status"], job["selection"]["chosen"]["choice"]) == ("queued", 1)
    assert job["selection"]["chosen"]["by"] == "deadline"


async def test_a_job_that_asks_nothing_takes_no_choice(blogger: httpx2.AsyncClient, system: System) -> None:
    await submit_quick(blogger, pipeline="blog")
    claim = await claimed(system)
    sentence = "A job that is processing cannot be given a selection."
    assert refused(await select(blogger, str(claim.job_id), {"choice": 0}), 409) == sentence
    for wrong in ("x", "6b027bdfe484bda5c9f5777d"):
        assert refused(await select(blogger, wrong, {"choice": 0}), 404) == "There is no such job."


async def test_what_is_asked_is_listed_the_longest_waiting_first_a_page_at_a_time(
    blogger: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    bulk_id = await submit_quick(blogger, pipeline="blog")
    for number in range(5):
        claim = await claimed(system)
        clock.move(timedelta(seconds=number % 2))  # some share their moment
        await system.queue.finish(claim, asks(clock, None))
    seen: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = await get(blogger, SELECTIONS, **query)
        assert page.keys() == {"selections", "next_cursor"}
        seen += page["selections"]
        if page["next_cursor"] is None:
            break
        assert len(page["selections"]) == 2
        query["cursor"] = page["next_cursor"]
    assert [one["queue_position"] for one in seen] == [1, 2, 3, 4, 5]
    assert [one["topic"] for one in seen] == [f"Topic {n}" for n in range(1, 6)]
    first = seen[0]
    assert first.keys() == {
        "job_id", "bulk_job_id", "topic", "keywords", "trend", "source_url", "external_id", "queue_position", "stage",
        "options", "recommended", "until", "asked_at",
    }  # fmt: skip
    assert (first["bulk_job_id"], first["options"], first["recommended"]) == (bulk_id, IDEAS, 1)
    assert first["until"] is None


async def test_only_ones_own_selections_are_listed_and_those_of_one_bulk(
    blogger: httpx2.AsyncClient, as_user: As, system: System, clock: MovableClock
) -> None:
    first, _ = await asked(blogger, system, clock, 10)
    await blogger.post(f"{BULKS}/{first}/pause")
    _, second_job = await asked(blogger, system, clock, 10)
    assert len((await get(blogger, SELECTIONS))["selections"]) == 2
    mine = (await get(blogger, SELECTIONS, bulk_job_id=first))["selections"]
    assert [one["bulk_job_id"] for one in mine] == [first]
    other = as_user("other")
    assert (await get(other, SELECTIONS))["selections"] == []
    refused(await other.get(SELECTIONS, params={"bulk_job_id": first}), 404)
    refused(await select(other, second_job, {"choice": 0}), 404)
    refused(await other.post(f"{SELECTIONS}/approve", json={"bulk_job_id": first}), 404)
    assert len((await get(blogger, SELECTIONS))["selections"]) == 2


@pytest.mark.parametrize(
    ("query", "path"), [({"limit": "0"}, "limit"), ({"limit": "101"}, "limit"), ({"cursor": "x"}, "cursor")]
)
async def test_a_wrong_question_about_selections_is_refused(
    refusing: httpx2.AsyncClient, query: dict[str, str], path: str
) -> None:
    assert faults(await refusing.get(SELECTIONS, params=query)).keys() == {path}


async def test_all_of_a_bulk_can_be_approved_at_once(
    blogger: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    bulk_id = await submit_quick(blogger, pipeline="blog")
    await end_jobs(system, asks(clock), asks(clock), asks(clock), DONE)
    for expected in (3, 0):
        answer = await post(blogger, f"{SELECTIONS}/approve", {"bulk_job_id": bulk_id})
        message = f"{expected} recommended options chosen"
        assert answer == {"success": True, "message": message, "approved": expected}
    assert (await get(blogger, SELECTIONS))["selections"] == []
    progress = (await get(blogger, f"{BULKS}/{bulk_id}"))["progress"]
    assert (progress["awaiting"], progress["completed"], progress["remaining"]) == (0, 1, 9)


@pytest.mark.parametrize("body", [{}, {"bulk_job_id": None}, {"bulk_job_id": 5}, {"bulk_job_id": ""}])
async def test_an_approval_of_nothing_is_refused(refusing: httpx2.AsyncClient, body: dict[str, Any]) -> None:
    assert faults(await refusing.post(f"{SELECTIONS}/approve", json=body)).keys() == {"bulk_job_id"}


async def test_a_bulk_whose_jobs_all_wait_for_a_person_says_so(
    blogger: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    await system.workers.beat("w1", slots=10, version="1", jobs=[])
    bulk_id = await submit_quick(blogger, pipeline="blog")
    await end_jobs(system, *[asks(clock)] * 10)
    assert await system.queue.claim("w1") is None
    detail = await get(blogger, f"{BULKS}/{bulk_id}")
    reason = {"code": "selection", "text": "10 jobs wait for a person to choose"}
    assert (detail["progress"]["waiting"], detail["progress"]["awaiting"]) == (reason, 10)
    assert {job["status"] for job in detail["jobs"]} == {"awaiting_selection"}
