from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from jobs.errors import InvalidInput
from pressrun.refusals import AnswerLost, UnexpectedAnswer
from tests.pressrun.scripted_service import BULK, Answer, ScriptedService

Invoke = Callable[..., Result]
Run = Callable[..., subprocess.CompletedProcess[str]]
RESULTS = f"/api/bulk-generate/{BULK}/results"


def test_results_go_to_the_standard_output_byte_by_byte(invoke: Invoke, service: ScriptedService) -> None:
    service.answers("GET", RESULTS, Answer("a,b\r\nä,\r\n".encode(), headers={"content-type": "text/csv"}))
    result = invoke("results", BULK, "--format", "csv")
    assert result.stdout_bytes == "a,b\r\nä,\r\n".encode()
    assert service.asked[0].query == {"format": "csv"}


def test_json_is_the_format_when_none_is_named(invoke: Invoke, service: ScriptedService) -> None:
    service.answers("GET", RESULTS, {"results": []})
    invoke("results", BULK)
    assert service.asked[0].query == {"format": "json"}


def test_the_ending_of_the_file_names_the_format(invoke: Invoke, service: ScriptedService, tmp_path: Path) -> None:
    service.answers("GET", RESULTS, Answer(b"PK\x03\x04" * 50_000))
    target = tmp_path / "articles.ZIP"
    result = invoke("results", BULK, "-o", str(target))
    assert result.stdout == f"Wrote 200,000 bytes to {target}.\n"
    assert target.read_bytes() == b"PK\x03\x04" * 50_000
    assert service.asked[0].query == {"format": "zip"}
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_that_is_there_is_kept(invoke: Invoke, service: ScriptedService, tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    target.write_text("mine")
    result = invoke("results", BULK, "-o", str(target))
    assert isinstance(result.exception, InvalidInput)
    assert "--force" in str(result.exception)
    assert target.read_text() == "mine"
    assert not service.asked


def test_a_file_that_is_there_is_overwritten_on_wish(invoke: Invoke, service: ScriptedService, tmp_path: Path) -> None:
    service.answers("GET", RESULTS, Answer(b"new"))
    target = tmp_path / "a.json"
    target.write_text("old")
    assert invoke("results", BULK, "-o", str(target), "--force").exit_code == 0
    assert target.read_text() == "new"


def test_results_that_break_off_leave_the_old_file_and_nothing_else(
    invoke: Invoke, service: ScriptedService, tmp_path: Path
) -> None:
    service.answers("GET", RESULTS, Answer(b"half of", breaks_off=True))
    target = tmp_path / "a.json"
    target.write_text("old")
    result = invoke("results", BULK, "-o", str(target), "--force")
    assert isinstance(result.exception, AnswerLost)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("place", [".", "missing/a.json", "pipe", "a.json/b.json"])
def test_a_place_that_cannot_be_written_is_a_sentence(
    invoke: Invoke, service: ScriptedService, tmp_path: Path, place: str
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a.json").touch()
    result = invoke("results", BULK, "--force", "-o", str(tmp_path / place))
    assert isinstance(result.exception, InvalidInput)
    assert not service.asked


def test_a_web_page_is_not_taken_for_results(invoke: Invoke, service: ScriptedService, tmp_path: Path) -> None:
    service.answers("GET", RESULTS, Answer(b"<html>", headers={"content-type": "text/html"}))
    result = invoke("results", BULK, "-o", str(tmp_path / "a.csv"))
    assert isinstance(result.exception, UnexpectedAnswer)
    assert not list(tmp_path.iterdir())


def test_a_zip_is_not_written_to_a_terminal(environment: dict[str, str], service: ScriptedService) -> None:
    controller, terminal = os.openpty()
    try:
        finished = subprocess.run(
            [sys.executable, "-m", "pressrun", "results", BULK, "--format", "zip"],
            env=environment,
            stdout=terminal,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(terminal)
        os.close(controller)
    assert finished.returncode == 2
    assert finished.stderr == "A zip is not for the terminal: name a file with -o FILE.\n"
    assert not service.asked


def test_a_zip_may_go_into_a_pipe(run: Run, service: ScriptedService) -> None:
    service.answers("GET", RESULTS, Answer(b"PK"))
    finished = run("results", BULK, "--format", "zip")
    assert (finished.returncode, finished.stdout) == (0, "PK")
