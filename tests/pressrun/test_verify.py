"""`pressrun verify` as an operator runs it, on a real server: it reads, names, and mends only when told."""

from __future__ import annotations

import subprocess

import pytest

from jobs.capacity.limits import Limits
from jobs.documents import BulkRequest
from jobs.storage.store import Store
from jobs.system import Rules, System, start
from tests.pressrun.conftest import Run


@pytest.fixture
async def system(mongodb_store: Store) -> System:
    return await start(mongodb_store, Rules(limits=Limits(max_running=1)))


@pytest.fixture
def verify(run: Run, mongodb_uri: str, mongodb_database: str) -> Run:
    def verified(*options: str) -> subprocess.CompletedProcess[str]:
        return run(
            "verify",
            *options,
            PRESSRUN_AUTH__MODE="off",
            PRESSRUN_MONGODB__URI=mongodb_uri,
            PRESSRUN_MONGODB__DATABASE=mongodb_database,
        )

    return verified


async def broken(system: System) -> None:
    created = await system.creation.create("owner", BulkRequest(mode="topic", items=[{"topic": "A"}, {"topic": "B"}]))
    bulks = system.store.collection("bulk_jobs")
    await bulks.update_one({"_id": created.bulk_id}, {"$set": {"failed_items": 1}, "$inc": {"rev": 1}})


async def test_a_whole_database_is_told_with_its_size(system: System, verify: Run) -> None:
    await system.creation.create("owner", BulkRequest(mode="topic", items=[{"topic": "A"}, {"topic": "B"}]))
    done = verify()
    assert (done.returncode, done.stdout) == (0, "Every invariant holds (bulks: 1; jobs: 2).\n")


def test_a_database_that_was_never_used_has_nothing_wrong(verify: Run) -> None:
    done = verify()
    assert (done.returncode, done.stdout) == (0, "Every invariant holds (bulks: 0; jobs: 0).\n")


async def test_what_is_broken_is_named_and_left_as_it_is(system: System, verify: Run) -> None:
    await broken(system)
    before = await system.store.collection("bulk_jobs").find_one({})
    done = verify()
    assert done.returncode == 1
    assert "WRONG counters: " in done.stdout
    assert "failed_items is 1, and 0 jobs are failed" in done.stdout
    assert await system.store.collection("bulk_jobs").find_one({}) == before


async def test_repair_mends_it(system: System, verify: Run) -> None:
    await broken(system)
    done = verify("--repair")
    assert done.returncode == 0
    assert "Mended what can be computed from the jobs; 0 left." in done.stdout
    assert verify().returncode == 0


async def test_what_cannot_be_mended_is_left_and_told(system: System, verify: Run) -> None:
    created = await system.creation.create("owner", BulkRequest(mode="topic", items=[{"topic": "A"}]))
    await system.store.collection("bulk_jobs").delete_one({"_id": created.bulk_id})
    done = verify("--repair")
    assert done.returncode == 1
    assert "LEFT  no bulk: " in done.stdout


def test_a_server_that_cannot_be_reached_is_one_sentence(run: Run) -> None:
    done = run(
        "verify",
        PRESSRUN_AUTH__MODE="off",
        PRESSRUN_MONGODB__URI="mongodb://127.0.0.1:9/?replicaSet=rs0&serverSelectionTimeoutMS=500",
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") <= 2
