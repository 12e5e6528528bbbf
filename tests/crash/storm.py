"""Blows that fall on workers and on their database, in an order that a seed decides, each with what mends it.

It counts what each blow may cost: a call to the generator is repeated only where its worker was struck while it had
the job in hand (I9). What only the database suffers repeats no call.
"""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from tests.crash.aftermath import ENDS, said_of_jobs
from tests.support.deployment import Deployment
from tests.support.eventually import eventually
from tests.support.mongo_server import MongoServer
from tests.support.processes import Process

DRIVER_ERRORS: dict[str, dict[str, Any]] = {
    "not primary": {"errorCode": 10107},
    "write conflict": {"errorCode": 112},
    "network timeout": {"errorCode": 89},
    "closed connection": {"closeConnection": True},
}
OPERATIONS = ["findAndModify", "update", "find", "aggregate"]
Blow = Callable[[], Awaitable[None]]


class Storm:
    """Strikes a deployment on this server. `sleep_seconds`: how long a stopped worker sleeps."""

    def __init__(self, deployment: Deployment, server: MongoServer, *, sleep_seconds: float, seed: int) -> None:
        self._deployment = deployment
        self._server = server
        self._sleep_seconds = sleep_seconds
        self._dice = random.Random(seed)
        self._cost_of_stops: Counter[str] = Counter()
        self._terminated: list[Process] = []
        self.killed: list[Process] = []
        self.stopped: list[Process] = []
        self.crashes = 0

    async def rage(self) -> int:
        """All blows: shuffled, but for the two crashes, which come after a third and after two thirds. How many."""
        often: list[tuple[Blow, int]] = [
            (self._kill, 12),
            (self._stop, 3),
            (self._terminate_twice, 3),
            (self._cut, 3),
            *((self._failing(how), 1) for how in DRIVER_ERRORS.values()),
        ]
        blows = [blow for blow, times in often for _ in range(times)]
        self._dice.shuffle(blows)
        third = len(blows) // 3
        blows[third:third] = [self._crash]
        blows[2 * third : 2 * third] = [self._crash_and_kill]
        for blow in blows:
            await blow()
        return len(blows)

    @property
    def workers(self) -> list[Process]:
        """All that ever were."""
        return [*self._deployment.workers, *self.killed, *self._terminated]

    def cost(self) -> Counter[str]:
        """By job id, how many blows have struck a worker that had the job in hand: so often its call may be repeated.

        What a dead worker had said nothing more of was in its hand. It may be too much by what it had just stored.
        """
        return self._cost_of_stops + self.cost_of_kills() + _all_in_hand(self._terminated)

    def cost_of_kills(self) -> Counter[str]:
        return _all_in_hand(self.killed)

    def _worker(self) -> Process:
        return self._dice.choice(self._deployment.workers)

    async def _busiest(self) -> Process:
        async def busy() -> list[Process]:
            return [worker for worker in self._deployment.workers if in_hand(worker)]

        return max(await eventually(busy), key=lambda worker: in_hand(worker).total())

    async def _kill(self) -> None:
        worker = self._worker()
        worker.send(signal.SIGKILL)
        await self._replace(worker, self.killed)

    async def _stop(self) -> None:
        worker = await self._busiest()
        self.stopped.append(worker)
        worker.send(signal.SIGSTOP)
        await asyncio.sleep(self._sleep_seconds)
        self._cost_of_stops += in_hand(worker)
        worker.send(signal.SIGCONT)

    async def _terminate_twice(self) -> None:
        """The second time when the first was heard: two equal signals at once are one."""
        worker = self._worker()
        worker.send(signal.SIGTERM)

        async def heard() -> bool:
            return bool(worker.told("draining")) or not worker.runs

        await eventually(heard)
        with suppress(ProcessLookupError):
            worker.send(signal.SIGTERM)
        await self._replace(worker, self._terminated)

    async def _replace(self, worker: Process, fallen: list[Process]) -> None:
        await worker.ended()
        self._deployment.workers.remove(worker)
        fallen.append(worker)
        await self._deployment.add_worker()

    async def _cut(self) -> None:
        await self._server.cut()
        await self._server.up()

    async def _crash(self) -> None:
        self.crashes += 1
        await self._server.crash()
        await self._server.up()

    async def _crash_and_kill(self) -> None:
        """A worker dies while the database is dead."""
        self.crashes += 1
        await self._server.crash()
        worker = self._worker()
        worker.send(signal.SIGKILL)
        await worker.ended()
        await self._server.up()
        await self._replace(worker, self.killed)

    def _failing(self, how: dict[str, Any]) -> Blow:
        async def fail() -> None:
            await self._server.fail(OPERATIONS, times=20, **how)

        return fail


def _all_in_hand(workers: list[Process]) -> Counter[str]:
    return sum((in_hand(worker) for worker in workers), Counter())


def in_hand(worker: Process) -> Counter[str]:
    """The jobs that a worker runs as far as it has said, with those that it handed back without an end."""
    handed_back = Counter(line["job_id"] for line in worker.told("job_ended") if line["outcome"] == "handedback")
    return said_of_jobs(worker, "job_started") - said_of_jobs(worker, *ENDS) + handed_back
