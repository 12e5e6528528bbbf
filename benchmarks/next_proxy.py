"""A live stream through the `rewrites()` of a real Next.js application, compression on: from a change to its reader.

Needs node and npm. The application is made in the scratch folder, installed, built and started there.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import shutil
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2

from benchmarks.bench import Bench
from benchmarks.figures import Figure, Figures, at_most, latencies, skipped
from benchmarks.stream_readers import NAME, name_of_now
from jobs.callers.keys import Scope
from jobs.configuration.settings import load_settings
from jobs.documents import BulkId, BulkRequest
from jobs.storage.embedded.store import EmbeddedStore
from jobs.system import Rules, System, start
from service.app import create_app
from service.server import listen, serve

VERSIONS = {"next": "16.4.6", "react": "19.2.0", "react-dom": "19.2.0"}
CHANGES = 20
APART_SECONDS = 0.7
GOAL_MS = 1000.0
INSTALL_SECONDS = 600
OWNER = "next"
LAYOUT = "export default function Layout({ children }) { return <html><body>{children}</body></html> }\n"
PAGE = "export default function Page() { return <p>Pressrun</p> }\n"
CONFIG = """export default {{
  async rewrites() {{ return [{{ source: '/api/:path*', destination: '{address}/api/:path*' }}] }},
}}
"""


async def run(bench: Bench) -> Figures:
    if shutil.which("node") is None or shutil.which("npm") is None:
        yield skipped("stream through Next.js", "there is no node or npm here")
        return
    async with _service() as (system, address, key):
        folder = bench.folder / "next"
        await _built(folder, address)
        async with _started(folder) as next_address:
            seconds, encoding = await _heard(system, next_address, key, bench.scaled(CHANGES))
    yield Figure("Next.js " + VERSIONS["next"] + ": content encoding of the stream", None, "", note=encoding)
    for figure in latencies("Next.js, gzip accepted: change to reader", seconds):
        yield figure
    yield at_most("Next.js, gzip accepted: change to reader, longest", max(seconds) * 1000, "ms", GOAL_MS)


@contextlib.asynccontextmanager
async def _service() -> AsyncIterator[tuple[System, str, str]]:
    system = await start(EmbeddedStore.in_memory(), Rules())
    app = create_app(load_settings({"auth": {"mode": "keys"}}, environment={}), system)
    _, key = await system.keys.create(OWNER, Scope.WRITE)
    bound, stop = listen("127.0.0.1", 0), asyncio.Event()
    serving = asyncio.create_task(serve(app, bound, stop, app.state.broadcast.stop))
    try:
        yield system, f"http://127.0.0.1:{bound.getsockname()[1]}", key
    finally:
        stop.set()
        await serving


async def _built(folder: Path, address: str) -> None:
    """Rewrites are made part of the build."""
    (folder / "app").mkdir(parents=True)
    package = {"name": "stream-through-next", "private": True, "dependencies": VERSIONS}
    for name, text in {
        "package.json": json.dumps(package),
        "next.config.mjs": CONFIG.format(address=address),
        "app/layout.js": LAYOUT,
        "app/page.js": PAGE,
    }.items():
        (folder / name).write_text(text)
    await _done(folder, "npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error")
    await _done(folder, "npx", "next", "build")


async def _done(folder: Path, *command: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(INSTALL_SECONDS):
        said, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{said.decode(errors='replace')[-2000:]}")


@contextlib.asynccontextmanager
async def _started(folder: Path) -> AsyncIterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        "node",
        "node_modules/next/dist/bin/next",
        "start",
        "-p",
        str(port),
        "-H",
        "127.0.0.1",
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            while not re.search(rb"Ready", line := await process.stdout.readline()):
                if not line:
                    raise RuntimeError("next start ended")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.communicate()


async def _heard(system: System, address: str, key: str, count: int) -> tuple[list[float], str]:
    """How long each change took, and what the stream was encoded with."""
    request = BulkRequest(mode="topic", items=[{"topic": "Tea"}])
    bulk_id = (await system.creation.create(OWNER, request)).bulk_id
    headers = {"Authorization": f"Bearer {key}", "Accept-Encoding": "gzip"}
    seconds: list[float] = []
    async with (
        httpx2.AsyncClient(base_url=address, headers=headers, timeout=60, trust_env=False) as client,
        client.stream("GET", f"/api/bulk-generate/{bulk_id}/events") as response,
    ):
        response.raise_for_status()
        changing = asyncio.create_task(_change(system, bulk_id, count))
        heard: set[str] = set()
        async for line in response.aiter_lines():
            if (made := NAME.search(line.encode())) and made[1].decode() not in heard:
                heard.add(made[1].decode())
                seconds.append(time.time() - float(made[1]))
            if len(seconds) == count:
                break
        await changing
    return seconds, response.headers.get("content-encoding", "none")


async def _change(system: System, bulk_id: BulkId, count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(APART_SECONDS)
        await system.controls.change(OWNER, bulk_id, {"name": name_of_now()})
