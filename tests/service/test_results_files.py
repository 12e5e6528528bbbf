"""Finished jobs as JSON, JSONL, CSV and ZIP files: what a spreadsheet, an unzipper and a program read in them."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import zipfile
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.slug import slugify
from service.rendering.results import BulkSummary, as_csv, as_json, as_jsonl, as_zip, title_of

BULK = BulkSummary("665f1c2ab4d1e0a1b2c3d4e5", "Spring", "completed", {"total": 2, "completed": 1, "failed": 1})


def job(position: int = 1, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"{position:024x}",
        "position": position,
        "topic": f"Topic {position}",
        "external_id": None,
        "status": "completed",
        "content": f'# Topic {position}\n\nText, with "quotes" and Größe.\n',
        "result_meta": {"word_count": 7},
        "completed_at": "2026-11-22T10:00:01.500Z",
        "error": None,
    } | fields


async def whole(stream: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in stream])


async def in_turn(*jobs: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    for each in jobs:
        yield each


async def cells(*jobs: dict[str, Any]) -> list[list[str]]:
    data = await whole(as_csv(jobs))
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


async def unzipped(*jobs: dict[str, Any]) -> tuple[dict[str, bytes], dict[str, Any]]:
    with zipfile.ZipFile(io.BytesIO(await whole(as_zip(BULK, jobs)))) as archive:
        assert archive.testzip() is None
        members = {name: archive.read(name) for name in archive.namelist()}
    return members, json.loads(members["manifest.json"])


async def test_json_is_one_document_with_every_job() -> None:
    jobs = [job(1), job(2, content={"html": "<p>", "score": 1.0}, error="naïve")]
    data = await whole(as_json("b1", in_turn(*jobs)))
    assert json.loads(data) == {"bulk_job_id": "b1", "results": jobs}
    assert b'"score":1}' in data
    assert await whole(as_json("b1", [])) == b'{"bulk_job_id":"b1","results":[]}'


async def test_jsonl_is_a_job_a_line() -> None:
    jobs = [job(1), job(2, content="a\nb\u2028c")]
    data = await whole(as_jsonl(jobs))
    assert [json.loads(line) for line in data.decode().split("\n")[:-1]] == jobs
    assert await whole(as_jsonl([])) == b""


async def test_csv_is_what_excel_and_rfc_4180_want() -> None:
    data = await whole(as_csv(in_turn(job(1, external_id="sku,1"))))
    assert data == (
        b"\xef\xbb\xbfid,queue_position,external_id,topic,status,word_count,completed_at,content,result_dropped_at\r\n"
        b'000000000000000000000001,1,"sku,1",Topic 1,completed,7,2026-11-22T10:00:01.500Z,'
        b'"# Topic 1\n\nText, with ""quotes"" and Gr\xc3\xb6\xc3\x9fe.\n",\r\n'
    )


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
async def test_a_cell_that_a_spreadsheet_would_run_is_escaped(start: str) -> None:
    evil = f"{start}HYPERLINK(1)"
    [_, row] = await cells(job(topic=evil, external_id=evil, content=evil, error=evil))
    assert [row[2], row[3], row[7]] == [f"'{evil}"] * 3


async def test_other_cells_are_not_touched_and_absent_ones_are_empty() -> None:
    [_, row] = await cells(
        job(topic="'quoted' = a", content=None, result_meta=None, completed_at=None, status="failed")
    )
    assert row == ["000000000000000000000001", "1", "", "'quoted' = a", "failed", "", "", "", ""]


async def test_words_are_counted_where_the_job_does_not_say() -> None:
    [_, text, html, data] = await cells(
        job(content="one two\nthree", result_meta=None),
        job(content={"html": "<p>one two</p>"}, result_meta={}),
        job(content=[1, 2], result_meta={"word_count": "many"}),
    )
    assert [text[5], html[5], data[5]] == ["3", "", ""]


async def test_a_zip_holds_a_file_an_article_and_a_manifest() -> None:
    members, manifest = await unzipped(
        job(1, topic="Größe & Maß: Schuhe!"), job(2, content=None, status="failed", error="too long", result_meta=None)
    )
    assert list(members) == ["001-grosse-mass-schuhe.md", "manifest.json"]
    text = members["001-grosse-mass-schuhe.md"]
    assert text.decode() == job(1)["content"]
    assert manifest == {
        "bulk_job_id": BULK.id,
        "name": "Spring",
        "status": "completed",
        "counts": {"total": 2, "completed": 1, "failed": 1},
        "articles": [
            {
                "file": "001-grosse-mass-schuhe.md",
                "id": "000000000000000000000001",
                "position": 1,
                "topic": "Größe & Maß: Schuhe!",
                "external_id": None,
                "status": "completed",
                "error": None,
                "word_count": 7,
                "sha256": hashlib.sha256(text).hexdigest(),
                "result_dropped_at": None,
            },
            {
                "file": None,
                "id": "000000000000000000000002",
                "position": 2,
                "topic": "Topic 2",
                "external_id": None,
                "status": "failed",
                "error": "too long",
                "word_count": None,
                "sha256": None,
                "result_dropped_at": None,
            },
        ],
    }


@pytest.mark.parametrize(
    ("content", "name", "data"),
    [
        ({"markdown": "# a", "html": "<h1>"}, "001-topic-1.md", b"# a"),
        ({"html": "<h1>a</h1>", "title": "a"}, "001-topic-1.html", b"<h1>a</h1>"),
        ({"content": {"html": "x"}, "text": "plain"}, "001-topic-1.md", b"plain"),
        ({"blocks": ["ä", 1.5]}, "001-topic-1.json", '{\n  "blocks": [\n    "ä",\n    1.5\n  ]\n}\n'.encode()),
        (["a"], "001-topic-1.json", b'[\n  "a"\n]\n'),
        ("", "001-topic-1.md", b""),
        ("half \ud800 pair", "001-topic-1.md", b"half ? pair"),
        (["half \ud800 pair"], "001-topic-1.json", b'[\n  "half \\ud800 pair"\n]\n'),
    ],
)
async def test_content_that_is_an_object_becomes_the_file_that_fits_it(content: object, name: str, data: bytes) -> None:
    members, manifest = await unzipped(job(content=content))
    assert members[name] == data
    assert manifest["articles"][0]["file"] == name


async def test_articles_of_one_title_have_names_of_their_own() -> None:
    members, _ = await unzipped(*(job(n, topic="Same") for n in (1, 2, 1000)))
    assert list(members) == ["001-same.md", "002-same.md", "1000-same.md", "manifest.json"]


async def test_the_same_jobs_give_the_same_bytes_dated_by_their_completion() -> None:
    jobs = [job(1), job(2, completed_at="+010000-01-01T00:00:00.000Z"), job(3, completed_at=None)]
    jobs += [job(4, completed_at="1969-12-31T23:59:59.999Z"), job(5, completed_at="2200-01-01T00:00:00Z")]
    first, second = await whole(as_zip(BULK, jobs)), await whole(as_zip(BULK, in_turn(*jobs)))
    assert first == second
    members = zipfile.ZipFile(io.BytesIO(first)).infolist()
    assert {member.create_system for member in members} == {3}
    dates = [member.date_time for member in members]
    epoch, latest = (1980, 1, 1, 0, 0, 0), (2107, 12, 31, 23, 59, 58)
    assert dates == [(2026, 11, 22, 10, 0, 0), epoch, epoch, epoch, latest, latest]


async def test_a_zip_of_nothing_holds_a_manifest() -> None:
    members, manifest = await unzipped()
    assert list(members) == ["manifest.json"]
    assert manifest["articles"] == []


async def test_every_format_gives_what_it_has_before_the_next_job_is_read() -> None:
    read: list[int] = []

    async def jobs() -> AsyncIterator[dict[str, Any]]:
        for position in (1, 2, 3):
            read.append(position)
            yield job(position, content="word " * 1000)

    for stream in (as_json("b", jobs()), as_jsonl(jobs()), as_csv(jobs()), as_zip(BULK, jobs())):
        read.clear()
        async for chunk in stream:
            assert chunk
            if read:
                break
        assert read == [1]


@pytest.mark.parametrize(
    ("fields", "title"),
    [
        ({"topic": "a", "trend": "b"}, "a"),
        ({"topic": "", "trend": "b"}, "b"),
        ({"keywords": ["a", "b"], "source_url": "https://x"}, "a, b"),
        ({"source_url": "https://x"}, "https://x"),
        ({"source_text": "long"}, ""),
    ],
)
def test_an_article_is_named_by_what_it_is_about(fields: dict[str, Any], title: str) -> None:
    assert title_of(fields) == title


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Best Running Shoes 2026!", "best-running-shoes-2026"),
        ("Crème brûlée & Smørrebrød", "creme-brulee-smorrebrod"),
        ("Straße Łódź Ærø İstanbul", "strasse-lodz-aero-istanbul"),
        ("Men's jacket", "mens-jacket"),
        ("ﬁne ①", "fine-1"),
        ("../../etc/passwd\x00", "etc-passwd"),
        ("名前", "article"),
        ("", "article"),
        ("---", "article"),
        ("a" * 79 + " b", "a" * 79),
    ],
)
def test_a_slug_is_short_lower_case_ascii(text: str, slug: str) -> None:
    assert slugify(text) == slug


@settings(deadline=None)
@given(st.text())
def test_every_slug_is_safe_as_a_file_name(text: str) -> None:
    slug = slugify(text)
    assert 1 <= len(slug) <= 80
    assert set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert not slug.startswith("-")
    assert not slug.endswith("-")


async def test_files_hold_the_text_that_the_pipeline_cleaned_under_its_slug() -> None:
    cleaned = job(1, result_meta={"markdown": "# Clean\n", "slug": "tea-for-two", "word_count": 1})
    members, manifest = await unzipped(cleaned)
    assert members["001-tea-for-two.md"] == b"# Clean\n"
    digest = hashlib.sha256(b"# Clean\n").hexdigest()
    assert (manifest["articles"][0]["file"], manifest["articles"][0]["sha256"]) == ("001-tea-for-two.md", digest)
    assert (await cells(cleaned))[1][7] == "# Clean\n"
    untouched = job(1, content={"html": "<p>"}, result_meta={"markdown": "# Clean\n"})
    assert (await unzipped(untouched))[0]["001-topic-1.md"] == b"# Clean\n"
    assert json.loads(await whole(as_json("b1", [untouched])))["results"] == [untouched]


@pytest.mark.parametrize("slug", ["../../etc/passwd", "/etc/passwd", "a\\b\x00c", "", 5, None, ["x"], "." * 300])
async def test_a_slug_names_no_file_outside_of_the_archive(slug: object) -> None:
    members, _ = await unzipped(job(1, result_meta={"slug": slug, "markdown": 5}))
    name = next(name for name in members if name != "manifest.json")
    assert re.fullmatch(r"001-[a-z0-9-]{1,80}\.md", name)
    assert members[name].startswith(b"# Topic 1")


async def test_a_job_without_a_result_has_no_file_whatever_its_pipeline_left() -> None:
    failed = job(1, content=None, status="failed", result_meta={"markdown": "# Half", "slug": "half"})
    members, manifest = await unzipped(failed)
    assert members.keys() == {"manifest.json"}
    assert manifest["articles"][0]["file"] is None


async def test_formats_of_one_source_are_told_apart_by_template_and_verbosity() -> None:
    of_one = {"topic": None, "source_url": "https://example.org/a"}
    jobs = [
        job(1, **of_one, result_meta={"slug": "boots", "template": "post", "verbosity": "short"}),
        job(2, **of_one, result_meta={"slug": "boots", "template": "post", "verbosity": "long"}),
        job(3, **of_one, result_meta={"slug": "boots", "template": "summary", "verbosity": None}),
    ]
    members, manifest = await unzipped(*jobs)
    assert list(members) == ["001-post-short.md", "002-post-long.md", "003-summary.md", "manifest.json"]
    assert [article["topic"] for article in manifest["articles"]] == ["post (short)", "post (long)", "summary"]
    assert [row[3] for row in (await cells(*jobs))[1:]] == ["post (short)", "post (long)", "summary"]
