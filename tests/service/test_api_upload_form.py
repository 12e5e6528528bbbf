"""The form of an upload: which fields it may have, how large it may be, and that no other body is taken there."""

from __future__ import annotations

import httpx2
import pytest

from jobs.storage.store import Store
from service.wire.body import MAX_BODY_BYTES, MAX_FORM_BYTES
from tests.service.requesting import BULKS, NOTHING, bulk, faults, on_embedded, refused, stored
from tests.service.test_api_uploads import TOPICS, UPLOAD, looked_at, send

MODE, FILE = ("mode", None, "topic"), ("file", "a.csv", "Topic\nx\n")


@on_embedded
@pytest.mark.parametrize(
    ("parts", "paths"),
    [
        ([FILE], {"mode"}),
        ([MODE], {"file"}),
        ([FILE, ("mode", None, "poem")], {"mode"}),
        ([MODE, FILE, ("mode", None, "spin")], {"mode"}),
        ([MODE, FILE, FILE], {"file"}),
        ([MODE, FILE, ("files", "b.csv", "x")], {"files"}),
        ([MODE, FILE, ("name", None, "n")], {"name"}),
        ([MODE, ("file", None, "Topic\nx\n")], {"file"}),
        ([MODE, FILE, ("settings", "b.json", "{}")], {"settings"}),
        ([MODE, FILE, ("submit", None, "yes")], {"submit"}),
        ([MODE, FILE, ("sheet", None, "a\0")], {"sheet"}),
        ([MODE, FILE, ("settings", None, "{")], {"settings"}),
        ([MODE, FILE, ("settings", None, "[]")], {"settings"}),
        ([MODE, FILE, ("settings", None, '{"a":1,"a":2}')], {"settings"}),
        ([MODE, FILE, ("settings", None, '{"name":"\\u0000"}')], {"settings.name"}),
        ([MODE, FILE, ("columns", None, '{"topic":5}')], {"columns"}),
        ([MODE, FILE, ("columns", None, '{"topic":NaN}')], {"columns"}),
        ([MODE, FILE, ("settings", None, "x" * 2**20)], {"settings"}),
        ([MODE, FILE, ("settings", None, "x" * (2**20 + 1))], {""}),
        ([MODE, FILE, *[("x", None, "x")] * 30], {""}),
    ],
    ids=range(20),
)
async def test_a_form_that_says_something_else_is_refused_by_field(
    api: httpx2.AsyncClient, parts: list[tuple[str, str | None, str]], paths: set[str]
) -> None:
    files = [(name, (filename, content.encode())) for name, filename, content in parts]
    assert faults(await api.post(UPLOAD, files=files)).keys() == paths


@on_embedded
async def test_only_a_form_is_taken_there_and_no_form_elsewhere(api: httpx2.AsyncClient) -> None:
    sentence = "The body must be a form with a file: send it with Content-Type: multipart/form-data."
    assert refused(await api.post(UPLOAD, json=bulk()), 415) == sentence
    assert refused(await api.post(UPLOAD, content=TOPICS, headers={"Content-Type": "text/csv"}), 415) == sentence
    assert refused(await api.post(UPLOAD, data={"mode": "topic"}), 415) == sentence
    assert faults(await api.post(UPLOAD)) == {"file": "is required", "mode": "is required"}
    for url in (BULKS, f"{BULKS}/validate", "/api/jobs"):
        assert "must be JSON" in refused(await api.post(url, files={"file": ("a.csv", b"x")}), 415)
    boundless = await api.post(UPLOAD, content=b"x", headers={"Content-Type": "multipart/form-data"})
    assert faults(boundless).keys() == {""}
    cut = await api.post(
        UPLOAD,
        content=b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nTopic\n',
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )
    assert faults(cut) == {"file": "is required", "mode": "is required"}


@on_embedded
@pytest.mark.parametrize("charset", ["punycode", "undefined", "utf-7", "idna", "no such"])
async def test_a_form_in_letters_that_cannot_be_read_is_refused(api: httpx2.AsyncClient, charset: str) -> None:
    """A form says itself what its text is to be read as; some of what Python can read raises an error of its own."""
    form = b'--b\r\nContent-Disposition: form-data; name="mode"\r\n\r\n+2AA-\\ud800xn--a\xff\r\n--b--\r\n'
    headers = {"Content-Type": f"multipart/form-data; boundary=b; charset={charset}"}
    assert (await api.post(UPLOAD, content=form, headers=headers)).status_code == 400
    on_a_page = await api.post("/jobs/new", content=form, headers={**headers, "Accept": "text/html"})
    assert on_a_page.status_code == 400


async def test_a_file_over_eight_megabytes_is_a_413_and_one_of_eight_is_read(
    api: httpx2.AsyncClient, store: Store
) -> None:
    sentence = "The body is larger than 8 MB: send fewer items at once."
    whole = TOPICS + "\n" * (MAX_BODY_BYTES - len(TOPICS))
    assert (await looked_at(api, whole))["valid"] is True
    assert refused(await send(api, whole + "x", submit="true"), 413) == sentence
    assert refused(await send(api, b"x" * MAX_FORM_BYTES, submit="true"), 413) == sentence
    assert await stored(store) == NOTHING
