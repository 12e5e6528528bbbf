"""Assets: the bytes that a stage made, for their owner, and never anything that a browser would run."""

from __future__ import annotations

import httpx2
import pytest

from jobs.system import System
from tests.service.conftest import As
from tests.service.requesting import claimed, on_embedded, refused, submit_quick

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


async def kept(client: httpx2.AsyncClient, system: System, kind: str, data: bytes = PNG) -> str:
    await submit_quick(client)
    return await system.materials.keep_asset(await claimed(system), data, kind)


@pytest.mark.parametrize("kind", ["image/png", "image/jpeg", "image/webp", "image/gif"])
async def test_an_image_is_shown_as_what_it_is(api: httpx2.AsyncClient, system: System, kind: str) -> None:
    response = await api.get(f"/api/assets/{await kept(api, system, kind)}")
    assert (response.status_code, response.content) == (200, PNG)
    headers = response.headers
    assert (headers["content-type"], headers["content-disposition"]) == (kind, "inline")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert headers["cache-control"].startswith("private")


@pytest.mark.parametrize(
    "kind", ["image/svg+xml", "text/html", "application/pdf", "image/PNG; x=1", "", "text/html\r\nX-Evil: 1"]
)
@on_embedded
async def test_anything_else_is_a_file_of_no_kind(api: httpx2.AsyncClient, system: System, kind: str) -> None:
    evil = b"<script>alert(1)</script>"
    response = await api.get(f"/api/assets/{await kept(api, system, kind, evil)}")
    assert (response.status_code, response.content) == (200, evil)
    headers = response.headers
    assert (headers["content-type"], headers["content-disposition"]) == ("application/octet-stream", "attachment")
    assert headers["x-content-type-options"] == "nosniff"
    assert "x-evil" not in headers


async def test_somebody_elses_asset_is_not_there(api: httpx2.AsyncClient, as_user: As, system: System) -> None:
    asset_id = await kept(api, system, "image/png")
    assert refused(await as_user("other").get(f"/api/assets/{asset_id}"), 404) == "There is no such asset."
    for wrong in ("x", asset_id[:-1], asset_id.upper(), "%00", "6b027bdfe484bda5c9f5777d-0123456789abcdef"):
        refused(await api.get(f"/api/assets/{wrong}"), 404)
    refused(await api.get(f"/api/assets/{'x' * 101}"), 400)
