"""Every command of the tutorial, run in one shell against a real `pressrun dev`, comes to what the page says."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.docs.blocks import ROOT, shown

PATIENCE_SECONDS = 240
SETUP = "scripts/setup\n. .venv/bin/activate\n"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def script(folder: Path) -> str:
    """The page's blocks in order, on ports of their own, with the environment that the tests run in."""
    blocks = shown("docs/tutorial.md", "sh")
    assert blocks[0].startswith(SETUP)
    whole = "\n".join(blocks).replace(SETUP, "").replace("$(mktemp -d)", str(folder))
    service, receiver = free_port(), free_port()
    whole = whole.replace("pressrun dev", f"pressrun dev --port {service}").replace("9000", str(receiver))
    return "set -euo pipefail\n" + whole.replace("localhost:8000", f"127.0.0.1:{service}") + f"\n: {service}"


async def run(commands: str, home: Path) -> tuple[int, str]:
    """In a session of its own: whatever it has started ends with the test."""
    service = commands.rpartition(": ")[2]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PRESSRUN_")} | {
        "HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PRESSRUN_URL": f"http://127.0.0.1:{service}",
        "PRESSRUN_DEMO__LATENCY_SECONDS": "0.4",
        "PRESSRUN_WORKER__LEASE_SECONDS": "3",
        "PRESSRUN_WORKER__SWEEP_SECONDS": "0.5",
    }
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", commands),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=ROOT,
        env=environment,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            output, _ = await process.communicate()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def test_the_tutorial_comes_to_what_it_says(tmp_path: Path) -> None:
    code, said = await run(script(tmp_path), tmp_path)
    assert code == 0, said + (tmp_path / "dev.log").read_text()[-2000:]
    assert said.count("12 of 12 completed.") == 2
    assert "01-how-to-wax-a-canvas-jacket" in said
    assert "Bulk job paused." in said
    assert "Paused by" in said
    assert re.search(r"^\s*24$", said, re.MULTILINE), "an article was paid for twice, or lost"
    assert "Option 2 is chosen." in said
    assert '"type":"bulk.completed"' in said
    firings = json.loads((tmp_path / "schedule.json").read_text())["next_firings"]
    at_six = [datetime.fromisoformat(one).astimezone(ZoneInfo("Europe/Berlin")) for one in firings]
    assert [(one.weekday(), one.hour) for one in at_six] == [(0, 6)] * 5
    assert "Weekly pages" in said.rpartition("STATUS")[2]
