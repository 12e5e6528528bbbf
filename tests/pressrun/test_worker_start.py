"""What a worker's process has no need of is not loaded in it: a start takes half as long without the web framework."""

from __future__ import annotations

import json
import re
import signal
from datetime import timedelta
from pathlib import Path

from jobs.scheduling.schedules import Plan
from jobs.storage.store import Store
from jobs.system import Rules, start
from jobs.templates import Kept
from tests.support.deployment import UNPACED
from tests.support.processes import started

OWNER = "owner"
WEB = {"fastapi", "starlette", "uvicorn", "openpyxl"}
BODY = {"mode": "topic", "items": [{"topic": f"Tea {number}"} for number in range(10)]}


async def test_a_worker_that_fires_a_schedule_has_loaded_no_web_framework(
    mongodb_store: Store, mongodb_uri: str, mongodb_database: str, tmp_path: Path
) -> None:
    system = await start(mongodb_store, Rules())
    template = await system.templates.keep(OWNER, "Teas", Kept(json.dumps(BODY), "topic", None, 10))
    schedule = await system.schedules.keep(OWNER, Plan("Teas", template.id, "0 12 * * *"))
    a_moment_ago = system.clock.now() - timedelta(seconds=1)
    due = {"$set": {"next_at": a_moment_ago, "due_at": a_moment_ago}}
    await mongodb_store.collection("schedules").update_one({"_id": schedule.id}, due)
    environment = {
        **UNPACED,
        "PRESSRUN_MONGODB__URI": mongodb_uri,
        "PRESSRUN_MONGODB__DATABASE": mongodb_database,
        "PRESSRUN_AUTH__MODE": "off",
        "PYTHONPROFILEIMPORTTIME": "1",
    }
    async with started("worker", environment=environment, folder=tmp_path, ready="worker_started") as (worker, _):
        await worker.said("schedule_fired")
        [fired] = worker.told("schedule_fired")
        assert fired["outcome"] == "fired", fired
        worker.send(signal.SIGTERM)
        await worker.ended()
    loaded = set(re.findall(r"^import time: +\d+ \| +\d+ \| +([\w.]+)$", worker.output, re.MULTILINE))
    assert {"worker.scheduler", "service.rules.scheduling", "pydantic"} <= loaded
    assert not {name for name in loaded if name.partition(".")[0] in WEB}
