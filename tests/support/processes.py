"""Pressrun's own processes, started as a user would start them, and waited for by what they say."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

PATIENCE = 30.0


class Process:
    """A running `pressrun` command. Its output is kept, and can be waited for."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._lines: list[str] = []
        self._said = asyncio.Condition()
        self._reading = asyncio.create_task(self._read(), name="read process output")

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def output(self) -> str:
        return "\n".join(self._lines)

    @property
    def runs(self) -> bool:
        return not self._reading.done()

    def told(self, *events: str) -> list[dict[str, Any]]:
        """Its log lines of these events, or all of them; other output is left out."""
        lines = [json.loads(line) for line in self._lines if line.startswith("{")]
        return [line for line in lines if not events or line["event"] in events]

    async def said(self, pattern: str, patience: float = PATIENCE) -> re.Match[str]:
        """Wait until a line matches; fails with all output when the process ends before, or takes too long."""
        async with asyncio.timeout(patience), self._said:
            while True:
                for line in self._lines:
                    if match := re.search(pattern, line):
                        return match
                if self._reading.done():
                    raise AssertionError(f"the process ended without saying {pattern!r}:\n{self.output}")
                await self._said.wait()

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def ended(self, patience: float = PATIENCE) -> int:
        async with asyncio.timeout(patience):
            code = await self._process.wait()
            await self._reading
        return code

    async def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self.ended()

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            async with self._said:
                self._lines.append(line.decode(errors="replace").rstrip())
                self._said.notify_all()
        async with self._said:
            self._said.notify_all()


async def start(*arguments: str, environment: Mapping[str, str], folder: Path, python: Path | None = None) -> Process:
    """`python`: of another environment, which has a Pressrun of its own."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PRESSRUN_")}
    process = await asyncio.create_subprocess_exec(
        python or sys.executable,
        "-m",
        "pressrun",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        stdin=asyncio.subprocess.DEVNULL,
        cwd=folder,
        env={**clean, **({} if python else {"PYTHONPATH": str(Path(__file__).parents[2])}), **environment},
    )
    return Process(process)


async def run(
    *arguments: str, environment: Mapping[str, str], folder: Path, python: Path | None = None
) -> tuple[int, str]:
    """A command to its end: exit code and output."""
    process = await start(*arguments, environment=environment, folder=folder, python=python)
    return await process.ended(), process.output


@contextlib.asynccontextmanager
async def started(
    *arguments: str, environment: Mapping[str, str], folder: Path, ready: str
) -> AsyncIterator[tuple[Process, re.Match[str]]]:
    """A process that has said that it is ready; killed afterwards if it still runs."""
    process = await start(*arguments, environment=environment, folder=folder)
    try:
        yield process, await process.said(ready)
    finally:
        await process.kill()
