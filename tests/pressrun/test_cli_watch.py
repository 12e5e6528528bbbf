from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from rich.console import Console
from typer.testing import Result

from jobs.errors import InvalidInput
from jobs.states import BulkStatus
from pressrun.progress_view import FinalCounts, watch
from pressrun.refusals import Refused
from pressrun.remote import Remote
from pressrun.screen import open_console
from tests.pressrun.scripted_service import BULK, Answer, ScriptedService, bulk_answer, job

Invoke = Callable[..., Result]
BULK_PATH = f"/api/bulk-generate/{BULK}"
AWAY = Answer({"error": "The database does not answer"}, 503)
DONE = bulk_answer("completed", completed=10)


class Patience:
    """Stands in for time: each sleep is noted, and passes at once."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def monotonic(self) -> float:
        return sum(self.slept)


def _watch(remote: Remote, patience: Patience | None = None, *, live: bool = False) -> tuple[FinalCounts, str]:
    output = io.StringIO()
    console = Console(file=output, width=150, force_terminal=live, force_interactive=live, markup=False)
    patience = patience or Patience()
    counts = watch(remote, BULK, console=console, sleep=patience.sleep, monotonic=patience.monotonic)
    return counts, output.getvalue()


def test_a_line_is_printed_for_each_change_and_none_between(service: ScriptedService, remote: Remote) -> None:
    first = job(1, "processing", current_stage="validation", percentage=5)
    service.answers(
        "GET",
        BULK_PATH,
        bulk_answer("queued", started_at=None),
        bulk_answer("queued", started_at=None),
        bulk_answer(running=1, jobs=[first]),
        bulk_answer(running=1, jobs=[{**first, "current_stage": "storage", "percentage": 90}]),
        bulk_answer(completed=1, waiting={"code": "delay", "text": "rests until 12:03"}),
        DONE,
    )
    service.answers("GET", f"/api/jobs/{1:024x}", {"job": {"id": f"{1:024x}", "topic": "Warm\ncoats"}})
    counts, output = _watch(remote)
    lines = output.splitlines()
    assert lines[0] == "0:00:00  queued; 0 of 10 completed, 10 remaining"
    assert "#1 Warm coats (validation, 5 %)" in lines[1]
    assert "waiting: rests until 12:03" in lines[2]
    assert lines[3] == "2:31:04  completed; 10 of 10 completed"
    assert lines[4] == f"Bulk {BULK} is completed after 2:31:04: 10 of 10 completed."
    assert counts == FinalCounts(BulkStatus.COMPLETED, 10, 10, 0, 0)
    assert len(service.asked_for("GET", f"/api/jobs/{1:024x}")) == 1


@pytest.mark.parametrize("live", [False, True])
def test_who_waits_for_a_bulk_that_waits_for_a_person_is_told_how_to_choose(
    service: ScriptedService, remote: Remote, live: bool
) -> None:
    waits = {"code": "selection", "text": "3 jobs wait for a person to choose"}
    service.answers("GET", BULK_PATH, bulk_answer(waiting=waits), DONE)
    output = _watch(remote, live=live)[1]
    assert "waiting: 3 jobs wait for a person to choose" in output
    assert f"pressrun selections --bulk {BULK} --url {remote.url}, or pressrun approve {BULK} --url" in output


@pytest.mark.parametrize(
    ("fields", "title"),
    [
        ({"topic": "x" * 80}, "x" * 57 + "..."),
        ({"topic": None, "keywords": ["coat", "warm"]}, "coat, warm"),
        ({"keywords": "coat"}, "coat"),
        ({"trend": "capes", "region": "de"}, "capes"),
        ({"source_url": "https://example.org/a"}, "https://example.org/a"),
        ({}, "#1"),
    ],
)
def test_a_running_job_is_named_by_what_its_article_is_about(
    service: ScriptedService, remote: Remote, fields: dict[str, object], title: str
) -> None:
    service.answers("GET", BULK_PATH, bulk_answer(running=1, jobs=[job(1, "processing")]), DONE)
    service.answers("GET", f"/api/jobs/{1:024x}", {"job": fields})
    assert title in _watch(remote)[1]


def test_a_job_that_cannot_be_looked_up_is_shown_without_its_title(service: ScriptedService, remote: Remote) -> None:
    service.answers("GET", BULK_PATH, bulk_answer(running=1, jobs=[job(1, "processing")]), DONE)
    assert "; #1 (0 %)" in _watch(remote)[1]


def test_the_last_change_is_awaited_when_a_cancelled_bulk_still_runs(service: ScriptedService, remote: Remote) -> None:
    service.answers(
        "GET",
        BULK_PATH,
        bulk_answer("cancelled", completed=3, cancelled=6, running=1),
        bulk_answer("cancelled", completed=3, cancelled=7),
    )
    counts, output = _watch(remote)
    assert counts == FinalCounts(BulkStatus.CANCELLED, 10, 3, 0, 7)
    assert counts.exit_code == 1
    assert f"pressrun results {BULK}" in output


def test_failed_articles_end_with_the_way_to_try_them_again(service: ScriptedService, remote: Remote) -> None:
    service.answers("GET", BULK_PATH, bulk_answer("completed", completed=8, failed=2))
    counts, output = _watch(remote)
    assert counts.exit_code == 1
    assert f"pressrun retry {BULK} --url {service.url}\n" in output


def test_a_service_that_comes_back_is_waited_for_with_growing_pauses(service: ScriptedService, remote: Remote) -> None:
    gateway = Answer(b"<html>", 502, {"content-type": "text/html"})
    service.answers("GET", BULK_PATH, bulk_answer(), AWAY, gateway, AWAY, bulk_answer(), AWAY, DONE)
    patience = Patience()
    counts, output = _watch(remote, patience)
    assert counts.exit_code == 0
    assert patience.slept == [1, 1, 2, 4, 1, 1]
    assert output.count("The database does not answer. Trying again.") == 2
    assert output.count("  processing; 0 of 10") == 2


def test_patience_ends_after_ten_minutes(service: ScriptedService, remote: Remote) -> None:
    service.answers("GET", BULK_PATH, bulk_answer(), AWAY)
    patience = Patience()
    with pytest.raises(Refused, match="The database does not answer"):
        _watch(remote, patience)
    assert 600 <= sum(patience.slept) < 640
    assert max(patience.slept) == 30


def test_a_refusal_that_waiting_cannot_help_ends_the_watch(service: ScriptedService, remote: Remote) -> None:
    service.answers("GET", BULK_PATH, bulk_answer(), Answer({"error": "There is no such bulk."}, 404))
    with pytest.raises(Refused, match="no such bulk"):
        _watch(remote)


def test_a_caller_can_end_the_watch_by_its_sleep(service: ScriptedService, remote: Remote) -> None:
    service.answers("GET", BULK_PATH, bulk_answer())

    def stop(_: float) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        watch(remote, BULK, console=open_console(), sleep=stop)


def test_the_running_job_of_a_large_bulk_is_found_on_its_page(service: ScriptedService, remote: Remote) -> None:
    service.answers(
        "GET",
        BULK_PATH,
        bulk_answer(running=1, total=500, jobs=[job(1, "completed")], jobs_next_cursor="c1"),
        bulk_answer(running=1, total=500, jobs=[job(201, "completed")], jobs_next_cursor="c2"),
        bulk_answer(running=1, total=500, jobs=[job(401, "processing")]),
        bulk_answer(running=1, total=500, jobs=[job(402, "queued")]),
        DONE,
    )
    output = _watch(remote)[1]
    assert [asked.query.get("jobs_cursor") for asked in service.asked_for("GET", BULK_PATH)] == [
        None,
        "c1",
        "c2",
        "c2",
        None,
    ]
    assert "#401" in output


def test_a_terminal_gets_a_live_bar(service: ScriptedService, remote: Remote) -> None:
    service.answers(
        "GET",
        BULK_PATH,
        bulk_answer(completed=3, running=1, jobs=[job(4, "processing", current_stage="storage")]),
        AWAY,
        DONE,
    )
    service.answers("GET", f"/api/jobs/{4:024x}", {"job": {"topic": "[bold]coats"}})
    counts, output = _watch(remote, live=True)
    assert counts.exit_code == 0
    assert "3 of 10 completed, 1 running, 7 remaining" in output
    assert "#4 [bold]coats (storage, 0 %)" in output
    assert "10 of 10 completed" in output
    assert "━" in output


def test_many_running_jobs_do_not_fill_the_screen(service: ScriptedService, remote: Remote) -> None:
    jobs = [job(position, "processing") for position in range(1, 9)]
    service.answers("GET", BULK_PATH, bulk_answer(running=8, jobs=jobs), DONE)
    output = _watch(remote)[1]
    assert "and 3 more" in output
    assert "#6" not in output


def test_status_can_watch_on_a_terminal(environment: dict[str, str], service: ScriptedService) -> None:
    service.answers("GET", BULK_PATH, bulk_answer(completed=9), bulk_answer("completed", completed=9, failed=1))
    controller, terminal = os.openpty()
    command = [sys.executable, "-m", "pressrun", "status", BULK, "--watch", "--interval", "0.05"]
    with subprocess.Popen(command, env={**environment, "TERM": "xterm"}, stdout=terminal, stderr=terminal) as process:
        os.close(terminal)
        shown = b""
        while chunk := _read(controller):
            shown += chunk
    os.close(controller)
    assert process.returncode == 1
    assert b"9 of 10 completed, 1 failed" in shown
    assert b"pressrun retry" in shown


def _read(controller: int) -> bytes:
    try:
        return os.read(controller, 4096)
    except OSError:  # Linux tells the end of a terminal so.
        return b""


def test_status_does_not_wait_for_a_service_that_was_never_there(invoke: Invoke, service: ScriptedService) -> None:
    service.answers("GET", BULK_PATH, Answer({"error": "Out of order"}, 500))
    result = invoke("status", BULK, "--watch")
    assert isinstance(result.exception, Refused)
    assert len(service.asked) == 1


def test_watching_and_json_exclude_each_other(invoke: Invoke, service: ScriptedService) -> None:
    assert isinstance(invoke("status", BULK, "--watch", "--json").exception, InvalidInput)
    assert not service.asked
