"""`pressrun archive` as an operator runs it, on a real server: it counts, archives when told, and puts back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from jobs.capacity.limits import Limits
from jobs.documents import BulkId, BulkRequest
from jobs.outcomes import Completed
from jobs.storage.store import Store
from jobs.system import Rules, System, start
from tests.pressrun.conftest import Run


@pytest.fixture
async def system(mongodb_store: Store) -> System:
    return await start(mongodb_store, Rules(limits=Limits(max_running=1)))


@pytest.fixture
def archive(run: Run, mongodb_uri: str, mongodb_database: str) -> Run:
    environment = {
        "PRESSRUN_AUTH__MODE": "off",
        "PRESSRUN_MONGODB__URI": mongodb_uri,
        "PRESSRUN_MONGODB__DATABASE": mongodb_database,
    }
    return lambda *options, **more: run("archive", *options, **environment, **more)


async def ended(system: System) -> BulkId:
    request = BulkRequest(mode="topic", items=[{"topic": "A"}], delay=timedelta(0))
    created = await system.creation.create("ada", request)
    claim = await system.queue.claim("worker")
    assert claim is not None
    await system.queue.finish(claim, Completed("text", {}))
    await system.outbox.relay()
    return created.bulk_id


async def test_it_counts_archives_when_told_and_puts_back(system: System, archive: Run, tmp_path: Path) -> None:
    bulk_id = await ended(system)
    shown = archive("--older-than", "0", "--folder", str(tmp_path))
    assert shown.stdout.splitlines()[0] == "Completed bulks that ended that long ago: 1."
    assert await system.lookup.bulk("ada", bulk_id)
    young = archive("--older-than", "30", "--folder", str(tmp_path), "--yes")
    assert young.stdout == f"Completed bulks that are in {tmp_path} now, and removed: 0.\n"
    done = archive("--older-than", "0", "--folder", str(tmp_path), "--yes")
    assert done.stdout == f"Completed bulks that are in {tmp_path} now, and removed: 1.\n"
    assert (await system.lookup.bulks("ada")).documents == []
    (file,) = tmp_path.glob("*/*.jsonl")
    back = archive("--restore", str(file))
    assert (back.returncode, back.stdout.splitlines()[0]) == (
        0,
        f"Bulk {bulk_id} of ada is back, with 1 jobs and 0 assets.",
    )
    assert (await system.lookup.bulk("ada", bulk_id))["status"] == "completed"
    again = archive("--restore", str(file))
    assert again.returncode == 2
    assert "is there already" in again.stderr


def test_it_wants_one_thing_at_a_time_and_a_folder(archive: Run) -> None:
    assert "either --older-than DAYS or --restore FILE" in archive().stderr
    nowhere = archive("--older-than", "1")
    assert nowhere.returncode == 2
    assert "Where to? Say --folder FOLDER, or set PRESSRUN_RETENTION__ARCHIVE." in nowhere.stderr


@pytest.mark.parametrize("days", ["nan", "inf", "1e300", "36501", "-1", "soon"])
def test_an_age_that_is_none_is_refused_by_a_sentence(archive: Run, days: str) -> None:
    refused = archive("--older-than", days, "--folder", "nowhere", "--yes")
    assert refused.returncode == 2
    assert "Invalid value" in refused.stderr
    assert "Traceback" not in refused.stderr
