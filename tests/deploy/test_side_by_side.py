"""An older version from the history and this one on one database, with real processes: whoever does what, all ends."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.acceptance.conftest import FAST
from tests.acceptance.test_journey import assert_counted, finished, look, submit
from tests.deploy.versions import NEWER, USER, Fleet, Version, older_version
from tests.service.listening import listening
from tests.support.deployment import ADDRESS, UNPACED
from tests.support.eventually import eventually
from tests.support.processes import run, started

ANSWERS = "answers.jsonl"
Api = httpx2.AsyncClient


@pytest.fixture
async def older() -> Version:
    return await older_version()


@pytest.fixture
async def fleet(mongodb_uri: str, fresh_mongodb_database: str, tmp_path: Path) -> AsyncIterator[Fleet]:
    """Nothing runs but the generator, which writes down what it has written."""
    known_to_both = {name: value for name, value in FAST.items() if not name.startswith("PRESSRUN_USER__")}
    environment = {
        **known_to_both,
        **UNPACED,
        "PRESSRUN_MONGODB__URI": mongodb_uri,
        "PRESSRUN_MONGODB__DATABASE": fresh_mongodb_database,
        "PRESSRUN_AUTH__MODE": "off",
        "PRESSRUN_SERVICE__PORT": "0",
        "PRESSRUN_LIMITS__MAX_RUNNING": "4",
        "PRESSRUN_DEMO__STORE_FILE": ANSWERS,
        "PRESSRUN_DEMO__LATENCY_SECONDS": "0.1",
    }
    ready = f"(?=.*generator_started).*{ADDRESS}"
    generating = started("generator", "--port", "0", environment=environment, folder=tmp_path, ready=ready)
    async with generating as (_, told):
        running = Fleet({**environment, "PRESSRUN_GENERATOR__URL": told[1]}, tmp_path)
        try:
            yield running
        finally:
            await running.end()


async def under_way(api: Api, bulk_id: str, completed: int = 1) -> dict[str, Any]:
    """So many have ended, and another runs."""
    return await eventually(
        lambda: look(api, bulk_id),
        lambda seen: seen["progress"]["completed"] >= completed and seen["progress"]["running"],
    )


async def told(api: Api, bulk_id: str, control: str, **body: Any) -> dict[str, Any]:
    answer = await api.post(f"/api/bulk-generate/{bulk_id}/{control}", json=body)
    assert answer.status_code == 200, answer.text
    return await look(api, bulk_id)


async def attempts(api: Api, bulk_id: str, outcome: str) -> list[int]:
    """The processes whose attempts at its jobs came to that."""
    jobs = (await look(api, bulk_id))["jobs"]
    shown = [(await api.get(f"/api/jobs/{job['id']}")).json()["job"] for job in jobs]
    of_all = [attempt for job in shown for attempt in job["attempts"] if attempt["outcome"] == outcome]
    return [int(attempt["worker_id"].split("-")[-2]) for attempt in of_all]


async def finishers(api: Api, bulk_id: str) -> set[int]:
    return set(await attempts(api, bulk_id, "completed"))


async def follows_on(first: Api, second: Api, bulk_id: str) -> None:
    """A page that was open at one version goes on at the other with what it has missed, not from the beginning."""
    path = f"/api/bulk-generate/{bulk_id}/events"
    async with listening(str(first.base_url).rstrip("/"), path, USER) as stream:
        assert (event := await stream.event()) is not None
        assert event.name == "snapshot"
        await stream.event()
    async with listening(str(second.base_url).rstrip("/"), path, USER, stream.last_id) as stream:
        assert (event := await stream.event()) is not None
        assert event.name != "snapshot"


async def test_two_versions_on_one_database_lose_nothing_and_generate_nothing_twice(
    fleet: Fleet, older: Version
) -> None:
    """In turn: the older one alone, both, kills, each service with the other's worker, the older one alone again."""
    begun, bulks, cancelled = time.monotonic(), [], []
    async with AsyncExitStack() as running:
        (old_service, old), old_worker = await asyncio.gather(
            running.enter_async_context(fleet.service(older)), fleet.worker(older)
        )
        before = await submit(old, name="before", pipeline="plain")
        await under_way(old, before)

        (new_service, new), new_worker = await asyncio.gather(
            running.enter_async_context(fleet.service(NEWER)), fleet.worker(NEWER)
        )
        for one, other in ((old, new), (new, old)):
            both = await submit(one, parallelism=4, pipeline="plain", notify={"progress": [50]})
            articles = await submit(one, parallelism=2)
            await under_way(other, both)
            await follows_on(one, other, articles)
            assert (await told(other, both, "pause", mode="abort"))["bulk_job"]["status"] == "paused"
            dropped = await submit(other, parallelism=2, pipeline="plain")
            await under_way(one, dropped)
            assert (await told(one, dropped, "cancel"))["bulk_job"]["status"] == "cancelled"
            assert (await told(one, both, "resume"))["bulk_job"]["status"] == "processing"
            bulks += [both, articles]
            cancelled.append(dropped)
        bulks.append(before)

        killed = await submit(new, parallelism=4, pipeline="plain")
        await under_way(old, killed)
        await old_worker.kill()
        await under_way(old, killed)
        await new_worker.kill()
        _, newer_worker = await asyncio.gather(fleet.worker(older), fleet.worker(NEWER))
        for bulk_id in bulks:
            await finished(new, bulk_id)
        ran = set[int]().union(*[await finishers(old, bulk_id) for bulk_id in bulks])
        assert {old_worker.pid, new_worker.pid} <= ran
        await finished(new, killed)
        bulks.append(killed)

        await others_stop(fleet, NEWER)
        bulks.append(await submit(old, pipeline="plain"))
        await finished(old, bulks[-1])
        assert await finishers(old, bulks[-1]) == {newer_worker.pid}

        last = await fleet.worker(older)
        await others_stop(fleet, older)
        rolled_back = await submit(new, pipeline="plain")
        await under_way(new, rolled_back)
        await new_service.kill()
        bulks.append(rolled_back)
        for bulk_id in bulks:
            done = await finished(old, bulk_id)
            assert_counted(done)
            assert done["progress"]["completed"] == 10
        assert await finishers(old, rolled_back) == {last.pid}
        for bulk_id in cancelled:
            assert_counted(await finished(old, bulk_id))
        lost = sum([len(await attempts(old, bulk_id, "lost")) for bulk_id in bulks])
        await old_service.kill()
    code, said = await run("verify", environment=fleet.environment, folder=fleet.folder)
    assert (code, "Every invariant holds" in said) == (0, True), said
    written = generations(fleet)
    assert set(written.values()) == {1}
    print(
        f"\nside by side, {time.monotonic() - begun:.0f} s: {len(bulks)} bulks ended, {len(cancelled)} were cancelled; "
        f"{len(written)} texts generated, none of them twice; 2 workers were killed, with {lost} attempts"
    )


async def others_stop(fleet: Fleet, kept: Version) -> None:
    """Workers of the other version end what they run; one of `kept` is left."""
    for version, process in fleet.workers:
        if version is not kept and process.runs:
            process.send(signal.SIGTERM)
            assert await process.ended() == 0


def generations(fleet: Fleet) -> Counter[str]:
    """How often the generator has written what each key asks for."""
    lines: Sequence[str] = (fleet.folder / ANSWERS).read_text().splitlines()
    return Counter(json.loads(line)["key"] for line in lines)
