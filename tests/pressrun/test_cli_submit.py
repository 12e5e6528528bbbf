from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from jobs.errors import InvalidInput
from pressrun.refusals import Refused
from tests.pressrun.hearing import hearing_ctrl_c
from tests.pressrun.scripted_service import BULK, Answer, ScriptedService, bulk_answer
from tests.support.workbooks import workbook

Invoke = Callable[..., Result]
Run = Callable[..., subprocess.CompletedProcess[str]]
BULK_PATH = f"/api/bulk-generate/{BULK}"
QUEUED = {"success": True, "bulk_job_id": BULK, "total_items": 2, "message": "Bulk generation queued"}


@pytest.fixture
def topics(tmp_path: Path) -> Path:
    file = tmp_path / "winter coats.csv"
    file.write_text("Title,Words\nWarm coats,800\nRain coats,900\n")
    return file


def test_a_file_becomes_a_bulk_named_after_it(invoke: Invoke, service: ScriptedService, topics: Path) -> None:
    service.answers("POST", "/api/bulk-generate", QUEUED)
    result = invoke("submit", str(topics), "--mode", "topic", "--column", "topic=Title")
    assert result.exit_code == 0
    body = service.asked[0].body
    assert (body["mode"], body["name"]) == ("topic", "winter coats")
    assert [item["topic"] for item in body["items"]] == ["Warm coats", "Rain coats"]
    assert body.keys() == {"mode", "name", "items"}
    assert f"Bulk {BULK} is queued: 2 articles." in result.stdout
    assert f"pressrun status {BULK} --watch --url {service.url}\n" in result.stdout
    assert service.asked[0].headers["idempotency-key"]


def test_the_settings_of_the_bulk_are_sent(invoke: Invoke, service: ScriptedService, topics: Path) -> None:
    service.answers("POST", "/api/bulk-generate", QUEUED)
    options = "--name Spring --max-retries 0 --delay-seconds 1.5 --parallelism 3"
    invoke("submit", str(topics), "--mode", "topic", "--column", "topic=Title", *options.split())
    body = service.asked[0].body
    assert (body["name"], body["max_retries"], body["delay_seconds"], body["parallelism"]) == (
        "Spring",
        0,
        1.5,
        3,
    )


def test_the_pipeline_and_its_options_are_sent(invoke: Invoke, service: ScriptedService, topics: Path) -> None:
    service.answers("POST", "/api/bulk-generate", QUEUED)
    options = ["ideas=3", "select_within_hours=null", "image=true", "publish_to = my cms", "n=NaN"]
    given = [argument for option in options for argument in ("--option", option)]
    invoke("submit", str(topics), "--mode", "topic", "--column", "topic=Title", "--pipeline", "blog", *given)
    body = service.asked[0].body
    assert body["pipeline"] == "blog"
    expected = {"ideas": 3, "select_within_hours": None, "image": True, "publish_to": "my cms", "n": "NaN"}
    assert body["options"] == expected


@pytest.mark.parametrize("options", [["ideas"], ["=3"], ["ideas="], ["ideas=3", "ideas=4"]])
def test_an_option_that_says_nothing_clear_is_refused(
    invoke: Invoke, service: ScriptedService, topics: Path, options: list[str]
) -> None:
    given = [argument for option in options for argument in ("--option", option)]
    result = invoke("submit", str(topics), "--mode", "topic", "--column", "topic=Title", *given)
    assert isinstance(result.exception, InvalidInput)
    assert "--option" in str(result.exception)
    assert not service.asked


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("missing.csv", "There is no file {file}."),
        ("folder", "{file} is a directory: name a file."),
        ("topics.csv/x", "{file} cannot be read: Not a directory."),
        ("large.csv", "{file} holds more than 8 MB: submit it in parts."),
    ],
)
def test_a_file_that_cannot_be_taken_is_a_sentence(
    invoke: Invoke, service: ScriptedService, tmp_path: Path, name: str, sentence: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "topics.csv").touch()
    (tmp_path / "large.csv").write_bytes(b"topic\n" + b"x" * 9 * 1024 * 1024)
    file = tmp_path / name
    result = invoke("submit", str(file), "--mode", "topic")
    assert isinstance(result.exception, InvalidInput)
    assert str(result.exception) == sentence.format(file=file)
    assert not service.asked


@pytest.mark.parametrize("columns", [["topic"], ["=Title"], ["topic="], ["topic=A", "topic=B"]])
def test_a_column_that_says_nothing_clear_is_refused(
    invoke: Invoke, service: ScriptedService, topics: Path, columns: list[str]
) -> None:
    options = [option for column in columns for option in ("--column", column)]
    result = invoke("submit", str(topics), "--mode", "topic", *options)
    assert isinstance(result.exception, InvalidInput)
    assert "--column" in str(result.exception)
    assert not service.asked


def test_a_column_that_is_missing_is_told_with_the_option_that_names_it(
    invoke: Invoke, service: ScriptedService, tmp_path: Path
) -> None:
    file = tmp_path / "topics.csv"
    file.write_text("Post Name\nTea\n")
    result = invoke("submit", str(file), "--mode", "topic")
    assert isinstance(result.exception, InvalidInput)
    assert "--column 'topic=Page title'" in result.stderr
    assert not service.asked


def test_a_sheet_of_a_workbook_becomes_a_bulk(invoke: Invoke, service: ScriptedService, tmp_path: Path) -> None:
    file = tmp_path / "plan.xlsx"
    file.write_bytes(workbook(["Notes"], ["x"], Ideas=[["Topic"], ["Tea"], ["Milk"]]))
    service.answers("POST", "/api/bulk-generate", QUEUED)
    result = invoke("submit", str(file), "--mode", "topic", "--sheet", "ideas")
    assert result.exit_code == 0, result.stderr
    body = service.asked[0].body
    assert (body["name"], body["items"]) == ("plan", [{"topic": "Tea"}, {"topic": "Milk"}])


def test_a_mode_that_is_not_there_exits_2(run: Run, topics: Path) -> None:
    finished = run("submit", str(topics), "--mode", "poem")
    assert finished.returncode == 2
    assert "poem" in finished.stderr


def test_what_the_service_refuses_exits_2_with_the_place_in_the_file(
    run: Run, service: ScriptedService, topics: Path
) -> None:
    details = [{"path": "items.1.topic", "message": "is too long"}, {"path": "name", "message": "is taken"}]
    service.answers("POST", "/api/bulk-generate", Answer({"error": "Invalid", "details": details}, 400))
    finished = run("submit", str(topics), "--mode", "topic", "--column", "topic=Title")
    assert finished.returncode == 2
    assert finished.stderr == "Invalid\n  rows.3.topic: is too long\n  name: is taken\n"


def test_a_submission_without_any_answer_says_how_to_find_out(
    invoke: Invoke, service: ScriptedService, topics: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pressrun.remote.TRIES", 1)
    service.answers("POST", "/api/bulk-generate", Answer(b"{", breaks_off=True))
    result = invoke("submit", str(topics), "--mode", "topic", "--column", "topic=Title")
    assert result.exception is not None
    assert "pressrun list" in result.stderr


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (bulk_answer("completed", completed=2, total=2), 0),
        (bulk_answer("completed", completed=1, failed=1, total=2), 1),
        (bulk_answer("cancelled", completed=1, cancelled=1, total=2), 1),
    ],
)
def test_waiting_exits_as_the_bulk_ends(
    run: Run, service: ScriptedService, topics: Path, end: dict[str, object], code: int
) -> None:
    service.answers("POST", "/api/bulk-generate", QUEUED)
    service.answers("GET", BULK_PATH, bulk_answer(total=2), end)
    finished = run("submit", str(topics), "--mode", "topic", "--column", "topic=Title", "--wait", "--interval", "0.05")
    assert finished.returncode == code, finished.stderr
    assert "0 of 2 completed, 2 remaining" in finished.stdout


def test_a_wait_that_cannot_go_on_says_that_the_bulk_does(
    invoke: Invoke, service: ScriptedService, topics: Path
) -> None:
    service.answers("POST", "/api/bulk-generate", QUEUED)
    service.answers("GET", BULK_PATH, Answer({"error": "Unauthorized"}, 401))
    result = invoke("submit", str(topics), "--mode", "topic", "--column", "topic=Title", "--wait")
    assert isinstance(result.exception, Refused)
    assert f"pressrun cancel {BULK}" in result.stderr


def test_ctrl_c_while_waiting_leaves_the_bulk_running_and_says_how_to_go_on(
    environment: dict[str, str], service: ScriptedService, topics: Path
) -> None:
    service.answers("POST", "/api/bulk-generate", QUEUED)
    service.answers("GET", BULK_PATH, bulk_answer(total=2))
    arguments = ["submit", str(topics), "--mode", "topic", "--column", "topic=Title", "--wait"]
    with subprocess.Popen(
        hearing_ctrl_c(*arguments, "--interval", "0.05"),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        service.wait_until(lambda: len(service.asked_for("GET", BULK_PATH)) >= 2)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "The bulk goes on" in output
    assert f"pressrun cancel {BULK}" in output
    assert errors == ""
