"""The proxy of compose as it is set, before a real service: streams come through at once, restarts are waited out."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest

from tests.acceptance.conftest import FAST
from tests.acceptance.test_journey import submit
from tests.service.listening import Heard, listening
from tests.support.deployment import Deployment, on_mongodb
from tests.support.eventually import eventually
from tests.support.processes import run

ROOT = Path(__file__).parents[2]
AT_ONCE_SECONDS = 2.0


def caddy() -> str:
    found = shutil.which("caddy", path=f"{os.environ['PATH']}:{ROOT / '.tools' / 'usr' / 'bin'}")
    if found is None:
        message = "caddy is not there (scripts/check-deploy fetches it): the proxy was not tested"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return found


def words_of(program: str) -> dict[str, str]:
    """Caddy before 2.7 (Debian's) has another word for one thing."""
    told = subprocess.run([program, "version"], capture_output=True, text=True, check=True).stdout
    major, minor = map(int, told.removeprefix("v").split(".")[:2])
    return {"KEEP_BODIES": "buffer_requests"} if (major, minor) < (2, 7) else {}


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@contextlib.asynccontextmanager
async def proxy(upstream_port: int, folder: Path) -> AsyncIterator[str]:
    url = f"http://127.0.0.1:{free_port()}"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "SITE": url,
        "UPSTREAM": "localhost",
        "UPSTREAM_PORT": str(upstream_port),
        **words_of(caddy()),
    }
    settings = ROOT / "deploy" / "proxy" / "Caddyfile"
    process = await asyncio.create_subprocess_exec(
        caddy(), "run", "--adapter", "caddyfile", "--config", settings,
        env=environment, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with httpx2.AsyncClient(trust_env=False) as client:

            async def listens() -> bool:
                try:
                    await client.get(f"{url}/healthz")
                except httpx2.ConnectError:
                    return False
                return True

            await eventually(listens)
        yield url
    finally:
        process.kill()
        await process.wait()


@pytest.fixture
async def deployment(mongodb_uri: str, mongodb_database: str, tmp_path: Path) -> AsyncIterator[Deployment]:
    """With keys: mode `off` refuses what comes through a proxy."""
    settings = {**FAST, "PRESSRUN_AUTH__MODE": "keys"}
    async with on_mongodb(settings, tmp_path, mongodb_uri, mongodb_database, workers=0) as running:
        yield running


@pytest.fixture
async def headers(deployment: Deployment) -> dict[str, str]:
    made = ("keys", "create", "--user", "me", "--scope", "write")
    code, told = await run(*made, environment=deployment.settings, folder=deployment.folder)
    assert code == 0, told
    key = next(word for word in told.split() if word.startswith("pressrun_"))
    return {"Authorization": f"Bearer {key}"}


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


async def test_a_change_comes_through_an_open_stream_at_once(
    deployment: Deployment, headers: dict[str, str], tmp_path: Path
) -> None:
    async with (
        proxy(port_of(deployment.url), tmp_path) as url,
        httpx2.AsyncClient(base_url=url, headers=headers, trust_env=False) as api,
    ):
        bulk = f"/api/bulk-generate/{await submit(api)}"
        # as every browser asks
        async with listening(url, f"{bulk}/events", {**headers, "Accept-Encoding": "gzip, br"}) as stream:
            await stream.until(lambda event: event.name == "snapshot")
            assert (await api.patch(bulk, json={"name": "renamed"})).status_code == 200

            def is_renamed(event: Heard) -> bool:
                return bool(event.name == "bulk" and event.data["bulk_job"]["name"] == "renamed")

            async with asyncio.timeout(AT_ONCE_SECONDS):
                await stream.until(is_renamed)


async def test_who_asks_while_the_service_is_restarted_waits_and_is_answered(
    deployment: Deployment, headers: dict[str, str], tmp_path: Path
) -> None:
    async with (
        proxy(port_of(deployment.url), tmp_path) as url,
        httpx2.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=20) as api,
    ):
        await deployment.service.kill()
        asking = asyncio.create_task(api.post("/api/jobs", json={"mode": "topic", "topic": "Ink"}))
        await deployment.start_service()
        answered = await asking
        assert answered.status_code == 200, answered.text


class Echo(BaseHTTPRequestHandler):
    """Answers with the headers that it was sent."""

    def do_GET(self) -> None:
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def echo() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


async def test_what_a_client_says_of_its_address_is_not_passed_on(echo: int, tmp_path: Path) -> None:
    made_up = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}
    async with proxy(echo, tmp_path) as url, httpx2.AsyncClient(trust_env=False) as client:
        told = (await client.get(url, headers=made_up)).json()
    assert told["x-forwarded-for"] == "127.0.0.1"
    assert told["x-forwarded-proto"] == "http"
    assert told["x-forwarded-host"] == told["host"] == url.removeprefix("http://")
