"""The pages of schedules: a form that says when it would come, what came of each firing, and every button."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import httpx2

from jobs.callers.keys import Scope
from jobs.system import System
from tests.service.browsing import HOSTILE, HTMX, pressed, replaced, sent, shown, told, words
from tests.service.conftest import WithKey
from tests.service.requesting import get, on_embedded
from tests.service.test_api_schedules import SCHEDULES, fired, made, template
from tests.support.clock import MovableClock

pytestmark = on_embedded

PAGE = "/schedules"
FORM: dict[str, Any] = {"name": "Weekly", "cron": "0 6 * * 1", "time_zone": "Europe/Berlin", "missed": "skip"}


async def test_a_schedule_is_made_in_a_form_and_listed(api: httpx2.AsyncClient) -> None:
    assert "No schedules yet" in await shown(api, PAGE)
    template_id = await template(api)
    page = await shown(api, PAGE, template=template_id)
    assert "Say below when one of your" in page
    assert f'<option value="{template_id}" selected>' in page
    assert "It would come next at:" in page
    hours: dict[str, Any] = {"run_between.from": "22:00", "run_between.to": "06:00"}
    answer = await sent(api, PAGE, **FORM, template_id=template_id, **hours)
    [schedule] = (await get(api, SCHEDULES))["schedules"]
    assert answer.headers["location"] == f"{PAGE}/{schedule['id']}"
    assert (schedule["missed"], schedule["run_between"]) == ("skip", {"from": "22:00", "to": "06:00"})
    listed = words(await shown(api, PAGE))
    assert "Weekly" in listed
    assert "0 6 * * 1 in Europe/Berlin, between 22:00 and 06:00" in listed
    own = await shown(api, f"{PAGE}/{schedule['id']}")
    assert "None yet" in own
    assert len(re.findall(r"<li><time ", own)) == 5


async def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(api: httpx2.AsyncClient) -> None:
    template_id = await template(api)
    page = (await sent(api, PAGE, 400, **{**FORM, "cron": "61 * * * *", "template_id": template_id})).text
    assert 'value="61 * * * *"' in page
    assert "Has a wrong minute: it must be of 0 to 59, as *, 5, 1-5, */2 or 1,3" in page
    schedule = (await made(api, template_id))["schedule"]
    url = f"{PAGE}/{schedule['id']}"
    page = (await sent(api, f"{url}/change", 400, **{**FORM, "time_zone": HOSTILE, "template_id": template_id})).text
    assert "Must be a name of the IANA database" in page
    page = (await sent(api, f"{url}/change", 400, **{**FORM, "name": "", "template_id": template_id})).text
    assert "Is required" in page


async def test_the_form_says_when_it_would_come_next(api: httpx2.AsyncClient) -> None:
    asked = await api.get(f"{PAGE}/next", params=FORM, headers=HTMX)
    assert asked.text.count("<time ") == 5
    wrong = await api.get(f"{PAGE}/next", params={**FORM, "cron": "x"}, headers=HTMX)
    assert words(wrong.text) == "When: must have five fields: minute, hour, day of month, month, day of week"
    assert (await api.get(f"{PAGE}/next", params=FORM)).headers["location"] == PAGE


async def test_it_is_paused_resumed_run_and_removed_by_buttons(api: httpx2.AsyncClient) -> None:
    schedule = (await made(api))["schedule"]
    url = f"{PAGE}/{schedule['id']}"
    paused = await pressed(api, f"{url}/pause")
    assert (replaced(paused), told(paused)) == ({"schedule-head", "planned"}, "Paused: it fires no more by itself.")
    assert "None while it is paused." in await shown(api, url)
    assert told(await pressed(api, f"{url}/resume")) == "Resumed."
    ran = await sent(api, f"{url}/run")
    [firing] = (await get(api, f"{SCHEDULES}/{schedule['id']}/firings"))["firings"]
    assert ran.headers["location"] == f"/bulks/{firing['bulk_job_id']}"
    page = await shown(api, url)
    assert f'href="/bulks/{firing["bulk_job_id"]}"' in page
    assert "by hand" in page
    assert (await sent(api, f"{url}/remove")).headers["location"] == PAGE
    assert (await get(api, SCHEDULES))["schedules"] == []


async def test_a_change_of_the_form_changes_all_of_it(api: httpx2.AsyncClient) -> None:
    schedule = (await made(api, run_between={"from": "22:00", "to": "06:00"}))["schedule"]
    url = f"{PAGE}/{schedule['id']}"
    page = await shown(api, url)
    assert 'name="run_between.from" type="time" value="22:00"' in page
    await sent(api, f"{url}/change", **FORM, template_id=schedule["template_id"])
    [changed] = (await get(api, SCHEDULES))["schedules"]
    assert (changed["name"], changed["run_between"], changed["missed"]) == ("Weekly", None, "skip")


async def test_why_there_is_no_bulk_is_read_on_its_page(
    api: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    schedule = (await made(api, missed="skip"))["schedule"]
    assert (await api.delete(f"/api/templates/{schedule['template_id']}")).status_code == 200
    clock.move(datetime.fromisoformat(schedule["next_at"]) - clock.now() + timedelta(days=8))
    await fired(system)
    url = f"{PAGE}/{schedule['id']}"
    page = words(await shown(api, url))
    assert "Left out No worker was there in time, and the schedule skips what was missed. in place of 2 firings" in page
    assert "One that is not there any more" in page
    assert "A template that is not there any more" in words(await shown(api, PAGE))
    for _ in range(5):
        clock.move(datetime.fromisoformat((await get(api, SCHEDULES))["schedules"][0]["next_at"]) - clock.now())
        await fired(system)
    page = words(await shown(api, url))
    assert "Paused itself" in page
    assert "5 firings in a row have failed: see what was wrong, mend it, and resume." in page


async def test_who_may_only_read_sees_no_buttons_and_a_name_is_text(api: httpx2.AsyncClient, with_key: WithKey) -> None:
    schedule = (await made(api, name=HOSTILE))["schedule"]
    url = f"{PAGE}/{schedule['id']}"
    for address in (PAGE, url):
        assert HOSTILE not in await shown(api, address)
    reader = await with_key(scope=Scope.READ)
    for address in (PAGE, url):
        assert 'method="post" action="/schedules' not in await shown(reader, address)


async def test_a_schedule_that_has_paused_itself_is_told_of_in_the_notices(
    api: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    template_id = await template(api)
    schedule = (await made(api, template_id))["schedule"]
    await api.delete(f"/api/templates/{template_id}")
    for _ in range(5):
        clock.move(timedelta(days=7))
        await fired(system)
    [notice] = (await get(api, "/api/notifications"))["notices"]
    assert (notice["type"], notice["schedule_id"], notice["by"]) == ("schedule.paused", schedule["id"], "pressrun")
    assert (notice["bulk_job_id"], notice["data"]["name"]) == (None, "Teas")
    listed = words(await shown(api, "/notifications"))
    assert "Teas The schedule fires no more until you resume it. 5 firings in a row have failed" in listed
    opened = await api.get(f"/notifications/{notice['id']}")
    assert opened.headers["location"] == f"{PAGE}/{schedule['id']}"
