"""Several workers that claim at the same moment, on a real server: how often one loses a race to another.

Each is the queue of a worker of its own, in this one process: what is counted are commands, not how fast they are.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.bench import Bench
from benchmarks.commands import CommandListener
from benchmarks.inside import inside
from benchmarks.scaling.costs import FEWEST
from benchmarks.seeding import Seeding
from benchmarks.server_usage import server_cpu_seconds
from jobs.outcomes import Completed
from jobs.system import Rules, assemble

BULKS, ITEMS = 200, 40
NO_GENERATOR = "http://127.0.0.1:9"
RESULT = Completed("Good boots.", {"usage": None, "stage": "content-generation"})
SLOT = "findAndModify bulk_jobs"
FINISH = "update generation_jobs"


@dataclass(frozen=True)
class Race:
    """`lost`: of all reservations, the share that came to nothing and was given back. `empty`: of all claims, the
    share that found nothing though there was something. `commands` are those of one job, claim to settle."""

    claimers: int
    tenants: int
    cap: int | None
    jobs: int
    lost: float
    empty: float
    commands: float
    cpu_ms: float | None
    claim_ms: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


async def race(
    bench: Bench, listener: CommandListener, claimers: int, tenants: int, cap: int | None, seconds: float
) -> Race:
    settings = {"limits": {"max_running": cap}} if cap is not None else {}
    async with (
        bench.database() as database,
        bench.client() as client,
        inside(bench, database, NO_GENERATOR, settings=settings) as parts,
    ):
        system = parts.system
        owners = [f"tenant-{number}" for number in range(tenants)]
        await Seeding(client[database]).waiting_bulks(BULKS, ITEMS, owners=owners)
        rules = Rules(limits=await system.limits.read())
        workers = [assemble(system.store, system.clock, rules) for _ in range(claimers)]
        ends, tried, taken, waited = time.monotonic() + seconds, 0, 0, 0.0

        async def work(number: int) -> None:
            nonlocal tried, taken, waited
            queue = workers[number].queue
            while time.monotonic() < ends or tried < FEWEST:
                began = time.monotonic()
                claim = await queue.claim(f"worker-{number}")
                waited += time.monotonic() - began
                tried += 1
                if claim is None:
                    await asyncio.sleep(0.01)
                    continue
                taken += 1
                await queue.finish(claim, RESULT)

        listener.clear()
        before = await server_cpu_seconds(client)
        async with asyncio.TaskGroup() as tasks:
            for number in range(claimers):
                tasks.create_task(work(number))
        after = await server_cpu_seconds(client)
        counts = _of_the_code(listener.counts)
        assert taken, "nobody claimed anything"
        ended = await client[database].generation_jobs.count_documents({"status": "completed"})
        assert ended == taken, f"{taken} jobs were claimed, and {ended} have ended"
    put_back = counts[FINISH] - taken
    return Race(
        claimers,
        tenants,
        cap,
        taken,
        put_back / counts[FINISH],
        (tried - taken) / tried,
        counts.total() / taken,
        (after - before) * 1000 / taken if after is not None and before is not None else None,
        waited * 1000 / taken,
    )


def _of_the_code(counts: Mapping[str, int]) -> Counter[str]:
    return Counter({name: count for name, count in counts.items() if not name.startswith(("serverStatus", "hello"))})
