from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from rich.console import Console
from typer.testing import Result

from jobs.errors import InvalidInput
from pressrun.refusals import Refused, UnexpectedAnswer
from pressrun.screen import draw_table, short_time
from tests.pressrun.scripted_service import BULK, Answer, ScriptedService, bulk_answer, job

Invoke = Callable[..., Result]
BULK_PATH = f"/api/bulk-generate/{BULK}"


def _listed(number: int, **fields: object) -> dict[str, object]:
    return {**bulk_answer()["bulk_job"], "_id": f"{number:024x}", "name": f"bulk {number}", **fields}


def test_bulks_are_listed_in_aligned_columns(invoke: Invoke, service: ScriptedService) -> None:
    bulks = [_listed(1, completed_items=3, failed_items=2), _listed(2, name="[red]spring\x1b[0m", total_items=50)]
    service.answers("GET", "/api/bulk-generate", {"bulk_jobs": bulks, "next_cursor": None})
    result = invoke("list", "--status", "processing", "--limit", "7")
    assert result.exit_code == 0
    heading, first, second = result.stdout.splitlines()
    assert heading.split() == ["ID", "STATUS", "DONE", "FAILED", "CREATED", "NAME"]
    assert first.split()[:4] == [f"{1:024x}", "processing", "3/10", "2"]
    assert first.index("bulk 1") == second.index("[red]spring") == heading.index("NAME")
    assert "\x1b" not in result.stdout
    assert service.asked[0].query == {"status": "processing", "limit": "7"}


def test_a_long_list_is_fetched_page_by_page(invoke: Invoke, service: ScriptedService) -> None:
    pages = [
        {"bulk_jobs": [_listed(number) for number in range(50)], "next_cursor": "c1"},
        {"bulk_jobs": [_listed(number) for number in range(50, 70)], "next_cursor": "c2"},
    ]
    service.answers("GET", "/api/bulk-generate", *pages)
    answer = json.loads(invoke("list", "--limit", "70", "--json").stdout)
    assert len(answer["bulk_jobs"]) == 70
    assert answer["next_cursor"] == "c2"
    assert [asked.query for asked in service.asked] == [{"limit": "50"}, {"limit": "20", "cursor": "c1"}]


def test_an_empty_list_is_said_so(invoke: Invoke, service: ScriptedService) -> None:
    service.answers("GET", "/api/bulk-generate", {"bulk_jobs": [], "next_cursor": None})
    assert invoke("list").stdout == "No bulks.\n"


def test_the_status_tells_how_to_choose_where_jobs_wait_for_that(invoke: Invoke, service: ScriptedService) -> None:
    answer = bulk_answer(running=1)
    service.answers("GET", BULK_PATH, {**answer, "progress": {**answer["progress"], "awaiting": 2}}, answer)
    told = f"Choose    pressrun selections --bulk {BULK} --url {service.url}, or pressrun approve {BULK} --url"
    assert told in invoke("status", BULK).stdout
    assert "Choose" not in invoke("status", BULK).stdout


def test_the_status_shows_counts_the_reason_to_wait_and_the_jobs(invoke: Invoke, service: ScriptedService) -> None:
    long_error = "the generator said no " * 20
    jobs = [
        job(1, "completed", current_stage="storage", percentage=100),
        job(2, "failed", error=long_error, retry_count=2),
        job(3, "processing", current_stage="component-generation", percentage=40),
    ]
    waiting = {"code": "delay", "text": "rests until 12:03:05"}
    service.answers("GET", BULK_PATH, bulk_answer(completed=1, failed=1, running=1, jobs=jobs, waiting=waiting))
    result = invoke("status", BULK)
    assert result.exit_code == 0
    assert f"Bulk      {BULK}  winter" in result.stdout
    assert "Waiting   rests until 12:03:05" in result.stdout
    assert "Articles  1 of 10 completed, 1 failed, 1 running, 8 remaining (10 %)" in result.stdout
    rows = result.stdout.splitlines()[-3:]
    assert rows[0].split() == ["1", "completed", "storage", "100"]
    assert long_error.strip() in rows[1]
    assert rows[2].split() == ["3", "processing", "component-generation", "40"]


def test_the_status_of_a_large_bulk_says_what_it_leaves_out(invoke: Invoke, service: ScriptedService) -> None:
    answer = bulk_answer(
        total=500, jobs=[job(1, "queued")], jobs_next_cursor="c", error_summary=["#300: 404 from the source"]
    )
    service.answers("GET", BULK_PATH, answer)
    output = invoke("status", BULK).stdout
    assert "... and 499 more jobs." in output
    assert "Failed    #300: 404 from the source" in output


def test_the_status_can_be_had_as_the_answer_of_the_api(invoke: Invoke, service: ScriptedService) -> None:
    answer = bulk_answer(completed=3, name="für Åse")
    service.answers("GET", BULK_PATH, answer)
    result = invoke("status", BULK, "--json")
    assert json.loads(result.stdout) == answer
    assert "für Åse" in result.stdout


@pytest.mark.parametrize("wrong", ["", "65f0", "..", f"{BULK}/../x", "zzf0a1b2c3d4e5f6a7b8c9d0"])
@pytest.mark.parametrize("command", ["status", "pause", "resume", "cancel", "retry", "remove", "results"])
def test_what_is_no_id_is_refused_before_the_service_is_asked(
    invoke: Invoke, service: ScriptedService, command: str, wrong: str
) -> None:
    result = invoke(command, wrong)
    assert isinstance(result.exception, InvalidInput)
    assert not service.asked


def test_a_bulk_that_is_not_there_is_told_in_the_words_of_the_service(invoke: Invoke, service: ScriptedService) -> None:
    service.answers("GET", BULK_PATH, Answer({"error": "There is no such bulk."}, 404))
    result = invoke("status", BULK)
    assert isinstance(result.exception, Refused)
    assert str(result.exception) == "There is no such bulk."


def test_an_answer_of_another_shape_is_told_with_its_field(invoke: Invoke, service: ScriptedService) -> None:
    answer = bulk_answer()
    del answer["progress"]["total"]
    service.answers("GET", BULK_PATH, answer)
    result = invoke("status", BULK)
    assert isinstance(result.exception, UnexpectedAnswer)
    assert "progress.total" in str(result.exception)


def test_pause_names_what_still_runs(invoke: Invoke, service: ScriptedService) -> None:
    service.answers(
        "POST", f"{BULK_PATH}/pause", {"success": True, "message": "Bulk job paused", "running": [f"{1:024x}"]}
    )
    result = invoke("pause", BULK.upper(), "--reason", "lunch")
    assert result.stdout == "Bulk job paused.\nRunning now: 1 job, allowed to finish.\n"
    assert service.asked[0].body == {"mode": "finish", "reason": "lunch"}


def test_pause_can_stop_running_jobs_until_a_moment(invoke: Invoke, service: ScriptedService) -> None:
    service.answers("POST", f"{BULK_PATH}/pause", {"success": True, "message": "Bulk job paused", "running": []})
    assert invoke("pause", BULK, "--abort", "--until", "2026-11-30T08:00+02:00").exit_code == 0
    assert service.asked[0].body == {"mode": "abort", "until": "2026-11-30T06:00:00.000Z"}


def test_a_moment_without_a_zone_is_local(invoke: Invoke, service: ScriptedService) -> None:
    service.answers("POST", f"{BULK_PATH}/pause", {"success": True, "message": "Bulk job paused", "running": []})
    invoke("pause", BULK, "--until", "2026-11-30T08:00")
    sent = datetime.fromisoformat(service.asked[0].body["until"])
    assert sent == datetime(2026, 11, 30, 8).astimezone(UTC)


def test_a_moment_that_is_none_is_refused(invoke: Invoke, service: ScriptedService) -> None:
    result = invoke("pause", BULK, "--until", "tomorrow")
    assert isinstance(result.exception, InvalidInput)
    assert "'tomorrow'" in str(result.exception)
    assert not service.asked


@pytest.mark.parametrize(("command", "message"), [("resume", "Bulk job resumed"), ("cancel", "Bulk job cancelled")])
def test_resume_and_cancel_say_what_the_service_said(
    invoke: Invoke, service: ScriptedService, command: str, message: str
) -> None:
    service.answers("POST", f"{BULK_PATH}/{command}", {"success": True, "message": message, "running": []})
    result = invoke(command, BULK)
    assert result.stdout == f"{message}.\n"
    assert result.exit_code == 0


def test_a_bulk_is_removed_when_its_user_has_said_yes(invoke: Invoke, service: ScriptedService) -> None:
    service.answers("DELETE", BULK_PATH, {"success": True, "message": "Bulk job removed"})
    assert invoke("remove", BULK).exit_code == 1  # nobody is there to say it
    assert not service.asked
    result = invoke("remove", BULK, "--yes")
    assert (result.exit_code, result.stdout) == (0, "Bulk job removed.\n")
    assert [(asked.method, asked.path) for asked in service.asked] == [("DELETE", BULK_PATH)]


@pytest.mark.parametrize(
    ("retried", "sentence"),
    [
        (0, "No job of this bulk has failed: nothing to retry."),
        (1, "Back in the queue: 1 failed job."),
        (3, "Back in the queue: 3 failed jobs."),
    ],
)
def test_retry_counts_what_went_back(invoke: Invoke, service: ScriptedService, retried: int, sentence: str) -> None:
    service.answers("POST", f"{BULK_PATH}/retry", {"success": True, "message": "ok", "retried": retried})
    assert invoke("retry", BULK).stdout == f"{sentence}\n"


def test_a_narrow_terminal_breaks_the_last_column_and_cuts_nothing_off() -> None:
    output = io.StringIO()
    console = Console(file=output, width=30, force_terminal=True, color_system=None)
    draw_table(console, ("ID", "ERROR"), [(BULK, "one two three four"), ("日本", None)])
    rows = output.getvalue().splitlines()
    assert [row.split() for row in rows] == [["ID", "ERROR"], [BULK, "one", "two", "three"], ["four"], ["日本"]]
    assert rows[0].index("ERROR") == rows[1].index("one") == rows[2].index("four")


def test_a_bulk_of_another_year_is_listed_with_its_year() -> None:
    assert short_time(datetime(2019, 11, 3, 12, tzinfo=UTC)).endswith("  2019")
    assert ":" in short_time(datetime.now(UTC))
