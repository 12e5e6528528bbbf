"""The settings on the page of a bulk."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from jobs.system import System
from service.app import create_app
from tests.service.browsing import sent, shown
from tests.service.conftest import As
from tests.service.page_forms import look
from tests.service.requesting import BULKS, OWNER, get, on_embedded, settings, submit

pytestmark = on_embedded


async def test_the_settings_of_a_bulk_are_changed_while_it_runs(api: httpx2.AsyncClient) -> None:
    bulk_id = await submit(api, name="Before", priority=50)
    page = await shown(api, f"/bulks/{bulk_id}")
    assert '<option value="50" selected>50</option>' in page
    given: dict[str, Any] = {
        "name": "After",
        "priority": "high",
        "parallelism": "3",
        "delay_seconds": "1.5",
        "stagger_ms": "150",
    }
    budget: dict[str, Any] = {"budget.cost": "20", "budget.cost_per_job": "0.5"}
    answer = await sent(api, f"/bulks/{bulk_id}/settings", **given, **budget)
    assert answer.headers["location"] == f"/bulks/{bulk_id}"
    changed = (await get(api, f"{BULKS}/{bulk_id}"))["bulk_job"]
    assert (changed["name"], changed["priority"], changed["parallelism"]) == ("After", "high", 3)
    assert (changed["delay_seconds"], changed["budget"]["cost"], changed["budget"]["cost_per_job"]) == (1.5, 20, 0.5)
    await sent(api, f"/bulks/{bulk_id}/settings", **given)
    assert (await get(api, f"{BULKS}/{bulk_id}"))["bulk_job"]["budget"] is None


async def test_a_form_that_says_what_is_so_changes_nothing(system: System, open_client: As) -> None:
    fixed = create_app(settings(queue={"priority_changes": "off"}), system)
    api = open_client(fixed, {"X-Pressrun-User": OWNER})
    bulk_id = await submit(api, name="As it is")
    before = (await get(api, f"{BULKS}/{bulk_id}"))["bulk_job"]
    same: dict[str, Any] = {
        "name": "As it is",
        "priority": "low",
        "parallelism": "1",
        "delay_seconds": "5",
        "stagger_ms": "150",
    }
    await sent(api, f"/bulks/{bulk_id}/settings", **same)
    assert (await get(api, f"{BULKS}/{bulk_id}"))["bulk_job"] == before
    refused = await sent(api, f"/bulks/{bulk_id}/settings", 409, **{**same, "priority": "high"})
    assert "changes are switched off here" in refused.text


@pytest.mark.parametrize(
    ("field", "wrong", "sentence"),
    [
        ("parallelism", "none", "Must be a whole number"),
        ("parallelism", "0", "Must be greater than or equal to 1"),
        ("delay_seconds", "-1", "Must be greater than or equal to 0"),
        ("delay_seconds", "nan", "Must be"),
        ("name", "", "Must say something"),
        ("priority", "urgent", "Must be high, normal, low or a number"),
        ("budget.cost", "much", "Must be a number"),
        ("budget.cost", "-3", "Must be greater than 0"),
    ],
)
async def test_what_cannot_be_taken_is_said_beside_its_field_and_what_was_typed_stays(
    api: httpx2.AsyncClient, field: str, wrong: str, sentence: str
) -> None:
    bulk_id = await submit(api, name="Before")
    given: dict[str, Any] = {
        "name": "Typed",
        "priority": "low",
        "parallelism": "2",
        "delay_seconds": "5",
        "stagger_ms": "150",
    }
    page = (await sent(api, f"/bulks/{bulk_id}/settings", 400, **{**given, field: wrong})).text
    assert f'<a href="#{field}">' in page.split('role="alert"')[1]
    beside = page.split(f'<label for="{field}">')[1].split("</div>")[0]
    assert sentence in beside
    assert 'aria-invalid="true"' in beside
    if field != "name":
        assert 'value="Typed"' in page
    assert '<details id="settings" class="sheet" open>' in page
    assert (await get(api, f"{BULKS}/{bulk_id}"))["bulk_job"]["name"] == "Before"


async def test_a_number_that_was_not_touched_stays_as_it_is_to_the_last_digit(api: httpx2.AsyncClient) -> None:
    exact = {"cost": 1234567.89, "cost_per_job": 0.0000125}
    bulk_id = await submit(api, budget=exact, delay_seconds=1234.5678)
    fields: dict[str, Any] = (await look(api, f"/bulks/{bulk_id}")).fields
    await sent(api, f"/bulks/{bulk_id}/settings", **{**fields, "budget.cost_per_job": "2"})
    changed = (await get(api, f"{BULKS}/{bulk_id}"))["bulk_job"]
    assert (changed["budget"]["cost"], changed["budget"]["cost_per_job"]) == (exact["cost"], 2)
    await sent(api, f"/bulks/{bulk_id}/settings", **{**fields, "budget.cost": "7"})
    changed = (await get(api, f"{BULKS}/{bulk_id}"))["bulk_job"]
    assert (changed["budget"]["cost"], changed["budget"]["cost_per_job"]) == (7, exact["cost_per_job"])
    assert changed["delay_seconds"] == 1234.5678
