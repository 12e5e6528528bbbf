"""A file at /api/bulk-generate/upload: shown as what it would come to, or submitted; all of it or nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from jobs.outcomes import Completed
from jobs.storage.store import Store
from jobs.system import System
from tests.service.conftest import As
from tests.service.requesting import (
    BULKS,
    JSON,
    NOTHING,
    bulk,
    end_jobs,
    faults,
    get,
    on_embedded,
    post,
    refused,
    stored,
    submit_quick,
)
from tests.support.workbooks import workbook

UPLOAD = f"{BULKS}/upload"
TOPICS = "Topic,Words,Note\n" + "".join(f"Tea {number},800,n\n" for number in range(1, 11))
APPAREL = Path(__file__).parent.parent / "data" / "shopify-apparel.csv"


async def send(
    client: httpx2.AsyncClient, file: str | bytes = TOPICS, filename: str = "plan.csv", key: str = "", **fields: Any
) -> httpx2.Response:
    data = {"mode": "topic"} | {
        name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()
    }
    headers = {"Idempotency-Key": key} if key else {}
    content = file.encode() if isinstance(file, str) else file
    return await client.post(UPLOAD, data=data, files={"file": (filename, content)}, headers=headers)


async def looked_at(client: httpx2.AsyncClient, *args: Any, **fields: Any) -> Any:
    response = await send(client, *args, **fields)
    assert response.status_code == 200, response.text
    return response.json()


async def test_a_file_is_shown_as_the_items_it_comes_to_and_nothing_is_stored(
    api: httpx2.AsyncClient, store: Store
) -> None:
    told = await looked_at(api)
    assert (told["valid"], told["errors"], told["estimate"]) == (True, [], None)
    assert (told["total_items"], told["rows"]) == (10, list(range(2, 12)))
    assert told["items"][9] == {"topic": "Tea 10", "word_count": 800}
    assert (told["header"], told["unused"]) == (["Topic", "Words", "Note"], ["Note"])
    assert told["columns"] == {"topic": "Topic", "word_count": "Words"}
    assert (told["format"], told["encoding"], told["sheet"], told["other_sheets"]) == ("csv", "utf-8", None, [])
    assert await stored(store) == NOTHING


async def test_what_is_shown_as_valid_is_stored_as_it_was_shown(api: httpx2.AsyncClient) -> None:
    shown = await looked_at(api, settings={"name": "Teas", "max_retries": 0})
    created = await looked_at(api, settings={"name": "Teas", "max_retries": 0}, submit="true")
    assert created["total_items"] == shown["total_items"] == 10
    detail = await get(api, f"{BULKS}/{created['bulk_job_id']}")
    assert (detail["bulk_job"]["name"], detail["bulk_job"]["max_retries"]) == ("Teas", 0)
    job = (await get(api, f"/api/jobs/{detail['jobs'][9]['id']}"))["job"]
    assert (job["topic"], job["word_count"]) == ("Tea 10", 800)


HALF = "must not hold half of a surrogate pair"


@on_embedded
@pytest.mark.parametrize(
    ("item", "message"),
    [
        (r'{"topic": "Tea \ud800"}', HALF),
        (r'{"topic": "Tea", "\ud800": 1}', f"a key {HALF}"),
        (r'{"topic": "Tea", "own": {"\ud800": 1, "\ud800": 2}}', "the key '?' stands more than once"),
    ],
    ids=["text", "key", "key twice"],
)
async def test_half_of_a_surrogate_pair_in_a_file_is_a_fault_of_its_line(
    api: httpx2.AsyncClient, item: str, message: str
) -> None:
    told = await looked_at(api, f'{{"topic": "Tea"}}\n{item}\n', "plan.jsonl")
    assert (told["valid"], told["items"]) == (False, [{"topic": "Tea"}])
    assert told["errors"][0] == {"path": "", "message": message, "row": 2}


@on_embedded
async def test_a_workbook_is_taken_and_its_other_sheet_by_name(api: httpx2.AsyncClient) -> None:
    ideas = [["Idea"], *([f"Coffee {number}"] for number in range(10))]
    data = workbook(["Topic"], *([f"Tea {number}"] for number in range(10)), Ideas=ideas)
    told = await looked_at(api, data, "plan.xlsx")
    assert (told["valid"], told["format"], told["encoding"]) == (True, "xlsx", None)
    assert (told["sheet"], told["other_sheets"]) == ("Plan", ["Ideas"])
    other = await looked_at(api, data, "plan.xlsx", sheet="Ideas", columns={"topic": "Idea"})
    assert (other["items"][0], other["sheet"]) == ({"topic": "Coffee 0"}, "Ideas")


@on_embedded
async def test_json_and_a_shop_s_export_are_taken_too(api: httpx2.AsyncClient) -> None:
    items = json.dumps(bulk()["items"])
    told = await looked_at(api, items, "plan.json")
    assert (told["valid"], told["format"], told["header"], told["rows"]) == (True, "json", [], [None] * 10)
    lines = "".join(json.dumps(item) + "\n" for item in bulk()["items"])
    assert (await looked_at(api, lines, "plan.jsonl"))["rows"] == list(range(1, 11))
    shop = await looked_at(api, APPAREL.read_bytes(), "export.csv")
    assert (shop["valid"], shop["format"], shop["columns"]["topic"]) == (True, "shopify", "Title")


@on_embedded
async def test_a_preview_has_fifty_items_and_says_how_many_there_are(api: httpx2.AsyncClient) -> None:
    told = await looked_at(api, "Topic\n" + "tea\n" * 60)
    assert (told["total_items"], len(told["items"]), len(told["rows"])) == (60, 50, 50)
    assert told["errors"] == [{"path": "items", "message": "has 60", "row": None}]


def ten_rows(**wrong: str) -> list[str]:
    """A header and ten rows, of which some are others: `r4` is the fourth row as a spreadsheet counts."""
    rows = ["Topic,Words,URL"] + [f"Tea {number},800," for number in range(2, 12)]
    for name, row in wrong.items():
        rows[int(name[1:]) - 1] = row
    return rows


async def errors(client: httpx2.AsyncClient, *args: Any, **fields: Any) -> list[tuple[str, int | None, str]]:
    told = await looked_at(client, *args, **fields)
    assert (told["valid"], told["estimate"]) == (False, None)
    return [(error["path"], error["row"], error["message"]) for error in told["errors"]]


async def test_what_is_wrong_is_told_by_item_and_by_row_as_the_spreadsheet_counts(
    api: httpx2.AsyncClient, store: Store
) -> None:
    rows = ten_rows(r4="Tea,many,", r8="Tea,20,nonsense", r11=",,")
    data = workbook(*(row.split(",") for row in rows))
    number = "must be greater than or equal to 50"
    found = await errors(api, data, "a.xlsx")
    assert found[:2] == [
        ("items.2.word_count", 4, "'many' is not a whole number"),
        ("items.6.word_count", 8, number),
    ]
    assert [(path, row) for path, row, _ in found[2:]] == [("items.6.target_url", 8)]
    refusal = await send(api, data, "a.xlsx", submit="true")
    assert faults(refusal) == {"items.2.word_count": "row 4: 'many' is not a whole number"}
    mended = workbook(*(row.replace("many", "70").split(",") for row in rows))
    refusal = await send(api, mended, "a.xlsx", submit="true")
    assert faults(refusal)["items.6.word_count"] == f"row 8: {number}"
    assert await stored(store) == NOTHING


@on_embedded
async def test_a_row_of_the_wrong_shape_is_told_and_the_others_are_shown(api: httpx2.AsyncClient) -> None:
    text = "\n".join(ten_rows(r5="Tea", r6=",800,"))
    assert await errors(api, text) == [
        ("", 5, "the row has 1 cell, the header has 3"),
        ("items", None, "has 9"),
        ("items.3.topic", 6, "is required in mode topic (topic)"),
    ]
    assert (await looked_at(api, text))["rows"] == [2, 3, 4, 6, 7, 8, 9, 10, 11]
    nothing = await errors(api, "Topic,Words\nTea\n")
    assert nothing[0] == ("", 2, "the row has 1 cell, the header has 2")


@on_embedded
async def test_a_column_that_cannot_be_guessed_is_asked_for_beside_the_header(api: httpx2.AsyncClient) -> None:
    text = TOPICS.replace("Topic", "Post Name")
    told = await looked_at(api, text)
    (error,) = told["errors"]
    assert (error["path"], error["row"]) == ("columns.topic", None)
    assert error["message"].startswith("mode topic needs a column 'topic'")
    assert (told["header"], told["columns"]) == (["Post Name", "Words", "Note"], {"word_count": "Words"})
    assert (await looked_at(api, text, columns={"topic": "Post Name"}))["valid"] is True
    mapped = await looked_at(api, columns={"topic": "Note", "word_count": ""})
    assert (mapped["items"][0], mapped["unused"]) == ({"topic": "n"}, ["Topic", "Words"])
    assert faults(await send(api, text, submit="true")).keys() == {"columns.topic"}
    assert (await errors(api, columns={"topci": "Note"}))[0][0] == "columns.topci"


@on_embedded
async def test_an_item_is_judged_by_the_same_rules_as_one_in_a_body(api: httpx2.AsyncClient) -> None:
    """Also those of a body's text and keys, which a form's guard has not seen."""
    good = bulk()["items"]
    for item, path in (
        ({"topic": "x", "status": "done"}, "items.3.status"),
        ({"topic": "x\0"}, "items.3.topic"),
        ({"topic": "x", "a.b": 1}, "items.3.a.b"),
        ({"topic": "x", "$gt": 1}, "items.3.$gt"),
        ({"topic": "x", "n": 2**64}, "items.3.n"),
        ({"topic": 5}, "items.3.topic"),
    ):
        items = json.dumps([*good[:3], item, *good[4:]])
        assert [found[0] for found in await errors(api, items, "a.json")] == [path]
        assert faults(await send(api, items, "a.json", submit="true")).keys() == {path}
        body = await api.post(BULKS, content=json.dumps(bulk(items=0) | {"items": json.loads(items)}), headers=JSON)
        assert faults(body).keys() == {path}


@on_embedded
async def test_settings_are_judged_as_in_a_body_and_cannot_give_mode_or_items(api: httpx2.AsyncClient) -> None:
    assert await errors(api, settings={"max_retries": 99, "nmae": "x"}) == [
        ("max_retries", None, "must be less than or equal to 20"),
        ("nmae", None, "is not a field of this request"),
    ]
    found = await errors(api, settings={"notify": {"progress": [100]}})
    assert [path for path, *_ in found] == ["notify.progress.0"]
    refusal = await send(api, settings={"items": [], "mode": "spin"})
    assert faults(refusal).keys() == {"settings.items", "settings.mode"}
    sentence = refused(await send(api, "Topic\ntea\n", submit="true"), 400)
    assert sentence == "Bulk generation requires 10-50 items"


async def test_a_repeat_under_one_key_is_one_bulk_and_another_file_is_refused(
    api: httpx2.AsyncClient, store: Store
) -> None:
    first = await send(api, key="k", submit="true")
    again = await send(api, key="k", submit="true", filename="renamed.txt")
    assert (first.status_code, first.content) == (200, again.content)
    assert "another body" in refused(await send(api, TOPICS.replace("Tea 3", "Tee"), key="k", submit="true"), 409)
    same = bulk() | {"items": [{"topic": f"Tea {number}", "word_count": 800} for number in range(1, 11)]}
    body = await api.post(BULKS, json=same, headers={"Idempotency-Key": "k"})
    assert body.content == first.content
    assert (await stored(store))["bulk_jobs"] == 1


@on_embedded
@pytest.mark.parametrize(
    ("data", "filename", "sentence"),
    [
        (b"", "a.csv", "The file is empty."),
        (b"\x89PNG\r\n\x1a\n", "a.csv", "The file is a PNG image."),
        (
            b"Topic\na\0" + b"tea" * 20,
            "a.csv",
            "The file holds a NUL character in line 2: it is damaged, or it is no text.",
        ),
        (b"{", "a.json", "The file is not valid JSON: "),
        (b"Topic\n", "a.csv", "The file has a header and no rows: its first line must name the columns."),
        (b"PK\x03\x04", "a.xlsx", "The file is damaged or cut off: its archive cannot be unpacked."),
    ],
)
async def test_a_file_that_nothing_can_be_read_of_is_refused_in_a_sentence(
    api: httpx2.AsyncClient, data: bytes, filename: str, sentence: str
) -> None:
    for submit in ("false", "true"):
        assert refused(await send(api, data, filename, submit=submit), 400).startswith(sentence)


async def test_a_file_is_its_owner_s_alone(as_user: As, store: Store) -> None:
    created = (await send(as_user("owner"), submit="true")).json()
    refused(await as_user("other").get(f"{BULKS}/{created['bulk_job_id']}"), 404)


@on_embedded
async def test_what_looks_like_a_formula_is_text(api: httpx2.AsyncClient) -> None:
    formulas = ["=1+1", "+49", "-5", "@home", '=HYPERLINK(""http://x"")', *"abcde"]
    told = await looked_at(api, "Topic\n" + "".join(f'"{text}"\n' for text in formulas))
    assert [item["topic"] for item in told["items"]] == [text.replace('""', '"') for text in formulas]


@on_embedded
async def test_the_estimate_is_that_of_validate(api: httpx2.AsyncClient, system: System) -> None:
    await submit_quick(api)
    stages = [{"name": "component-generation", "status": "completed", "duration_ms": 9_000}]
    await end_jobs(system, *[Completed("text", {"pipeline": "article", "stages": stages})] * 10)
    told, tried = await looked_at(api), await post(api, f"{BULKS}/validate", bulk())
    assert told["estimate"] == tried["estimate"]
    assert told["estimate"]["seconds_high"] > 0
