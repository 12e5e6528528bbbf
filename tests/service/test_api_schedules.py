"""Schedules over the API: made, shown with what comes next, changed, paused, run, removed; and what came of firings."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import Any

import httpx2
import pytest

from jobs.scheduling.firing_log import Firing
from jobs.system import System
from service.rules.rule_setup import bulk_rules
from service.rules.scheduling import judge_of
from tests.service.requesting import BULKS, bulk, faults, get, on_embedded, post, refused, settings
from tests.support.clock import MovableClock

SCHEDULES = "/api/schedules"
NUMBERS = count()
PLAN = {"name": "Teas", "cron": "0 6 * * 1", "time_zone": "Europe/Berlin"}


async def template(api: httpx2.AsyncClient, **request: Any) -> str:
    body = {"name": f"Teas {next(NUMBERS)}", "request": request or bulk()}
    template_id: str = (await post(api, "/api/templates", body))["template"]["id"]
    return template_id


async def made(api: httpx2.AsyncClient, template_id: str | None = None, **fields: Any) -> dict[str, Any]:
    body = {**PLAN, "template_id": template_id or await template(api), **fields}
    answer: dict[str, Any] = await post(api, SCHEDULES, body)
    return answer


async def fired(system: System) -> list[Firing]:
    """What a worker does of it."""
    return list(await system.schedule_firing.fire_due(judge_of(system, bulk_rules(settings()))))


async def test_a_schedule_is_made_and_shows_what_comes_next(api: httpx2.AsyncClient) -> None:
    hours = {"from": "22:00", "to": "06:00"}
    answer = await made(api, missed="skip", run_between=hours)
    schedule, coming = answer["schedule"], answer["next_firings"]
    assert (schedule["name"], schedule["cron"], schedule["time_zone"]) == ("Teas", "0 6 * * 1", "Europe/Berlin")
    assert (schedule["missed"], schedule["run_between"], schedule["state"]) == ("skip", hours, "active")
    assert (len(coming), coming[0], schedule["pause_reason"]) == (5, schedule["next_at"], None)
    weeks = [datetime.fromisoformat(later) - datetime.fromisoformat(coming[0]) for later in coming]
    assert all(abs(week - timedelta(weeks=n)) <= timedelta(hours=1) for n, week in enumerate(weeks))
    url = f"{SCHEDULES}/{schedule['id']}"
    assert await get(api, url) == {"schedule": schedule, "next_firings": coming}
    assert await get(api, SCHEDULES) == {"schedules": [schedule]}
    assert await get(api, f"{url}/firings") == {"firings": [], "next_cursor": None}


@on_embedded
@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"cron": "61 * * * *"}, "cron"),
        ({"cron": "@daily"}, "cron"),
        ({"cron": ""}, "cron"),
        ({"cron": "* * * * *" * 50}, "cron"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"missed": "twice"}, "missed"),
        ({"run_between": {"from": "22:00"}}, "run_between.to"),
        ({"run_between": {"from": "22:00", "to": "22:00"}}, "run_between.to"),
        ({"run_between": {"from": "25:00", "to": "22:00"}}, "run_between.from"),
        ({"template_id": "6b027bdfe484bda5c9f5777d"}, "template_id"),
        ({"template_id": "none"}, "template_id"),
        ({"name": " "}, "name"),
        ({"quiet_hours": None}, "quiet_hours"),
    ],
    ids=str,
)
async def test_what_cannot_be_is_refused_with_its_path(
    api: httpx2.AsyncClient, body: dict[str, Any], path: str
) -> None:
    whole = {**PLAN, "template_id": await template(api), **body}
    assert faults(await api.post(SCHEDULES, json=whole)).keys() == {path}
    url = f"{SCHEDULES}/{(await made(api, whole['template_id'] if path != 'template_id' else None))['schedule']['id']}"
    assert faults(await api.patch(url, json=body)).keys() == {path}
    assert len((await get(api, SCHEDULES))["schedules"]) == 1


async def test_a_schedule_is_changed_paused_resumed_and_removed(api: httpx2.AsyncClient) -> None:
    before = (await made(api, run_between={"from": "22:00", "to": "06:00"}))["schedule"]
    url = f"{SCHEDULES}/{before['id']}"
    assert faults(await api.patch(url, json={})).keys() == {""}
    changed = (await api.patch(url, json={"cron": "*/30 * * * *", "run_between": None})).json()
    assert changed["success"] is True
    assert changed["schedule"]["run_between"] is None
    unlike = {"cron", "run_between", "next_at", "changed_at"}
    assert {n: v for n, v in changed["schedule"].items() if n not in unlike} == {
        n: v for n, v in before.items() if n not in unlike
    }
    paused = await post(api, f"{url}/pause")
    assert (paused["schedule"]["state"], paused["schedule"]["next_at"], paused["next_firings"]) == ("paused", None, [])
    assert (await post(api, f"{url}/pause"))["schedule"]["state"] == "paused"
    assert len((await post(api, f"{url}/resume"))["next_firings"]) == 5
    assert (await api.delete(url)).json() == {"success": True, "message": "Schedule removed"}
    for method, address in (
        ("GET", url),
        ("DELETE", url),
        ("GET", f"{url}/firings"),
        *(("POST", f"{url}/{verb}") for verb in ("pause", "resume", "run")),
    ):
        assert refused(await api.request(method, address), 404) == "There is no such schedule."


async def test_it_fires_the_template_as_it_is_then_under_a_name_that_tells_when(
    api: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    template_id = await template(api, mode="topic", items=[{"topic": "Old"}] * 10)
    schedule = (await made(api, template_id))["schedule"]
    await api.patch(f"/api/templates/{template_id}", json={"request": bulk(12, delay_seconds=0)})
    clock.move(datetime.fromisoformat(schedule["next_at"]) - clock.now())
    [firing] = await fired(system)
    answer = (await get(api, f"{SCHEDULES}/{schedule['id']}/firings"))["firings"]
    assert [(one["outcome"], one["why"], one["bulk_job_id"]) for one in answer] == [
        ("fired", "time", str(firing.bulk_id))
    ]
    made_of_it = (await get(api, f"{BULKS}/{firing.bulk_id}"))["bulk_job"]
    assert (made_of_it["total_items"], made_of_it["name"][:6]) == (12, "Teas, ")
    assert made_of_it["name"].endswith(" 06:00")


async def test_a_template_that_is_gone_or_wrong_is_told_and_the_schedule_goes_on(
    api: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    template_id = await template(api, mode="topic")
    schedule = (await made(api, template_id))["schedule"]
    url = f"{SCHEDULES}/{schedule['id']}"
    clock.move(datetime.fromisoformat(schedule["next_at"]) - clock.now())
    await fired(system)
    assert faults(await api.post(f"{url}/run")) == {"items": "is required"}
    assert (await api.delete(f"/api/templates/{template_id}")).status_code == 200
    assert refused(await api.post(f"{url}/run"), 404) == "There is no such template."
    texts = [one["text"] for one in (await get(api, f"{url}/firings"))["firings"]]
    wrong = "The request is not valid. items: is required"
    assert sorted(texts) == sorted([wrong, wrong, "There is no such template."])
    assert (await get(api, url))["schedule"]["state"] == "active"


async def test_it_is_run_now_and_what_is_planned_stays(api: httpx2.AsyncClient) -> None:
    schedule = (await made(api))["schedule"]
    url = f"{SCHEDULES}/{schedule['id']}"
    firing = (await post(api, f"{url}/run"))["firing"]
    assert (firing["outcome"], firing["why"], firing["total_items"]) == ("fired", "hand", 10)
    assert (await get(api, f"{BULKS}/{firing['bulk_job_id']}"))["bulk_job"]["status"] == "queued"
    await post(api, f"{url}/run")
    first = await get(api, f"{url}/firings", limit=1)
    rest = await get(api, f"{url}/firings", limit=1, cursor=first["next_cursor"])
    assert rest["next_cursor"] is None
    assert {one["id"] for one in (*first["firings"], *rest["firings"])} >= {firing["id"]}
    assert (await get(api, url))["schedule"]["next_at"] == schedule["next_at"]


async def test_a_hundred_schedules_are_all(api: httpx2.AsyncClient) -> None:
    template_id = await template(api)
    for _ in range(100):
        await made(api, template_id)
    one_more = await api.post(SCHEDULES, json={**PLAN, "template_id": template_id})
    assert refused(one_more, 409) == "You have as many schedules as there can be: 100 are allowed."
