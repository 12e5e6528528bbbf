"""Templates on pages: kept from a form or a bulk, opened, submitted, renamed, deleted; bulks submitted again."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from jobs.callers.keys import Scope
from jobs.storage.store import Document, Store
from tests.service.conftest import As, WithKey
from tests.service.page_forms import look, send, shown, went_to
from tests.service.requesting import BULKS, NOTHING, bulk, get, on_embedded, post, stored, submit

pytestmark = on_embedded

TEMPLATES = "/api/templates"
PAGE = "/templates"
NEW = "/bulks/new"
LINES = "\n".join(f"Topic {n}" for n in range(1, 11))
HTMX = {"HX-Request": "true"}
HOSTILE = "<script>alert(1)</script>"
FULL: dict[str, Any] = {
    "items": [{"topic": f"Topic {n}", "external_id": f"sku-{n}", "word_count": 400} for n in range(1, 11)]
}


async def kept(api: httpx2.AsyncClient, name: str = "Weekly", **request: Any) -> str:
    body = {"name": name, "request": request or bulk()}
    template_id: str = (await post(api, TEMPLATES, body))["template"]["id"]
    return template_id


async def jobs_in(store: Store) -> list[Document]:
    return await store.collection("generation_jobs").find({}, sort=[("queue_position", 1)])


async def test_a_form_is_kept_and_opened_as_it_was(api: httpx2.AsyncClient, store: Store) -> None:
    page = await look(api, NEW)
    fields = {"word_count": "300", "tone": "warm", "budget.cost": "20", "priority": "high", "template_name": "Weekly"}
    done = shown(await send(api, NEW, page.fields | fields, lines=LINES, do="save"))
    assert "Kept as the template Weekly." in done.words
    assert done.fields["lines"] == LINES
    listed = await look(api, PAGE)
    assert "Topic · article · 10 articles" in listed.words
    again = await look(api, listed.links["Weekly"])
    assert {name: again.fields[name] for name in fields} == fields
    assert again.fields["lines"] == LINES
    assert await stored(store) == NOTHING
    went_to(await send(api, NEW, again.fields, do="submit"))
    [job] = [job for job in await jobs_in(store) if job["queue_position"] == 3]
    assert (job["topic"], job["word_count"], job["tone"]) == ("Topic 3", 300, "warm")


async def test_what_lines_cannot_say_stays_with_the_template(api: httpx2.AsyncClient, store: Store) -> None:
    template_id = await kept(api, mode="topic", **FULL)
    page = await look(api, f"{NEW}?template={template_id}")
    assert (page.fields["from"], page.fields["template"]) == ("template", template_id)
    assert "Weekly: 10 articles, topic." in page.words
    assert "Article Topic Words Id of your own 1 Topic 1 400 sku-1" in page.words
    went_to(await send(api, NEW, page.fields, word_count="900", tone="warm", do="submit"))
    job = (await jobs_in(store))[0]
    assert (job["external_id"], job["word_count"], job["tone"]) == ("sku-1", 400, "warm")


async def test_the_settings_of_a_template_serve_for_other_articles(api: httpx2.AsyncClient, store: Store) -> None:
    template_id = await kept(api, mode="topic", max_retries=0, **FULL)
    page = await look(api, f"{NEW}?template={template_id}")
    other = await look(api, page.links["Its settings, with other articles"])
    assert (other.fields["from"], other.fields["lines"], other.fields["max_retries"]) == ("lines", "", "0")
    went_to(await send(api, NEW, other.fields, lines=LINES, do="submit"))
    assert "external_id" not in (await jobs_in(store))[0]


async def test_a_form_filled_by_half_is_kept(api: httpx2.AsyncClient) -> None:
    page = await look(api, NEW)
    shown(await send(api, NEW, page.fields, template_name="Settings", word_count="300", do="save"))
    listed = await look(api, PAGE)
    assert "no articles yet" in listed.words
    assert "/submit" not in (await api.get(PAGE)).text
    assert (await look(api, listed.links["Settings"])).fields["from"] == "lines"


async def test_a_template_is_changed_where_its_name_stays(api: httpx2.AsyncClient) -> None:
    template_id = await kept(api)
    page = await look(api, f"{NEW}?template={template_id}")
    done = shown(await send(api, NEW, page.fields, tone="warm", lines=f"{LINES}\nMore", do="save"))
    assert "The template Weekly is changed." in done.words
    request = (await get(api, f"{TEMPLATES}/{template_id}"))["request"]
    assert len(request["items"]) == 11
    assert request["items"][0]["tone"] == "warm"


async def test_a_name_that_is_taken_or_missing_is_told_at_its_field(api: httpx2.AsyncClient) -> None:
    await kept(api)
    page = await look(api, NEW)
    for name, sentence in (("Weekly", "There is a template of the name Weekly already"), ("", "must have 1 to 200")):
        told = shown(await send(api, NEW, page.fields, lines=LINES, template_name=name, do="save"), 400)
        assert sentence in told.words
        assert told.fields["lines"] == LINES


async def test_a_wrong_field_is_not_kept(api: httpx2.AsyncClient) -> None:
    page = await look(api, NEW)
    fields = page.fields | {"template_name": "Weekly", "delay_seconds": "soon"}
    assert "must be a valid number" in shown(await send(api, NEW, fields, lines=LINES, do="save"), 400).words
    assert (await get(api, TEMPLATES))["templates"] == []


async def test_a_template_is_submitted_once_from_the_list(api: httpx2.AsyncClient, store: Store) -> None:
    template_id = await kept(api)
    url = f"{PAGE}/{template_id}/submit"
    key = (await look(api, PAGE)).fields["key"]
    first = went_to(await send(api, url, {"key": key}))
    assert went_to(await send(api, url, {"key": key})) == first
    bulk_job = (await get(api, f"{BULKS}/{first.removeprefix('/bulks/')}"))["bulk_job"]
    assert (bulk_job["name"], bulk_job["total_items"]) == ("Weekly", 10)
    assert (await look(api, PAGE)).fields["key"] != key


async def test_a_template_that_is_not_taken_any_more_is_refused_in_words(api: httpx2.AsyncClient) -> None:
    template_id = await kept(api, **bulk(3))
    told = shown(await send(api, f"{PAGE}/{template_id}/submit", {}), 400)
    assert "Bulk generation requires 10-50 items" in told.words


async def test_a_template_is_renamed_and_deleted(api: httpx2.AsyncClient) -> None:
    template_id = await kept(api)
    assert went_to(await send(api, f"{PAGE}/{template_id}/rename", {"name": "Monthly"})) == PAGE
    assert "Monthly" in (await look(api, PAGE)).links
    in_place = await api.post(f"{PAGE}/{template_id}/rename", data={"name": HOSTILE}, headers=HTMX)
    assert f'hx-target="#template-{template_id}"' in in_place.text
    assert HOSTILE not in in_place.text
    for name in ("", "x" * 201):
        shown(await send(api, f"{PAGE}/{template_id}/rename", {"name": name}), 400)
    assert went_to(await send(api, f"{PAGE}/{template_id}/delete", {})) == PAGE
    assert "No templates yet" in (await look(api, PAGE)).words
    shown(await send(api, f"{PAGE}/{template_id}/delete", {}), 404)


async def test_a_template_that_is_deleted_in_place_says_so_in_its_row(api: httpx2.AsyncClient) -> None:
    template_id = await kept(api)
    answer = await api.post(f"{PAGE}/{template_id}/delete", headers=HTMX)
    assert "Weekly is deleted." in answer.text
    assert f'<tr id="template-{template_id}">' in answer.text


async def test_a_bulk_is_kept_as_a_template(api: httpx2.AsyncClient) -> None:
    bulk_id = await submit(api, name="Spring")
    page = await look(api, f"/bulks/{bulk_id}")
    assert page.fields["bulk_job_id"] == bulk_id
    assert went_to(await send(api, PAGE, {"bulk_job_id": bulk_id, "name": "From a bulk"})) == f"/bulks/{bulk_id}"
    listed = await look(api, PAGE)
    assert (await look(api, listed.links["From a bulk"])).fields["lines"] == LINES


async def test_a_bulk_is_opened_to_be_submitted_again(api: httpx2.AsyncClient, store: Store) -> None:
    bulk_id = await submit(api, name="Spring", max_retries=1)
    page = await look(api, f"/bulks/{bulk_id}")
    again = await look(api, page.links["Change it first"])
    assert (again.fields["lines"], again.fields["name"], again.fields["max_retries"]) == (LINES, "Spring", "1")
    second = went_to(await send(api, NEW, again.fields, do="submit")).removeprefix("/bulks/")
    assert second != bulk_id
    jobs = await jobs_in(store)
    assert [job["topic"] for job in jobs[::2]] == [job["topic"] for job in jobs[1::2]]


async def test_formats_are_kept_and_opened_where_formats_are_asked_for(api: httpx2.AsyncClient) -> None:
    page = await look(api, "/formats/new")
    fields = {"source.text": "Long ago.", "format.faq": "on", "format.summary.long": "on", "delay_seconds": "0"}
    done = shown(await send(api, "/formats/new", page.fields | fields, template_name="Talk", do="save"))
    assert "Kept as the template Talk." in done.words
    listed = await look(api, PAGE)
    url = listed.links["Talk"]
    assert url.startswith("/formats/new?template=")
    again = await look(api, url)
    assert {name: again.fields[name] for name in fields} == fields
    assert went_to(await api.get(url.replace("/formats/", "/bulks/"))) == url
    assert "Talk" not in (await look(api, f"{NEW}?from=template")).links
    bulk_url = went_to(await send(api, "/formats/new", again.fields, do="submit"))
    opened = await look(api, f"/formats/new?bulk={bulk_url.removeprefix('/formats/')}")
    assert {name: opened.fields[name] for name in fields} == fields


async def test_templates_can_be_chosen_where_a_bulk_is_put_together(api: httpx2.AsyncClient) -> None:
    assert "No templates yet" in (await look(api, f"{NEW}?from=template")).words
    template_id = await kept(api, HOSTILE)
    response = await api.get(f"{NEW}?from=template", headers={"Accept": "text/html"})
    assert shown(response).links[HOSTILE] == f"{NEW}?template={template_id}"
    assert HOSTILE not in response.text


async def test_templates_and_bulks_of_others_are_not_there(api: httpx2.AsyncClient, as_user: As) -> None:
    template_id, bulk_id = await kept(api), await submit(api)
    other = as_user("somebody else")
    assert "No templates yet" in (await look(other, PAGE)).words
    for url in (f"{NEW}?template={template_id}", f"{NEW}?bulk={bulk_id}", f"{NEW}?template=x", f"{NEW}?bulk=x"):
        shown(await other.get(url, headers={"Accept": "text/html"}), 404)
    page = await look(other, NEW)
    for fields in ({"template": template_id, "from": "template"}, {"bulk": bulk_id, "from": "template"}):
        shown(await send(other, NEW, page.fields | fields, do="submit"), 404)
    for action in ("submit", "rename", "delete"):
        shown(await send(other, f"{PAGE}/{template_id}/{action}", {"name": "x"}), 404)
    shown(await send(other, PAGE, {"bulk_job_id": bulk_id, "name": "x"}), 404)


@pytest.mark.parametrize("action", ["submit", "rename", "delete"])
async def test_who_may_only_read_sees_templates_and_no_buttons(with_key: WithKey, action: str) -> None:
    writer, reader = await with_key(), await with_key(scope=Scope.READ)
    template_id = await kept(writer)
    page = await reader.get(PAGE, headers={"Accept": "text/html"})
    assert "Weekly" in shown(page).words
    assert f"/{action}" not in page.text
    shown(await send(reader, f"{PAGE}/{template_id}/{action}", {"name": "x"}), 403)
