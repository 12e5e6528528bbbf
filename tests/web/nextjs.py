"""The example application, built and started for tests: `examples/nextjs` as a newcomer has it. Nothing is judged here.

Where Pressrun answers is part of the build, so the port is chosen with it, and kept. Whoever uses the build holds the
lock: of several processes of tests only one can listen there.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import json
import os
import random
import shutil
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.support.processes import Process
from tests.web.browser import ROOT

EXAMPLE = ROOT / "examples" / "nextjs"
SAMPLE = EXAMPLE / "public" / "articles.csv"
OLDEST_NODE = (20, 19)
PORTS = range(20_000, 32_000)
"""Below those that the system gives to connections, so that it stays free."""

BUILD_SECONDS = 540
START_SECONDS = 150
NEXT = ("node", "node_modules/next/dist/bin/next")
MADE = {"node_modules", ".next", ".data", ".env.local", "next-env.d.ts", "tsconfig.tsbuildinfo"}
NOT_BUILT = {*MADE, "README.md", "start", "install"}


@dataclass(frozen=True)
class Build:
    port: int

    @contextlib.asynccontextmanager
    async def started(self, secret: str) -> AsyncIterator[str]:
        """The address of the application, as its users have it."""
        process = await _command(*NEXT, "start", "--hostname", "127.0.0.1", "--port", "0", AUTH_SECRET=secret)
        try:
            yield (await process.said(r"Local:\s+(http://127\.0\.0\.1:\d+)", START_SECONDS))[1]
        finally:
            await process.kill()


@contextlib.asynccontextmanager
async def built() -> AsyncIterator[Build]:
    """Built once for a state of its files. Skips where there is no Node.js to do it; in CI that fails."""
    if (missing := await _missing()) is not None:
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    async with _locked():
        await _done("./install")
        stamp, inputs = EXAMPLE / ".next" / "tested.json", _inputs()
        if stamp.exists():
            known = json.loads(stamp.read_text())
            if known["inputs"] == inputs and is_free(known["port"]):
                yield Build(known["port"])
                return
        port = next(port for port in _shuffled() if is_free(port))
        await _done(*NEXT, "build", PRESSRUN_ORIGIN=f"http://127.0.0.1:{port}")
        stamp.write_text(json.dumps({"inputs": inputs, "port": port}))
        yield Build(port)


@contextlib.asynccontextmanager
async def both_started(data: Path) -> AsyncIterator[tuple[Process, str]]:
    """By the one command that a newcomer is told, as in a terminal of its own; and the address of the application."""
    port = next(port for port in _shuffled() if is_free(port))
    address = f"http://127.0.0.1:{port}"
    process = await _command("./start", "--data", str(data), PORT=str(port), PRESSRUN_DEMO__LATENCY_SECONDS="0.05")
    try:
        await process.said(r"Ready in", START_SECONDS)
        await process.said(r"serves http://127\.0\.0\.1:\d+", START_SECONDS)
        async with httpx2.AsyncClient(timeout=START_SECONDS, trust_env=False) as client:
            (await client.get(address)).raise_for_status()  # compiled when it is asked for first
        yield process, address
    finally:
        await interrupted(process)


async def again(url: str) -> tuple[int, str]:
    """The same command where that port is taken: how it ends, and what it has said."""
    process = await _command("./start", PORT=url.rpartition(":")[2])
    return await process.ended(), process.output


async def interrupted(process: Process) -> None:
    """Ctrl-C, in the terminal that it runs in."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    await process.ended()


async def run(script: str, *arguments: str) -> str:
    """A module that finds the application's packages: what it has printed."""
    return await _done("node", "--input-type=module", "--eval", script, *arguments)


async def _missing() -> str | None:
    there = shutil.which("node") and shutil.which("npm")
    version = await _done("node", "--print", "process.versions.node") if there else "0"
    if tuple(int(part) for part in version.split(".")[:2]) >= OLDEST_NODE:
        return None
    return "No Node.js 20.19 or newer with npm: the example application was not tested (Debian: apt-get install npm)"


@contextlib.asynccontextmanager
async def _locked() -> AsyncIterator[None]:
    folder = os.open(EXAMPLE, os.O_RDONLY)
    try:
        await asyncio.to_thread(fcntl.flock, folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _inputs() -> str:
    digest = hashlib.sha256((EXAMPLE / "node_modules" / ".installed").read_bytes())
    for path in sorted(EXAMPLE.rglob("*")):
        name = path.relative_to(EXAMPLE)
        if path.is_file() and name.parts[0] not in NOT_BUILT:
            digest.update(f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def _shuffled() -> Iterator[int]:
    yield from random.sample(PORTS, len(PORTS))


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


async def _done(*command: str, **environment: str) -> str:
    process = await _command(*command, **environment)
    code = await process.ended(BUILD_SECONDS)
    assert code == 0, f"{' '.join(command)} has failed:\n{process.output[-4000:]}"
    return process.output


async def _command(*command: str, **environment: str) -> Process:
    started = await asyncio.create_subprocess_exec(
        *command,
        cwd=EXAMPLE,
        env={**os.environ, "NEXT_TELEMETRY_DISABLED": "1", **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        stdin=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    return Process(started)
