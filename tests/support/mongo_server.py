"""A MongoDB-compatible server that a test may cut off, crash and make fail: its own, on a port of its own."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from pymongo import AsyncMongoClient

from tests.support.eventually import eventually

COMMAND = "PRESSRUN_TEST_MONGO_COMMAND"
PORT = 27217
HOME = os.environ.get("MONGO_DEV_HOME", "/opt/mongo-dev")


class MongoServer:
    """`command` is the development server's script; see `scripts/test`."""

    def __init__(self, command: str) -> None:
        self._command = command
        self._database_is_down = True
        self.uri = ""

    async def up(self) -> None:
        """Serving; what was there before a cut or a crash still is."""

        async def started() -> bool:
            code, out, err = await _run(self._command, "up", environment={"MONGO_DEV_PORT": str(PORT)})
            # A crash does not wait for the last of the database's processes to be gone.
            assert code == 0 or "is still in use" in err, f"mongo up: {err}"
            self.uri = out.strip()
            return code == 0

        await eventually(started)
        if self._database_is_down:
            await self._make_crashes_bearable()
            self._database_is_down = False

    async def cut(self) -> None:
        """Every client sees its connection break, and none can be made until `up`."""
        await self._do("cut")

    async def crash(self) -> None:
        """The database dies too (kill -9), and recovers with `up`."""
        self._database_is_down = True
        await self._do("crash")

    async def reset(self) -> None:
        self._database_is_down = True
        await self._do("reset")

    async def fail(self, commands: list[str], *, times: int | None = None, **how: Any) -> None:
        """The next commands of these names, or all until `stop_failing`, fail as the fail point `failCommand` is told.

        They fail whoever sends them: the development server does not hear from PyMongo what a client is called.
        """
        mode = "alwaysOn" if times is None else {"times": times}
        await self._set_fail_point(mode, {"failCommands": commands, **how})

    async def stop_failing(self) -> None:
        await self._set_fail_point("off", {})

    async def answer_a_find(self) -> None:
        """Ask something, and wait however long the answer takes."""
        async with self._client() as client:
            await client.admin.nothing.find_one()

    async def _set_fail_point(self, mode: object, data: dict[str, Any]) -> None:
        async with self._client() as client:
            await client.admin.command("configureFailPoint", "failCommand", mode=mode, data=data)

    def _client(self) -> AsyncMongoClient[dict[str, Any]]:
        return AsyncMongoClient(self.uri)

    async def _make_crashes_bearable(self) -> None:
        """The development server runs PostgreSQL with `full_page_writes = off`, and DocumentDB's indexes do not survive
        the recovery from a crash with that: they come back with a circle in them, in which backends run until their
        memory is used up.
        """
        await _sql("ALTER SYSTEM SET full_page_writes = on", "SELECT pg_reload_conf()")

        async def holds() -> bool:
            return await _sql("CHECKPOINT", "SELECT full_page_writes FROM pg_control_checkpoint()") == "t"

        await eventually(holds)

    async def _do(self, word: str) -> None:
        code, _, err = await _run(self._command, word, environment={"MONGO_DEV_PORT": str(PORT)})
        assert code == 0, f"mongo {word}: {err}"


async def _sql(*statements: str) -> str:
    """What the last statement says, asked of the PostgreSQL behind the server."""
    asked = [argument for statement in statements for argument in ("-c", statement)]
    address = ("-h", "127.0.0.1", "-p", str(PORT + 1), "-U", "postgres")
    code, out, err = await _run("chroot", f"{HOME}/root", "/usr/bin/psql", *address, "-qAtX", *asked)
    assert code == 0, f"psql: {err}"
    return out.split()[-1] if out else ""


async def _run(*command: str, environment: dict[str, str] | None = None) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **(environment or {})},
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()
