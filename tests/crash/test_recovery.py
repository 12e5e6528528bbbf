"""How soon a job runs again whose worker was killed. It is measured and printed; asserted is that it does."""

from __future__ import annotations

import asyncio
import signal
from statistics import median

import httpx2
import pytest

from tests.acceptance.test_journey import assert_counted, submit
from tests.crash.aftermath import over
from tests.crash.conftest import STRUCK
from tests.crash.storm import in_hand
from tests.support.deployment import Deployment
from tests.support.eventually import eventually
from tests.support.processes import Process
from tests.support.replies import never, success
from tests.support.scripted_generator import Call, ScriptedGenerator

pytestmark = pytest.mark.serial
KILLS = 5
LEASE_SECONDS = float(STRUCK["PRESSRUN_WORKER__LEASE_SECONDS"])
SWEEP_SECONDS = float(STRUCK["PRESSRUN_WORKER__SWEEP_SECONDS"])
SLACK_SECONDS = 1.0


async def owner_of(deployment: Deployment, call: Call) -> Process:
    async def owners() -> list[Process]:
        return [worker for worker in deployment.workers if call.body["job_id"] in in_hand(worker)]

    return (await eventually(owners))[0]


async def test_a_killed_workers_job_is_called_for_again_with_the_same_key(
    api: httpx2.AsyncClient, deployment: Deployment, generator: ScriptedGenerator
) -> None:
    for number in range(KILLS):
        generator.script(never(), success(f"Article number {number} has been written."))
    bulk_id = await submit(api)
    times = []
    for number in range(1, 2 * KILLS, 2):
        call = await generator.called(number)
        worker = await owner_of(deployment, call)
        killed_at = asyncio.get_running_loop().time()
        worker.send(signal.SIGKILL)
        again = await generator.called(number + 1)
        times.append(again.started - killed_at)
        assert again.key == call.key
        deployment.workers.remove(worker)
        await worker.ended()
        await deployment.add_worker()
    assert_counted(await over(deployment, api, bulk_id))
    assert len(generator.calls) == 10 + KILLS
    print(
        f"\nrecovery after kill -9, from the signal to the job's next call: median {median(times):.2f} s, "
        f"{min(times):.2f} to {max(times):.2f} s of {KILLS}; goal {LEASE_SECONDS + SWEEP_SECONDS + SLACK_SECONDS:g} s "
        f"(lease {LEASE_SECONDS:g} s, sweep {SWEEP_SECONDS:g} s, {SLACK_SECONDS:g} s)"
    )
