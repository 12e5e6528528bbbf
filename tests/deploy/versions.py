"""Processes of two versions of Pressrun on one database, the older one from the history. No tests here."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest

from tests.support.deployment import ADDRESS
from tests.support.processes import Process, start

ROOT = Path(__file__).parents[2]
USER = {"X-Pressrun-User": "editor"}
NOT_IN_THE_HISTORY = 3


@dataclass(frozen=True)
class Version:
    """`python` is None for this one."""

    name: str
    python: Path | None


NEWER = Version("newer", None)


async def older_version() -> Version:
    """Set up once; skips the test where the history, as of a shallow clone, does not have it."""
    ref = os.environ.get("PRESSRUN_TEST_OLDER_VERSION")
    setting_up = await asyncio.create_subprocess_exec(
        ROOT / "scripts" / "older-version",
        *([ref] if ref else []),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complaint = await setting_up.communicate()
    if setting_up.returncode == NOT_IN_THE_HISTORY and not ref:
        pytest.skip(complaint.decode().strip())
    assert setting_up.returncode == 0, complaint.decode()
    return Version("older", Path(said.decode().strip()))


@dataclass
class Fleet:
    """`environment` is that of all its processes."""

    environment: Mapping[str, str]
    folder: Path
    workers: list[tuple[Version, Process]] = field(default_factory=list)
    _all: list[Process] = field(default_factory=list)

    async def worker(self, version: Version) -> Process:
        process = await self._start(version, "worker")
        await process.said("worker_started")
        self.workers.append((version, process))
        return process

    @contextlib.asynccontextmanager
    async def service(self, version: Version) -> AsyncIterator[tuple[Process, httpx2.AsyncClient]]:
        """A process of the service, and a client of it."""
        process = await self._start(version, "service")
        url = (await process.said(f"(?=.*service_started).*{ADDRESS}"))[1]
        async with httpx2.AsyncClient(base_url=url, headers=USER, timeout=20, trust_env=False) as api:
            yield process, api

    async def end(self) -> None:
        for process in self._all:
            await process.kill()

    async def _start(self, version: Version, command: str) -> Process:
        process = await start(command, environment=self.environment, folder=self.folder, python=version.python)
        self._all.append(process)
        return process
