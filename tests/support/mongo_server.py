"""A MongoDB-compatible server that a test may cut off and make fail: its own, on a port of its own."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from pymongo import AsyncMongoClient

COMMAND = "PRESSRUN_TEST_MONGO_COMMAND"
PORT = 27217


class MongoServer:
    """`command` is the development server's script; see `scripts/test`."""

    def __init__(self, command: str) -> None:
        self._command = command
        self.uri = ""

    async def up(self) -> None:
        self.uri = (await self._run("up")).strip()

    async def cut(self) -> None:
        """Every client sees its connection break, and none can be made until `up`."""
        await self._run("cut")

    async def reset(self) -> None:
        await self._run("reset")

    async def fail(self, commands: list[str], *, times: int, **how: Any) -> None:
        """The next commands of these names fail in the way the fail point `failCommand` knows."""
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(self.uri)
        async with client:
            await client.admin.command(
                "configureFailPoint",
                "failCommand",
                mode={"times": times},
                data={"failCommands": commands, "appName": "pressrun-worker", **how},
            )

    async def _run(self, word: str) -> str:
        process = await asyncio.create_subprocess_exec(
            self._command,
            word,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "MONGO_DEV_PORT": str(PORT)},
        )
        out, err = await process.communicate()
        assert process.returncode == 0, f"mongo {word}: {err.decode()}"
        return out.decode()
