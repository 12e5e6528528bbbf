"""A scripted service, and the command line run as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pressrun.cli import app
from pressrun.remote import Remote
from tests.pressrun.scripted_service import ScriptedService, scripted_service

ROOT = Path(__file__).parents[2]

Finished = subprocess.CompletedProcess[str]
Run = Callable[..., Finished]
Invoke = Callable[..., Result]


@pytest.fixture
def service() -> Iterator[ScriptedService]:
    with scripted_service() as running:
        yield running


@pytest.fixture
def remote(service: ScriptedService) -> Iterator[Remote]:
    def no_sleep(_: float) -> None:
        return None

    with Remote(service.url, sleep=no_sleep) as connected:
        yield connected


@pytest.fixture
def environment(service: ScriptedService) -> dict[str, str]:
    others = {name: value for name, value in os.environ.items() if not name.startswith("PRESSRUN_")}
    return {**others, "PRESSRUN_URL": service.url, "PYTHONPATH": str(ROOT), "TZ": "UTC"}


@pytest.fixture
def invoke(service: ScriptedService) -> Invoke:
    """Runs a command in this process; what it raises is in the result."""

    def run_here(*arguments: str) -> Result:
        return CliRunner().invoke(
            app,
            list(arguments),
            env={
                "PRESSRUN_URL": service.url,
                "PRESSRUN_API_KEY": None,
                "TERM": "xterm",
            },
        )

    return run_here


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Run:
    def run_in_a_process(*arguments: str, **more_environment: str) -> Finished:
        return subprocess.run(
            [sys.executable, "-m", "pressrun", *arguments],
            env={**environment, **more_environment},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run_in_a_process
