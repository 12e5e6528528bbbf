"""Whom a bulk tells, on the page of a new bulk and in the settings of one that runs."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.service.browsing import shown
from tests.service.page_forms import look, send, went_to
from tests.service.page_forms import shown as form_shown
from tests.service.requesting import BULKS, TARGET_URL, get, on_embedded, submit

pytestmark = on_embedded

NEW = "/bulks/new"
LINES = "\n".join(f"Topic {n}" for n in range(1, 11))
TOLD = {"notify.webhook_url": TARGET_URL, "notify.progress": "75, 25,25"}


async def notify_of(api: httpx2.AsyncClient, bulk_id: str) -> Any:
    return (await get(api, f"{BULKS}/{bulk_id}"))["bulk_job"]["notify"]


async def test_a_new_bulk_tells_whom_its_form_names(api: httpx2.AsyncClient) -> None:
    page = await look(api, NEW)
    place = went_to(await send(api, NEW, page.fields | TOLD, lines=LINES, do="submit"))
    bulk_id = place.removeprefix("/bulks/")
    assert await notify_of(api, bulk_id) == {"webhook_url": TARGET_URL, "email": None, "progress": [25, 75]}
    again = await look(api, f"{NEW}?bulk={bulk_id}")
    assert again.fields["notify.webhook_url"] == TARGET_URL
    assert again.fields["notify.progress"] == "25, 75"


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("notify.progress", "25, half"),
        ("notify.progress", "100"),
        ("notify.webhook_url", "http://192.168.0.1/"),
        ("notify.email", "ada@example.com"),
    ],
)
async def test_what_cannot_be_told_is_said_at_its_field_on_both_pages(
    field: str, typed: str, api: httpx2.AsyncClient
) -> None:
    fresh = (await look(api, NEW)).fields | {field: typed}
    page = form_shown(await send(api, NEW, fresh, lines=LINES, do="submit"), 400)
    assert (page.fields[field], f"{field}-told" in page.ids) == (typed, True)
    assert f"#{field}" in page.links.values()
    bulk_id = await submit(api)
    settings = (await look(api, f"/bulks/{bulk_id}")).fields | {field: typed}
    changing = form_shown(await send(api, f"/bulks/{bulk_id}/settings", settings), 400)
    assert (changing.fields[field], f"#{field}" in changing.links.values()) == (typed, True)
    assert await notify_of(api, bulk_id) is None


async def test_whom_a_bulk_tells_is_changed_while_it_runs(api: httpx2.AsyncClient) -> None:
    bulk_id = await submit(api, name="Boots")
    fields = (await look(api, f"/bulks/{bulk_id}")).fields
    assert fields["notify.progress"] == ""
    went_to(await send(api, f"/bulks/{bulk_id}/settings", fields | TOLD))
    assert await notify_of(api, bulk_id) == {"webhook_url": TARGET_URL, "email": None, "progress": [25, 75]}
    page = await shown(api, f"/bulks/{bulk_id}")
    assert ('value="25, 75"' in page, f'value="{TARGET_URL}"' in page) == (True, True)
    went_to(await send(api, f"/bulks/{bulk_id}/settings", fields))
    assert await notify_of(api, bulk_id) is None
