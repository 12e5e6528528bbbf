"""Runs the job queues of others that Pressrun is measured beside: Agenda on the same server, BullMQ on Redis.

Both come from npm, at their newest release, into the benchmark's scratch folder.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path

from benchmarks.bench import Bench

SCRIPTS = Path(__file__).parent / "node"
AGENDA = ("agenda", "@agendajs/mongo-backend", "mongodb@6")
BULLMQ = ("bullmq", "ioredis")
PATIENCE_SECONDS = 600


class Unavailable(Exception):
    """What is needed for this comparison is not on this machine; says what."""


async def agenda_seconds(bench: Bench, database: str, slots: int, jobs: int, generator_url: str) -> float:
    """Raises `Unavailable`."""
    folder = await _installed(bench, "agenda", AGENDA)
    return await _timed(folder / "agenda.mjs", bench.uri, database, str(slots), str(jobs), generator_url)


async def bullmq_seconds(bench: Bench, slots: int, jobs: int, generator_url: str) -> float:
    """Raises `Unavailable`."""
    if shutil.which("redis-server") is None:
        raise Unavailable("there is no redis-server (Debian: apt-get install redis-server)")
    folder = await _installed(bench, "bullmq", BULLMQ)
    async with _redis(folder) as port:
        return await _timed(folder / "bullmq.mjs", str(port), str(slots), str(jobs), generator_url)


def version_of(bench: Bench, package: str) -> str:
    told = json.loads((bench.folder / package / "node_modules" / package / "package.json").read_text())
    return str(told["version"])


async def _installed(bench: Bench, name: str, packages: tuple[str, ...]) -> Path:
    folder = bench.folder / name
    if folder.exists():
        return folder
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise Unavailable("there is no node and npm")
    folder.mkdir()
    shutil.copy(SCRIPTS / f"{name}.mjs", folder)
    code, said = await _run("npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", *packages)
    if code != 0:
        shutil.rmtree(folder)
        raise Unavailable(f"npm cannot install {' '.join(packages)}: {said.strip().splitlines()[-1]}")
    return folder


async def _timed(script: Path, *arguments: str) -> float:
    code, said = await _run("node", str(script), *arguments)
    if code != 0:
        raise RuntimeError(f"{script.name} ended with {code}:\n{said}")
    return float(said.strip().splitlines()[-1])


async def _run(*command: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            said, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        raise
    assert process.returncode is not None
    return process.returncode, said.decode()


@contextlib.asynccontextmanager
async def _redis(folder: Path) -> AsyncIterator[int]:
    """A server of its own, durable to the last second."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    options = f"--port {port} --bind 127.0.0.1 --dir {folder} --appendonly yes --appendfsync everysec".split()
    server = await asyncio.create_subprocess_exec("redis-server", *options, stdout=asyncio.subprocess.DEVNULL)
    try:
        await _listening(port)
        yield port
    finally:
        server.terminate()
        await server.wait()


async def _listening(port: int) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return
