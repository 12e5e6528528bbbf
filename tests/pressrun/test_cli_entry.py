from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable

import pytest

from jobs.errors import Fault, InvalidInput, NotFound
from pressrun import __main__ as entry
from pressrun import cli
from tests.pressrun.scripted_service import BULK, Answer, ScriptedService

Run = Callable[..., subprocess.CompletedProcess[str]]


def _ends_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> int | str | None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as ended:
        entry.main()
    return ended.value.code


def test_without_arguments_the_commands_are_listed(run: Run) -> None:
    finished = run()
    for command in ("submit", "list", "status", "pause", "resume", "cancel", "retry", "results", "limits"):
        assert command in finished.stdout
    assert "Usage: pressrun" in finished.stdout


def test_the_version_is_told(run: Run) -> None:
    finished = run("--version")
    assert finished.returncode == 0
    assert finished.stdout.startswith("pressrun ")


def test_a_mistyped_command_is_refused_without_a_trace(run: Run) -> None:
    finished = run("lst")
    assert finished.returncode == 2
    assert "lst" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_a_service_that_is_not_there_is_one_sentence(run: Run) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        finished = run("list", "--url", url)
    assert finished.returncode == 2
    assert finished.stdout == ""
    assert finished.stderr == (
        f"No Pressrun service answers at {url}: start it with `pressrun dev`, or give another --url.\n"
    )


def test_the_faults_of_a_refused_request_follow_its_sentence(run: Run, service: ScriptedService) -> None:
    details = [{"path": "until", "message": "must lie\x1b[2J ahead"}]
    service.answers(
        "POST",
        f"/api/bulk-generate/{BULK}/pause",
        Answer({"error": "Invalid input", "details": details}, 400),
    )
    finished = run("pause", BULK, "--until", "2020-01-01T00:00Z")
    assert finished.returncode == 2
    assert finished.stderr == "Invalid input\n  until: must lie [2J ahead\n"


def test_invalid_input_is_told_with_one_line_a_fault(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = InvalidInput("Two are wrong.", (Fault("a.b", "too long"), Fault("", "and 3 more")))
    assert _ends_with(monkeypatch, error) == 2
    assert capsys.readouterr().err == "Two are wrong.\n  a.b: too long\n  and 3 more\n"


def test_the_mistakes_of_a_task_group_are_told_as_sentences(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = ExceptionGroup("tasks", [NotFound("bulk"), ExceptionGroup("more", [NotFound("job")])])
    assert _ends_with(monkeypatch, error) == 2
    assert capsys.readouterr().err == "There is no such bulk.\nThere is no such job.\n"


def test_a_defect_of_ours_is_one_sentence_that_names_the_way_to_its_trace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("PRESSRUN_DEBUG", raising=False)
    assert _ends_with(monkeypatch, ZeroDivisionError("oops")) == 70
    assert capsys.readouterr().err == (
        "Pressrun failed: ZeroDivisionError: oops; run with PRESSRUN_DEBUG=1 for the trace\n"
    )


def test_the_trace_of_a_defect_is_shown_on_wish(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PRESSRUN_DEBUG", "1")
    assert _ends_with(monkeypatch, ZeroDivisionError("oops")) == 70
    assert "Traceback" in capsys.readouterr().err


def test_ctrl_c_ends_quietly_with_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert _ends_with(monkeypatch, KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == ""


def test_a_reader_that_goes_away_is_no_error_worth_a_word(
    environment: dict[str, str], service: ScriptedService
) -> None:
    service.answers("GET", f"/api/bulk-generate/{BULK}/results", Answer(b"x" * 5_000_000))
    command = [sys.executable, "-m", "pressrun", "results", BULK]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(10) == b"x" * 10
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1
