"""`pressrun erase` as an operator runs it, on a real server: it counts, and deletes only when told."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from jobs.callers.keys import Scope
from jobs.capacity.limits import Limits
from jobs.documents import BulkRequest
from jobs.storage.store import Store
from jobs.system import Rules, System, start
from tests.pressrun.conftest import Run


@pytest.fixture
async def system(mongodb_store: Store) -> System:
    return await start(mongodb_store, Rules(limits=Limits(max_running=1)))


@pytest.fixture
def erase(run: Run, mongodb_uri: str, mongodb_database: str) -> Run:
    def erased(*options: str) -> subprocess.CompletedProcess[str]:
        return run(
            "erase",
            *options,
            PRESSRUN_AUTH__MODE="off",
            PRESSRUN_MONGODB__URI=mongodb_uri,
            PRESSRUN_MONGODB__DATABASE=mongodb_database,
        )

    return erased


async def submitted(system: System, owner: str = "ada") -> None:
    await system.creation.create(owner, BulkRequest(mode="topic", items=[{"topic": "A"}, {"topic": "B"}]))
    await system.keys.create(owner, Scope.WRITE)


async def test_without_yes_it_counts_and_deletes_nothing(system: System, erase: Run) -> None:
    await submitted(system)
    done = erase("--user", "ada")
    assert done.returncode == 0
    assert [line.split() for line in done.stdout.splitlines()[:-1]] == [
        ["1", "api_keys"],
        ["1", "bulk_jobs"],
        ["2", "generation_jobs"],
    ]
    assert done.stdout.endswith("Nothing was deleted: say --yes to delete it, for good.\n")
    assert (await system.erasure.counts("ada")).keys() == {"api_keys", "bulk_jobs", "generation_jobs"}


async def test_with_yes_nothing_is_left_but_what_others_have(system: System, erase: Run) -> None:
    await submitted(system)
    await submitted(system, "bob")
    done = erase("--user", "ada", "--yes")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "Nothing is stored of ada.")
    assert await system.erasure.counts("ada") == {}
    assert (await system.erasure.counts("bob"))["generation_jobs"] == 2
    assert erase("--user", "ada", "--yes").returncode == 0


async def test_a_job_that_still_runs_is_told_and_the_exit_code_says_so(system: System, erase: Run) -> None:
    await submitted(system)
    assert await system.queue.claim("worker") is not None
    done = erase("--user", "ada", "--yes", "--wait", "0")
    assert done.returncode == 1
    assert "Bulks that still run or are being changed: 1. Left, run this again:" in done.stdout
    assert await system.store.collection("generation_jobs").count({"wish": "cancel"}) == 1


def test_a_user_of_whom_nothing_is_stored_is_told_so(erase: Run) -> None:
    done = erase("--user", "nobody")
    assert (done.returncode, done.stdout) == (0, "Nothing is stored of nobody.\n")


async def test_a_user_s_data_is_written_to_a_file_that_was_not_there(
    system: System, run: Run, mongodb_uri: str, mongodb_database: str, tmp_path: Path
) -> None:
    await submitted(system)
    await submitted(system, "bob")
    environment = {
        "PRESSRUN_AUTH__MODE": "off",
        "PRESSRUN_MONGODB__URI": mongodb_uri,
        "PRESSRUN_MONGODB__DATABASE": mongodb_database,
    }
    done = run("export", "--user", "ada", "-o", "ada.jsonl", **environment)
    assert (done.returncode, done.stdout) == (0, "ada.jsonl: 4 documents of ada.\n")
    lines = [json.loads(line) for line in (tmp_path / "ada.jsonl").read_text().splitlines()]
    assert Counter(line["collection"] for line in lines) == {"api_keys": 1, "bulk_jobs": 1, "generation_jobs": 2}
    assert {line["document"]["userId"] for line in lines} == {"ada"}
    again = run("export", "--user", "bob", "-o", "ada.jsonl", **environment)
    assert (again.returncode, again.stderr) == (2, "ada.jsonl cannot be written: File exists.\n")
