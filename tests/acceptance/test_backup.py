"""The backup guide, done: dump, wipe, restore, verify, go on, on real processes and a real server (docs/backup.md)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.acceptance.conftest import FAST
from tests.acceptance.raw_copies import dumped, restored
from tests.acceptance.test_journey import assert_counted, finished, look, submit
from tests.support.deployment import Deployment, on_mongodb
from tests.support.eventually import eventually
from tests.support.processes import run

ANSWERS = "answers.jsonl"
SETTINGS = {**FAST, "PRESSRUN_DEMO__STORE_FILE": ANSWERS, "PRESSRUN_DEMO__LATENCY_SECONDS": "0.3"}


@pytest.fixture
async def deployment(mongodb_uri: str, fresh_mongodb_database: str, tmp_path: Path) -> AsyncIterator[Deployment]:
    async with on_mongodb(SETTINGS, tmp_path, mongodb_uri, fresh_mongodb_database, workers=2) as running:
        yield running


async def stopped(deployment: Deployment) -> None:
    """All that writes, in the middle of what it does. The generator is a third party, and goes on."""
    for worker in deployment.workers:
        await worker.kill()
    await deployment.service.kill()


async def started_again(deployment: Deployment) -> None:
    deployment.workers.clear()
    await deployment.start_service()
    for _ in range(2):
        await deployment.add_worker()


def generations(deployment: Deployment) -> Counter[str]:
    """How often the generator has written what each key asks for."""
    lines = (deployment.folder / ANSWERS).read_text().splitlines()
    return Counter(json.loads(line)["key"] for line in lines)


async def results(api: httpx2.AsyncClient, bulk_id: str) -> list[Any]:
    found = (await api.get(f"/api/bulk-generate/{bulk_id}/results")).json()["results"]
    return [(result["position"], result["content"]) for result in found]


async def verified(deployment: Deployment) -> None:
    code, said = await run("verify", environment=deployment.settings, folder=deployment.folder)
    assert (code, "Every invariant holds" in said) == (0, True), said


async def test_what_was_backed_up_while_it_ran_goes_on_and_nothing_is_generated_twice(
    deployment: Deployment, api: httpx2.AsyncClient, mongodb_uri: str, fresh_mongodb_database: str
) -> None:
    before = await finished(api, await submit(api, pipeline="plain", name="ended before"))
    bulk_id = await submit(api, pipeline="plain", name="under way")
    await eventually(
        lambda: look(api, bulk_id), lambda seen: seen["progress"]["completed"] >= 2 and seen["progress"]["running"]
    )
    await stopped(deployment)
    backup = await dumped(mongodb_uri, fresh_mongodb_database)
    assert {"bulk_jobs", "generation_jobs", "limits"} <= backup.keys()

    await started_again(deployment)
    done = await finished(api, bulk_id)
    assert_counted(done)
    written = generations(deployment)
    assert set(written.values()) == {1}
    assert len(written) == 20
    articles = await results(api, bulk_id)

    await stopped(deployment)
    await restored(mongodb_uri, fresh_mongodb_database, backup)
    await verified(deployment)
    await started_again(deployment)
    again = await finished(api, bulk_id)
    assert_counted(again)
    assert again["progress"]["completed"] == 10
    assert await results(api, bulk_id) == articles
    assert generations(deployment) == written  # what ran since the backup is asked for under the keys that it had
    ended = await look(api, before["bulk_job"]["_id"])
    assert (ended["bulk_job"], ended["jobs"]) == (before["bulk_job"], before["jobs"])
    await stopped(deployment)
    await verified(deployment)


async def test_a_copy_that_is_put_back_is_the_same_byte_by_byte(
    deployment: Deployment, api: httpx2.AsyncClient, mongodb_uri: str, fresh_mongodb_database: str
) -> None:
    await finished(api, await submit(api, pipeline="plain"))
    await stopped(deployment)
    backup = await dumped(mongodb_uri, fresh_mongodb_database)
    await restored(mongodb_uri, fresh_mongodb_database, backup)
    after = await dumped(mongodb_uri, fresh_mongodb_database)
    kept = {
        name: sorted(bytes(document.raw) for document in documents) for name, documents in backup.items() if documents
    }
    assert {name: sorted(bytes(document.raw) for document in documents) for name, documents in after.items()} == kept
