"""Versions side by side as an operator sees them, on a real server: `check`, `migrate`, and starts that are refused."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.storage.store import Document, Store
from jobs.system import Rules, System, start
from jobs.versions.database_format import DatabaseFormat
from pressrun.finding import Finding
from pressrun.version_checks import check_format
from tests.jobs.test_migrations import LABELS, NAMES
from tests.pressrun.conftest import Run
from tests.support.deployment import on_mongodb
from tests.support.eventually import eventually

TOO_OLD = "This version of Pressrun is too old for its database: it knows formats up to 1, and 2 is needed."


@pytest.fixture
async def system(mongodb_store: Store) -> System:
    return await start(mongodb_store, Rules())


@pytest.fixture
def environment_here(mongodb_uri: str, mongodb_database: str) -> Mapping[str, str]:
    return {
        "PRESSRUN_AUTH__MODE": "off",
        "PRESSRUN_SERVICE__PORT": "0",
        "PRESSRUN_MONGODB__URI": mongodb_uri,
        "PRESSRUN_MONGODB__DATABASE": mongodb_database,
    }


def lines(done: subprocess.CompletedProcess[str], *whats: str) -> list[str]:
    return [line for line in done.stdout.splitlines() if line.split()[1].rstrip(":") in whats]


async def of_a_newer_version(system: System) -> None:
    newer = {"$set": {"format": 2, "needs": 2}}
    await system.store.collection("database_format").update_one({"_id": "format"}, newer)


async def test_check_names_the_format_and_the_versions_of_all_that_are_alive(
    system: System, run: Run, environment_here: Mapping[str, str]
) -> None:
    await system.workers.beat("w1", slots=1, version="1.0.0", jobs=[])
    await system.workers.beat("w2", slots=1, version="1.0.0", jobs=[])
    await system.workers.beat("w3", slots=1, version="0.1.0", jobs=[])
    await system.replicas.beat("s1", "1.0.0")
    assert lines(run("check", **environment_here), "format", "workers", "services", "documents") == [
        "ok   format: the database has format 1; nothing is to be migrated",
        "ok   workers: alive: 1 of version 0.1.0, 2 of version 1.0.0",
        "ok   services: alive: 1 of version 1.0.0",
        "ok   documents: all have schema 1, which this version knows",
    ]


async def test_check_counts_documents_that_this_version_does_not_know(
    system: System, run: Run, environment_here: Mapping[str, str]
) -> None:
    await system.store.collection("generation_jobs").insert_many([{"_id": n, "schema": 2} for n in range(3)])
    done = run("check", **environment_here)
    assert done.returncode == 1
    assert lines(done, "workers", "services", "documents") == [
        "ok   workers: no worker is alive",
        "ok   services: no service is alive",
        "WRONG documents: 3 of generation_jobs have a schema that this version does not know",
    ]


async def test_check_of_a_version_that_is_too_old_says_so_and_makes_no_index(
    fresh_mongodb_store: Store, run: Run, environment_here: Mapping[str, str], fresh_mongodb_database: str
) -> None:
    record: Document = {"_id": "format", "format": 2, "needs": 2, "begun": None, "steps": []}
    await fresh_mongodb_store.collection("database_format").insert_one(record)
    done = run("check", **{**environment_here, "PRESSRUN_MONGODB__DATABASE": fresh_mongodb_database})
    assert lines(done, "format", "workers", "indexes") == [
        "WRONG format: the database has format 2; this version knows formats up to 1, and 2 is needed"
    ]


@pytest.mark.parametrize("command", ["service", "worker", "verify", "migrate"])
async def test_a_version_that_is_too_old_is_refused_with_one_sentence(
    system: System, run: Run, environment_here: Mapping[str, str], command: str
) -> None:
    await of_a_newer_version(system)
    done = run(command, **environment_here)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, TOO_OLD)


async def test_migrate_says_that_nothing_is_left(
    system: System, run: Run, environment_here: Mapping[str, str], tmp_path: Path
) -> None:
    nothing_left = (0, "The database has format 1; nothing is left to migrate.\n")
    done = run("migrate", **environment_here)
    assert (done.returncode, done.stdout) == nothing_left
    done = run("migrate", "--data", str(tmp_path), **environment_here)
    assert (done.returncode, done.stdout) == nothing_left


async def test_services_and_workers_are_seen_while_they_run_and_not_when_they_have_stopped(
    system: System, mongodb_uri: str, mongodb_database: str, tmp_path: Path
) -> None:
    async def alive() -> tuple[int, int]:
        return len(await system.workers.alive()), len(await system.replicas.alive())

    async with on_mongodb({}, tmp_path, mongodb_uri, mongodb_database, workers=1) as running:
        await eventually(alive, lambda counts: counts == (1, 1))
        for process in (running.service, *running.workers):
            process.send(signal.SIGTERM)
            assert await process.ended() == 0
    assert await alive() == (0, 0)


async def test_a_step_that_is_pending_is_named_and_is_no_fault(system: System) -> None:
    newer = replace(system, database_format=DatabaseFormat(system.store, (LABELS, NAMES)))
    assert await check_format(newer) == Finding(
        "format",
        ok=True,
        sentence="the database has format 1; `pressrun migrate` is to make 2: names become labels; "
        "3: labels become names again",
    )
    await newer.database_format.begin(LABELS)
    begun = await check_format(newer)
    assert begun.sentence.startswith("the database has format 1 (format 2 is begun); ")
