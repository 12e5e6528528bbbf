"""A file on the page of a new bulk: read, its columns chosen, looked at, carried on, submitted."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path
from typing import Any

import httpx2
import pytest

from jobs.errors import InvalidInput
from jobs.storage.store import Store
from service.pages.carrying import packed, unpacked
from service.wire.body import MAX_BODY_BYTES
from tests.service.page_forms import look, send, shown, went_to
from tests.service.requesting import BULKS, NOTHING, get, on_embedded, stored
from tests.support.workbooks import workbook

NEW = "/bulks/new"
FROM_FILE = f"{NEW}?from=file"
DATA = Path(__file__).parent.parent / "data"
HEADER = "Subject;Words;Note"
ROWS = [f"Topic {n};{300 + n};note {n}" for n in range(1, 11)]
CSV = "\n".join([HEADER, *ROWS]).encode()


def file(data: bytes, name: str = "plan.csv") -> dict[str, Any]:
    return {"file": (name, data, "application/octet-stream")}


@on_embedded
async def test_a_file_is_looked_at_carried_on_and_submitted(api: httpx2.AsyncClient, store: Store) -> None:
    page = await look(api, FROM_FILE)
    checked = shown(await send(api, NEW, page.fields, file(CSV), do="check"))
    assert "plan.csv: 10 articles read of CSV." in checked.words
    assert "10 articles: nothing is wrong with them." in checked.words
    assert "Line Topic Words 2 Topic 1 301 3 Topic 2 302" in checked.words
    assert "2 columns used, 1 not: Note" in checked.words
    assert await stored(store) == NOTHING
    went_to(await send(api, NEW, checked.fields, tone="warm", do="submit"))
    jobs = await store.collection("generation_jobs").find({}, sort=[("queue_position", 1)])
    assert [(job["topic"], job["word_count"], job["tone"]) for job in jobs] == [
        (f"Topic {n}", 300 + n, "warm") for n in range(1, 11)
    ]


@on_embedded
async def test_a_file_may_be_submitted_without_looking(api: httpx2.AsyncClient) -> None:
    page = await look(api, FROM_FILE)
    went_to(await send(api, NEW, page.fields, file(CSV), do="submit"))
    assert (await get(api, BULKS))["bulk_jobs"][0]["total_items"] == 10


@on_embedded
async def test_what_the_file_says_of_an_article_goes_before_what_the_page_says_of_all(
    api: httpx2.AsyncClient, store: Store
) -> None:
    page = await look(api, FROM_FILE)
    data = CSV.replace(b"Topic 1;301", b"Topic 1;")
    went_to(await send(api, NEW, page.fields, file(data), word_count="900", do="submit"))
    jobs = await store.collection("generation_jobs").find({}, sort=[("queue_position", 1)])
    assert [job["word_count"] for job in jobs[:3]] == [900, 302, 303]


@on_embedded
async def test_a_column_can_be_chosen_for_a_field_and_taken_from_it(api: httpx2.AsyncClient, store: Store) -> None:
    page = await look(api, FROM_FILE)
    checked = shown(await send(api, NEW, page.fields, file(CSV), do="check"))
    assert checked.fields["column.topic"] == "guess"
    chosen = {"column.topic": "=Note", "column.word_count": "=", "column.tone": "=Subject"}
    again = shown(await send(api, NEW, checked.fields | chosen, do="check"))
    assert {name: again.fields[name] for name in chosen} == chosen
    went_to(await send(api, NEW, again.fields, do="submit"))
    job = await store.collection("generation_jobs").find_one({"queue_position": 1})
    assert job is not None
    assert (job["topic"], job["tone"], "word_count" in job) == ("note 1", "Topic 1", False)


@on_embedded
async def test_columns_of_one_file_are_not_taken_for_those_of_another(api: httpx2.AsyncClient) -> None:
    page = await look(api, FROM_FILE)
    checked = shown(await send(api, NEW, page.fields, file(CSV), do="check"))
    fields = checked.fields | {"column.topic": "=Note"}
    other = b"Topic\n" + b"\n".join(b"Other %d" % n for n in range(10))
    again = shown(await send(api, NEW, fields, file(other, "other.csv"), do="check"))
    assert "other.csv: 10 articles" in again.words
    assert again.fields["column.topic"] == "guess"


@on_embedded
async def test_a_table_without_the_column_that_is_needed_asks_for_it(api: httpx2.AsyncClient) -> None:
    page = await look(api, FROM_FILE)
    data = CSV.replace(b"Subject", b"Whatever")
    response = await send(api, NEW, page.fields, file(data), do="check")
    told = shown(response, 400)
    assert "mode topic needs a column 'topic'" in told.words
    assert '<details class="columns-chosen" open>' in response.text
    went_to(await send(api, NEW, told.fields | {"column.topic": "=Whatever"}, do="submit"))


@on_embedded
async def test_rows_that_are_wrong_are_named_as_the_file_numbers_them(api: httpx2.AsyncClient, store: Store) -> None:
    page = await look(api, FROM_FILE)
    data = CSV.replace(b"Topic 3;303", b"Topic 3;20").replace(b"305", b"many").replace(b"Topic 7;", b";")
    told = shown(await send(api, NEW, page.fields, file(data), do="submit"), 400)
    assert "Line 4, Words: must be greater than or equal to 50" in told.words
    assert "Line 6, Words: 'many' is not a whole number" in told.words
    assert "10 articles read of CSV" in told.words
    assert await stored(store) == NOTHING


@on_embedded
async def test_a_row_without_a_topic_is_named(api: httpx2.AsyncClient) -> None:
    page = await look(api, FROM_FILE)
    told = shown(await send(api, NEW, page.fields, file(CSV.replace(b"Topic 7;", b";")), do="check"), 400)
    assert "Line 8, Topic: is required in mode topic (topic)" in told.words


@on_embedded
async def test_a_sheet_of_a_workbook_is_chosen(api: httpx2.AsyncClient) -> None:
    page = await look(api, FROM_FILE)
    rows = [["Topic"], *([f"Topic {n}"] for n in range(10))]
    data = workbook(*rows, name="Notes", Plan=[["Topic"], *([f"Plan {n}"] for n in range(12))])
    checked = shown(await send(api, NEW, page.fields, file(data, "plan.xlsx"), do="check"))
    assert checked.fields["sheet"] == "Notes"
    again = shown(await send(api, NEW, checked.fields, sheet="Plan", do="check"))
    assert "plan.xlsx: 12 articles read of XLSX, sheet “Plan”." in again.words
    assert "Row Topic 2 Plan 0" in again.words


@on_embedded
async def test_a_product_export_is_known_by_its_columns(api: httpx2.AsyncClient) -> None:
    page = await look(api, FROM_FILE)
    data = (DATA / "shopify-apparel.csv").read_bytes()
    checked = shown(await send(api, NEW, page.fields, file(data, "export.csv"), do="check"))
    assert "export.csv: 20 articles read of a product export of Shopify." in checked.words
    assert "Type, Vendor, Tags (guessed)" in checked.words
    went_to(await send(api, NEW, checked.fields, do="submit"))
    assert (await get(api, BULKS))["bulk_jobs"][0]["total_items"] == 20


@on_embedded
async def test_json_names_its_fields_itself(api: httpx2.AsyncClient, store: Store) -> None:
    page = await look(api, FROM_FILE)
    data = json.dumps([{"keywords": ["a", f"b{n}"], "metadata": {"sku_count": n}} for n in range(10)]).encode()
    checked = shown(await send(api, NEW, page.fields, file(data, "plan.json"), mode="keywords", do="check"))
    assert not any(name.startswith("column.") for name in checked.fields)
    assert "Article Keywords SKUs 1 a, b0 0 2 a, b1 1" in checked.words
    went_to(await send(api, NEW, checked.fields, do="submit"))
    job = await store.collection("generation_jobs").find_one({"queue_position": 3})
    assert job is not None
    assert job["metadata"] == {"sku_count": 2}


@on_embedded
@pytest.mark.parametrize(
    ("data", "name", "sentence"),
    [
        (b"", "empty.csv", "File: The file is empty."),
        (b"\x89PNG\r\n\x1a\n....", "plan.csv", "File: The file is a PNG image."),
        (b"Topic\n", "plan.csv", "The file has a header and no rows"),
        (b"{", "plan.json", "The file is not valid JSON"),
        (b'[{"topic": "a\\u0000"}]', "plan.json", "must not hold a NUL character"),
        (b'[{"topic": "a\\ud800"}]', "plan.json", "must not hold half of a surrogate pair"),
        (b'{"items": [], "\\ud800": 1}', "plan.json", "which cannot be given in a file"),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(
    api: httpx2.AsyncClient, store: Store, data: bytes, name: str, sentence: str
) -> None:
    page = await look(api, FROM_FILE)
    for do in ("check", "submit"):
        assert sentence in shown(await send(api, NEW, page.fields, file(data, name), do=do), 400).words
    assert await stored(store) == NOTHING


@on_embedded
async def test_no_file_is_asked_for(api: httpx2.AsyncClient) -> None:
    page = await look(api, FROM_FILE)
    assert "File: choose a file" in shown(await send(api, NEW, page.fields, do="submit"), 400).words


@on_embedded
async def test_hostile_names_and_cells_are_shown_as_text(api: httpx2.AsyncClient) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    page = await look(api, FROM_FILE)
    data = "\n".join([f"Topic\t{hostile}", *(f"{hostile} {n}\tx" for n in range(10))]).encode()
    response = await send(api, NEW, page.fields, file(data, f"{hostile}.tsv"), do="check")
    told = shown(response)
    assert f"{hostile} 0" in told.words
    assert hostile not in response.text


@on_embedded
async def test_more_than_may_be_sent_is_refused_on_a_page(api: httpx2.AsyncClient) -> None:
    page = await look(api, FROM_FILE)
    told = shown(await send(api, NEW, page.fields, file(b"x" * MAX_BODY_BYTES), do="check"), 413)
    assert "The body is larger than 8 MB" in told.words


def test_a_file_is_carried_as_it_is() -> None:
    text = packed(CSV)
    assert text is not None
    assert len(text) < len(CSV)
    assert unpacked(text) == CSV


@pytest.mark.parametrize("text", ["", "x", "%%%%", "AAAA", str(packed(b"x" * 1000))[:-8], "A" * 5_000_000])
def test_what_was_not_carried_whole_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="choose it again"):
        unpacked(text)


def test_no_more_is_unpacked_than_may_be_sent() -> None:
    bomb = base64.urlsafe_b64encode(zlib.compress(b"0" * (64 * MAX_BODY_BYTES), 9)).decode()
    with pytest.raises(InvalidInput, match="choose it again"):
        unpacked(bomb)


@on_embedded
async def test_a_carried_file_that_was_tampered_with_is_refused(api: httpx2.AsyncClient) -> None:
    page = await look(api, FROM_FILE)
    fields = page.fields | {"carried": "AAAA", "filename": "plan.csv"}
    assert "choose it again" in shown(await send(api, NEW, fields, do="submit"), 400).words
