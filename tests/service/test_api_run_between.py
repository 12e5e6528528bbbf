"""Bulks that run between two times of the day: asked for, shown with why they wait, refused, and asked for again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx2
import pytest

from jobs.system import System
from tests.service.browsing import sent, shown, words
from tests.service.requesting import BULKS, bulk, faults, get, on_embedded, post
from tests.service.test_api_schedules import fired, made, template
from tests.support.clock import MovableClock

NIGHT = {"from": "22:00", "to": "06:00", "time_zone": "UTC"}


@pytest.fixture
def noon(clock: MovableClock) -> None:
    clock.move(clock.now().replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=1) - clock.now())


@pytest.mark.usefixtures("noon")
async def test_outside_of_its_hours_a_bulk_waits_for_them_and_says_so(
    api: httpx2.AsyncClient, clock: MovableClock
) -> None:
    body = bulk(run_between={"from": "22:00", "to": "06:00"})
    first = await api.post(BULKS, json=body, headers={"Idempotency-Key": "once"})
    url = f"{BULKS}/{first.json()['bulk_job_id']}"
    told = await get(api, url)
    stored, held_up = told["bulk_job"], told["progress"]["waiting"]
    assert (stored["status"], stored["run_between"]) == ("paused", NIGHT)
    assert (stored["pause"]["by"], stored["pause"]["reason"]) == ("pressrun", "It runs between 22:00 and 06:00 in UTC")
    assert stored["pause"]["until"].startswith(f"{clock.now():%Y-%m-%d}T22:00")
    assert (held_up["code"], held_up["text"][:38]) == ("paused", "Paused itself: It runs between 22:00 a")
    again = await api.post(BULKS, json=body, headers={"Idempotency-Key": "once"})
    assert again.json() == first.json()


async def test_a_bulk_without_hours_has_none(api: httpx2.AsyncClient) -> None:
    told = await get(api, f"{BULKS}/{(await post(api, BULKS, bulk(run_between=None)))['bulk_job_id']}")
    assert (told["bulk_job"]["run_between"], told["bulk_job"]["status"]) == (None, "queued")


@on_embedded
@pytest.mark.parametrize(
    ("hours", "path"),
    [
        ({"from": "22:00"}, "run_between.to"),
        ({"from": "22:00", "to": "24:00"}, "run_between.to"),
        ({"from": "22:00", "to": "22:00"}, "run_between.to"),
        ({"from": "22:00", "to": "06:00", "time_zone": "Mars/Base"}, "run_between.time_zone"),
        ({"from": "22:00", "to": "06:00", "zone": "UTC"}, "run_between.zone"),
        ("22:00-06:00", "run_between"),
    ],
)
async def test_hours_that_are_none_are_refused_at_their_place(api: httpx2.AsyncClient, hours: Any, path: str) -> None:
    assert path in faults(await api.post(BULKS, json=bulk(run_between=hours)))


@pytest.mark.usefixtures("noon")
async def test_hours_are_changed_and_taken_off(api: httpx2.AsyncClient, system: System) -> None:
    url = f"{BULKS}/{(await post(api, BULKS, bulk()))['bulk_job_id']}"
    answer = await api.patch(url, json={"run_between": NIGHT})
    told = answer.json()["bulk_job"]
    assert (told["run_between"], told["status"]) == (NIGHT, "paused")
    assert "run_between.to" in faults(await api.patch(url, json={"run_between": {"from": "01:00", "to": "01:00"}}))
    assert (await api.patch(url, json={"name": "Renamed"})).json()["bulk_job"]["run_between"] == NIGHT
    assert (await api.patch(url, json={"run_between": None})).json()["bulk_job"]["run_between"] is None
    await system.controls.resume_due()
    assert (await get(api, url))["bulk_job"]["status"] == "queued"


@on_embedded
@pytest.mark.usefixtures("noon")
async def test_the_settings_on_its_page_take_other_hours(api: httpx2.AsyncClient) -> None:
    bulk_id = (await post(api, BULKS, bulk()))["bulk_job_id"]
    form, where = f"/bulks/{bulk_id}/settings", f"{BULKS}/{bulk_id}"
    given: dict[str, Any] = {"name": "N", "priority": "low", "parallelism": 1, "delay_seconds": 5, "stagger_ms": 150}
    begins: dict[str, Any] = {"run_between.from": "22:00"}
    ends: dict[str, Any] = {"run_between.to": "06:00"}
    await sent(api, form, **given, **begins, **ends)
    assert (await get(api, where))["bulk_job"]["run_between"] == NIGHT
    assert 'name="run_between.from" type="time" value="22:00"' in await shown(api, f"/bulks/{bulk_id}")
    assert "Only until</a> is required" in (await sent(api, form, 400, **given, **begins)).text
    assert (await get(api, where))["bulk_job"]["run_between"] == NIGHT
    await sent(api, form, **given)
    assert (await get(api, where))["bulk_job"]["run_between"] is None


@on_embedded
@pytest.mark.usefixtures("noon")
async def test_a_templates_hours_are_its_bulks_and_a_schedules_own_stand_above_them(
    api: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    night = await template(api, **bulk(run_between=NIGHT))
    by_template = (await post(api, f"/api/templates/{night}/submit", {}))["bulk_job_id"]
    assert (await get(api, f"{BULKS}/{by_template}"))["bulk_job"]["run_between"] == NIGHT
    again = (await post(api, f"{BULKS}/{by_template}/again", {}))["bulk_job_id"]
    assert (await get(api, f"{BULKS}/{again}"))["bulk_job"]["run_between"] == NIGHT
    for own, expected in ((None, NIGHT), ({"from": "09:00", "to": "23:00"}, {"from": "09:00", "to": "23:00"})):
        await made(api, night, cron="0 13 * * *", time_zone="UTC", run_between=own)
        clock.move(timedelta(days=1, hours=1) if own else timedelta(hours=1))
        told = [(await get(api, f"{BULKS}/{one.bulk_id}"))["bulk_job"]["run_between"] for one in await fired(system)]
        assert {**expected, "time_zone": "UTC"} in told


@on_embedded
@pytest.mark.usefixtures("noon")
async def test_the_form_takes_hours_and_the_page_shows_them(api: httpx2.AsyncClient) -> None:
    assert 'name="run_between.from" type="time"' in await shown(api, "/bulks/new")
    hours: dict[str, Any] = {f"run_between.{name}": value for name, value in NIGHT.items()}
    lines = "\n".join(f"Tea {number}" for number in range(10))
    answer = await sent(api, "/bulks/new", **{"mode": "topic", "lines": lines, "do": "submit", **hours})
    page = words(await shown(api, answer.headers["location"]))
    assert "Hours 22:00 to 06:00 in UTC" in page
    assert "It runs between 22:00 and 06:00 in UTC" in page
    wrong = await sent(api, "/bulks/new", 400, **{"mode": "topic", "lines": lines, **hours, "run_between.to": "22:00"})
    assert "Must differ from the time that it begins at" in wrong.text
