"""What only a real server shows: chunked bodies, streamed results, requests that are truly at once, hanging up."""

from __future__ import annotations

import asyncio
import json
import zipfile
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from structlog.typing import EventDict

from jobs.outcomes import Completed
from jobs.storage.store import Store
from jobs.system import System
from service.app import create_app
from service.server import listen, serve
from tests.service.requesting import (
    BULKS,
    JSON,
    NOTHING,
    OWNER,
    bulk,
    end_jobs,
    get,
    on_embedded,
    post,
    refused,
    settings,
    stored,
    submit_quick,
)
from tests.support.workbooks import workbook

MEGABYTE = b" " * 2**20


@pytest.fixture
async def url(app: FastAPI) -> AsyncIterator[str]:
    """The app on a real uvicorn server."""
    bound = listen("127.0.0.1", 0)
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(app, bound, stop), name="served app")
    yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    stop.set()
    await serving


@pytest.fixture
async def served(url: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=url, headers={"X-Pressrun-User": OWNER}, timeout=20) as client:
        yield client


async def chunks(count: int, sent: list[int]) -> AsyncIterator[bytes]:
    for number in range(count):
        sent.append(number)
        yield MEGABYTE


async def test_two_identical_requests_at_once_make_one_bulk(served: httpx2.AsyncClient, store: Store) -> None:
    send = [served.post(BULKS, json=bulk(), headers={"Idempotency-Key": "k"}) for _ in range(2)]
    answers = await asyncio.gather(*send)
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content
    assert await stored(store) == {"bulk_jobs": 1, "generation_jobs": 10, "creations": 1}


async def test_a_chunked_body_that_grows_too_large_is_refused_and_read_off(
    served: httpx2.AsyncClient, store: Store
) -> None:
    sent: list[int] = []
    response = await served.post(BULKS, content=chunks(9, sent), headers=JSON)
    assert "content-length" not in response.request.headers
    assert refused(response, 413) == "The body is larger than 8 MB: send fewer items at once."
    assert len(sent) == 9
    assert await stored(store) == NOTHING
    await get(served, BULKS)


@on_embedded
async def test_a_body_that_announces_its_size_is_refused_the_same(served: httpx2.AsyncClient, store: Store) -> None:
    refused(await served.post(BULKS, content=MEGABYTE * 9, headers=JSON), 413)
    assert await stored(store) == NOTHING


@on_embedded
async def test_a_chunked_body_of_the_right_size_is_taken(served: httpx2.AsyncClient) -> None:
    async def content() -> AsyncIterator[bytes]:
        text = json.dumps(bulk(name="é" * 50), ensure_ascii=False).encode()
        for start in range(0, len(text), 7):  # in the middle of characters too
            yield text[start : start + 7]

    response = await served.post(BULKS, content=content(), headers=JSON)
    assert response.status_code == 200, response.text


@pytest.fixture
def app(system: System) -> FastAPI:
    return create_app(settings(bulk={"max_items": 200}), system)


async def test_results_are_streamed_a_few_jobs_at_a_time(served: httpx2.AsyncClient, system: System) -> None:
    bulk_id = await submit_quick(served, 60)
    await end_jobs(system, *[Completed(f"text {n}", {}) for n in range(60)])
    for format in ("json", "jsonl", "csv", "zip"):
        async with served.stream("GET", f"{BULKS}/{bulk_id}/results", params={"format": format}) as response:
            assert response.status_code == 200
            assert response.headers["transfer-encoding"] == "chunked"
            content = b"".join([chunk async for chunk in response.aiter_raw()])
        assert articles(format, content) == 60, format


def articles(format: str, content: bytes) -> int:
    match format:
        case "json":
            found: list[Any] = json.loads(content)["results"]
            return len(found)
        case "zip":
            return len(zipfile.ZipFile(BytesIO(content)).namelist()) - 1
        case _:
            return len(content.splitlines()) - (1 if format == "csv" else 0)


@on_embedded
async def test_results_that_nobody_waits_for_any_more_stop(served: httpx2.AsyncClient, system: System) -> None:
    bulk_id = await submit_quick(served, 10)
    await end_jobs(system, *[Completed("x" * 2**20, {})] * 10)
    async with served.stream("GET", f"{BULKS}/{bulk_id}/results") as response:
        await anext(response.aiter_raw())
    assert (await get(served, f"{BULKS}/{bulk_id}"))["bulk_job"]["status"] == "completed"


@on_embedded
async def test_errors_are_json_on_the_wire_too(
    served: httpx2.AsyncClient, system: System, monkeypatch: pytest.MonkeyPatch, logs: list[EventDict]
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(system.lookup, "bulks", broken)
    response = await served.get(BULKS)
    assert refused(response, 500) == "Something went wrong here; it was noted."
    assert "secret" not in response.text
    assert "server" not in response.headers
    assert [entry["event"] for entry in logs] == ["unexpected_error"]
    refused(await served.get("/nope"), 404)
    refused(await served.put(BULKS, json={}), 405)
    refused(await served.get(f"{BULKS}/"), 404)
    refused(await served.post(BULKS, content="x", headers={"Content-Type": "text/plain"}), 415)
    assert (await post(served, "/api/jobs", {"mode": "topic", "topic": "tea"}))["success"] is True


@on_embedded
async def test_a_foreign_host_is_refused_on_the_wire_too(served: httpx2.AsyncClient) -> None:
    refused(await served.get(BULKS, headers={"Host": "example.com"}), 403)


async def form_of(file: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield b'--b\r\nContent-Disposition: form-data; name="mode"\r\n\r\ntopic\r\n'
    yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.xlsx"\r\n\r\n'
    async for chunk in file:
        yield chunk
    yield b"\r\n--b--\r\n"


async def in_pieces(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 7):
        yield data[start : start + 7]


@on_embedded
async def test_an_upload_in_any_pieces_is_read_and_one_without_an_end_is_cut_off(
    served: httpx2.AsyncClient, store: Store
) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    rows = (["Topic"], *([f"Tea {number}"] for number in range(10)))
    told = await served.post(f"{BULKS}/upload", content=form_of(in_pieces(workbook(*rows))), headers=headers)
    assert (told.status_code, told.json()["valid"], told.json()["total_items"]) == (200, True, 10)
    sent: list[int] = []
    response = await served.post(f"{BULKS}/upload", content=form_of(chunks(30, sent)), headers=headers)
    refused(response, 413)
    assert await stored(store) == NOTHING


@on_embedded
async def test_others_are_answered_while_a_large_workbook_is_read(served: httpx2.AsyncClient) -> None:
    rows = (["Topic", *(f"c{n}" for n in range(40))], *([f"Tea {n}", *range(40)] for n in range(2_000)))
    files = {"file": ("a.xlsx", workbook(*rows))}
    reading = asyncio.create_task(served.post(f"{BULKS}/upload", data={"mode": "topic"}, files=files), name="upload")
    answered = 0
    while not reading.done():
        assert (await served.get("/healthz")).status_code == 200
        answered += not reading.done()
    assert (await reading).json()["total_items"] == 2_000
    assert answered > 3
