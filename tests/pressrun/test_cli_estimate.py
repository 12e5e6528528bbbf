"""When a bulk will have ended, as the command line tells it."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console
from typer.testing import Result

from pressrun.progress_view import watch
from pressrun.remote import Remote
from pressrun.screen import between, left
from tests.pressrun.hearing import hearing_ctrl_c
from tests.pressrun.scripted_service import BULK, ScriptedService, bulk_answer, job

Invoke = Callable[..., Result]
BULK_PATH = f"/api/bulk-generate/{BULK}"
BASIS = "12 articles done, 2 min 40 s each at the median (1 min 50 s to 4 min); one at a time, 5 s apart"
NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)


@pytest.fixture(autouse=True)
def _in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def estimate(low: datetime, high: datetime) -> dict[str, str]:
    return {"low": low.isoformat(), "high": high.isoformat(), "basis": BASIS}


ABOUT_TWO = estimate(NOON + timedelta(minutes=125, seconds=20), NOON + timedelta(minutes=139, seconds=1))


@pytest.mark.parametrize(
    ("begins", "lasts", "told"),
    [
        (timedelta(seconds=7), timedelta(seconds=31), "between 12:00:05 and 12:00:40"),
        (timedelta(minutes=5, seconds=59), timedelta(minutes=14), "between 12:05 and 12:20"),
        (timedelta(minutes=7), timedelta(minutes=90), "between 12:05 and 13:40"),
        (timedelta(minutes=7), timedelta(hours=7), "between 12:00 and 19:15"),
        (timedelta(0), timedelta(minutes=10), "between 12:00 and 12:10"),
    ],
)
def test_a_range_is_rounded_outwards_by_how_wide_it_is(begins: timedelta, lasts: timedelta, told: str) -> None:
    assert between(NOON + begins, NOON + begins + lasts) == told


def test_a_range_that_ends_on_another_day_says_on_which() -> None:
    tomorrow = NOON + timedelta(hours=14)
    assert between(NOON, tomorrow) == f"between 12:00 and {tomorrow:%b %d} 02:00"
    assert between(tomorrow, tomorrow + timedelta(minutes=10)) == f"between {tomorrow:%b %d} 02:00 and 02:10"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        ((0, 3), "up to 5 s left"),
        ((22, 61), "20 to 65 s left"),
        ((30, 95), "up to 2 min left"),
        ((130, 239), "2 to 4 min left"),
    ],
)
def test_the_time_left_of_a_job_is_told_in_round_figures(seconds: tuple[float, float], told: str) -> None:
    assert left(*seconds) == told


def test_the_status_shows_the_range_and_on_what_it_rests(invoke: Invoke, service: ScriptedService) -> None:
    running = job(1, "processing", current_stage="storage", remaining={"low": 130, "high": 239})
    service.answers("GET", BULK_PATH, bulk_answer(completed=3, running=1, jobs=[running], estimate=ABOUT_TWO))
    shown = invoke("status", BULK).stdout
    assert "Ends      between 14:05 and 14:20\n" in shown
    assert f"Going by  {BASIS}\n" in shown
    assert "Speed     4 an hour\n" in shown
    assert "2 to 4 min left" in shown


def test_a_paused_bulk_shows_why_and_no_end(invoke: Invoke, service: ScriptedService) -> None:
    waiting = {"code": "paused", "text": "Paused by ann: lunch"}
    service.answers("GET", BULK_PATH, bulk_answer("paused", completed=3, waiting=waiting))
    shown = invoke("status", BULK).stdout
    assert "Waiting   Paused by ann: lunch\n" in shown
    assert "Ends" not in shown


@pytest.mark.parametrize("live", [False, True])
def test_who_waits_sees_the_range_and_on_a_terminal_its_basis(
    service: ScriptedService, remote: Remote, live: bool
) -> None:
    output = io.StringIO()
    console = Console(file=output, width=200, force_terminal=live, force_interactive=live, markup=False)
    ended: Any = bulk_answer("completed", completed=10, estimate=ABOUT_TWO)
    running = job(1, "processing", current_stage="storage", remaining={"low": 0, "high": 20})
    service.answers("GET", BULK_PATH, bulk_answer(completed=3, running=1, jobs=[running], estimate=ABOUT_TWO), ended)
    watch(remote, BULK, console=console, sleep=lambda _: None)
    assert "ends between 14:05 and 14:20" in output.getvalue()
    assert "#1 (storage, 0 %, up to 20 s left)" in output.getvalue()
    assert (BASIS in output.getvalue()) == live
    assert "ends between" not in output.getvalue().splitlines()[-2]


@pytest.mark.parametrize("command", [["status", BULK, "--watch"], ["submit", "{file}", "--mode", "topic", "--wait"]])
def test_ctrl_c_leaves_the_terminal_in_order(
    environment: dict[str, str], service: ScriptedService, tmp_path: Any, command: list[str]
) -> None:
    topics = tmp_path / "topics.csv"
    topics.write_text("topic\n" + "".join(f"Topic {number}\n" for number in range(10)))
    service.answers("POST", "/api/bulk-generate", {"success": True, "bulk_job_id": BULK, "total_items": 10})
    service.answers("GET", BULK_PATH, bulk_answer(completed=3, estimate=ABOUT_TWO))
    given = [part.format(file=topics) for part in command]
    controller, terminal = os.openpty()
    run = hearing_ctrl_c(*given, "--interval", "0.05")
    with subprocess.Popen(run, env={**environment, "TERM": "xterm"}, stdout=terminal, stderr=terminal) as process:
        os.close(terminal)
        shown = b""
        while b"3 of 10" not in shown:
            shown += os.read(controller, 4096)
        assert b"\x1b[?25l" in shown  # the cursor is hidden while the bar is drawn
        process.send_signal(signal.SIGINT)
        while chunk := _read(controller):
            shown += chunk
    os.close(controller)
    assert process.returncode == 130
    assert shown.rindex(b"\x1b[?25h") > shown.rindex(b"\x1b[?25l")
    assert b"Traceback" not in shown


def _read(controller: int) -> bytes:
    try:
        return os.read(controller, 4096)
    except OSError:  # Linux tells the end of a terminal so.
        return b""
